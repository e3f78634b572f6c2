"""Work shared out to threads, results in order; numpy lets go of the interpreter where it matters."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import numpy  # noqa: F401  its matrix library is to be found
from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Pixels of one strip; a bound on working memory, whatever the picture's size.
STRIP_PIXELS = 1 << 18
#: Looked for now, before there are threads: threadpoolctl before 3.8 has Python called back while the loader of
#: libraries is locked, and where another thread holds Python to load one, both wait for ever.
_LIBRARIES = ThreadpoolController()
#: Strips are large: more threads than this wait for memory.
WORKERS = min(8, os.cpu_count() or 1)


def use_threads(count: int) -> None:
    """Let work in this process be shared out to so many threads, where others work beside it."""
    global WORKERS
    WORKERS = max(1, min(8, count))


def in_order(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Apply a function to items on all cores; at most a few results wait at a time."""
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def one_more_thread(is_worth_it: bool) -> Executor:
    """A thread beside this one; where there may be none, or it is not worth it, this one does what is submitted."""
    return ThreadPoolExecutor(1) if is_worth_it and WORKERS > 1 else _ThisThread()


class _ThisThread(Executor):
    """Does what is submitted at once."""

    def submit(self, work: Callable[..., Result], /, *given: Any, **more: Any) -> Future[Result]:
        """Do it, and return what came of it."""
        done: Future[Result] = Future()
        try:
            done.set_result(work(*given, **more))
        except BaseException as error:
            done.set_exception(error)
        return done


class Later(Generic[Result]):
    """Work whose result is wanted later: done beside other work, or when it is asked for."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._future: Future[Result] | None = None

    def begin(self, on: Executor) -> None:
        """Let it be done, unless it is already."""
        if self._future is None:
            self._future = on.submit(self._work)
            del self._work  # and all that it holds

    def result(self) -> Result:
        """What comes of it."""
        self.begin(_ThisThread())
        assert self._future is not None
        return self._future.result()


@contextmanager
def beside(*works: Later[Any]) -> Iterator[None]:
    """Do some work on another thread while this one does what is inside; where there is no other, it is not begun."""
    if WORKERS == 1:
        yield
        return
    with ThreadPoolExecutor(1) as other:
        for work in works:
            work.begin(other)
        yield


class _OneBlasThread:
    """Keeps the matrix library to the calling thread from the first who wants it until the last has done.

    Several threads may be inside at a time.  What each found would be put back in the order of their leaving, and the
    library be left with a number that another had set.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._inside = 0
        self._limits: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._changing:
            if not self._inside:
                self._limits = _LIBRARIES.limit(limits=1, user_api="blas")
            self._inside += 1
        try:
            yield
        finally:
            with self._changing:
                self._inside -= 1
                if not self._inside:
                    self._limits.restore_original_limits()


#: Keep the matrix library to the calling thread: our products are small, and our threads are our own.
one_blas_thread = _OneBlasThread()


def strips(height: int, width: int) -> Iterator[slice]:
    """Row ranges of about ``STRIP_PIXELS`` pixels that cover a picture."""
    step = max(1, STRIP_PIXELS // width)
    for top in range(0, height, step):
        yield slice(top, min(height, top + step))
