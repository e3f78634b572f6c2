"""Pictures as they come into folders: each once nobody writes to it any more, and again when it is another.

The system tells what has changed (watchfiles). It does not tell everything: not what another machine writes to a shared
folder, not what was put into a new folder before that was looked at. So all folders are gone through now and then.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from gamutcli.batch.digests import State, state_of
from gamutcli.batch.names import Name, Search
from gamutcli.batch.shard import stable_hash
from gamutcli.errors import UsageError

#: Seconds between two walks through all folders; and how many times longer than it takes nothing else goes on.
_REST, _SHARE = 60.0, 20
#: The same where the system tells nothing.
_REST_UNTOLD = 5.0
#: Files that may still grow before a walk waits for them.
_GROWING = 1000


@dataclass
class _Growing:
    """A file that may not be whole yet."""

    name: Name
    state: State
    since: float


class Watch:
    """Names as they come, without an end but that of the folders.

    Args:
        search: Its sources are folders.
        settle: Seconds for which size and time of a file must stay the same before it is taken for whole.
        warn: Hears where the system does not tell what changes.

    Raises:
        UsageError: A source is no folder, or lies in another; or there is no watchfiles.
    """

    def __init__(self, search: Search, settle: float, warn: Callable[[str], None]) -> None:
        _check(search)
        self._search = search
        self._settle = settle
        self._notices = _Notices(search, warn)
        self._growing: dict[str, _Growing] = {}
        self._given: dict[int, int] = {}  # hashes of files, and of their states when they were given out
        self._in_hand: set[str] = set()
        self._problems: list[Name] = []

    def __enter__(self) -> Self:
        self._notices.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._notices.end()

    def settle(self, source: str) -> None:
        """Learn that nobody works on a picture any more: it may be given out again."""
        self._in_hand.discard(source)

    def __iter__(self) -> Iterator[Name | None]:
        """Go through the pictures; None where there is none at the moment."""
        while not self._notices.have_begun:
            yield None
        walked = -float("inf")
        rest = 0.0
        while True:
            gone = [source for source in self._search.sources if not os.path.isdir(source)]
            if gone:
                yield Name(gone[0], ".", f"{gone[0]}: is gone; nothing more can come into it.")
                return
            if time.monotonic() - walked >= rest:
                began = time.monotonic()
                with contextlib.suppress(UsageError):  # a folder has just gone
                    yield from self._walk()
                walked = time.monotonic()
                rest = max(_REST if self._notices.are_told else _REST_UNTOLD, _SHARE * (walked - began))
            for source, below in self._notices.take():
                self._note(self._search.below(source, below))
            yield from self._whole()
            yield None

    def _walk(self) -> Iterator[Name | None]:
        for count, name in enumerate(self._search):
            if name is not None:
                self._note([name])
            while len(self._growing) > _GROWING:
                yield from self._whole()
                yield None
            if count % 1000 == 999:
                yield None

    def _note(self, names: Iterable[Name]) -> None:
        for name in names:
            if name.problem:
                if stable_hash(name.source) not in self._given:
                    self._given[stable_hash(name.source)] = 0
                    self._problems.append(name)
                continue
            state = state_of(name.source)
            if state is not None and self._given.get(stable_hash(name.source)) != hash(state):
                self._growing.setdefault(name.source, _Growing(name, state, time.monotonic()))

    def _whole(self) -> Iterator[Name]:
        """Give out what has stopped to grow, and what is wrong with folders, once."""
        while self._problems:
            yield self._problems.pop()
        for source, growing in [*self._growing.items()]:
            state, now = state_of(source), time.monotonic()
            if state is None:
                del self._growing[source]
            elif state != growing.state:
                growing.state, growing.since = state, now
            elif now - growing.since >= self._settle and source not in self._in_hand:
                del self._growing[source]
                number = stable_hash(source)
                has_been_given = number in self._given
                self._given[number] = hash(state)
                self._in_hand.add(source)
                yield replace(growing.name, has_changed=has_been_given)


def _check(search: Search) -> None:
    if search.listing:
        raise UsageError("-: --watch is about folders, and not about names on standard input.")
    folders: dict[str, str] = {}
    for source in search.sources:
        if not os.path.isdir(source):
            raise UsageError(f"{source}: is no folder; --watch is about folders.")
        path = os.path.join(os.path.realpath(source), "")
        for other, named in folders.items():
            if path.startswith(other) or other.startswith(path):
                raise UsageError(f"{named} and {source}: the one is in the other; watch the outer one.")
        folders[path] = source


class _Notices:
    """What the system says has changed, gathered by a thread."""

    def __init__(self, search: Search, warn: Callable[[str], None]) -> None:
        try:
            import watchfiles
        except ImportError as error:
            raise UsageError("--watch: needs watchfiles: pip install watchfiles") from error
        self._watch = watchfiles.watch
        self._warn = warn
        # The system may tell of folders by their true names only.
        self._folders = {os.path.realpath(source): source for source in search.sources}
        self._paths: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._begun, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._gather, daemon=True)
        self.are_told = True

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join(2.0)

    @property
    def have_begun(self) -> bool:
        """Whether nothing that changes from now on is missed, as far as the system tells."""
        return self._begun.is_set()

    def take(self) -> Iterator[tuple[str, str]]:
        """Take what has changed: the source, and the path below it."""
        seen = set()
        with contextlib.suppress(queue.Empty):
            while True:
                seen.add(self._paths.get_nowait())
        for path in sorted(seen):
            for folder, source in self._folders.items():
                if path.startswith(folder.rstrip(os.sep) + os.sep):
                    yield source, os.path.relpath(path, folder)

    def _gather(self) -> None:
        how = {"watch_filter": None, "debounce": 200, "yield_on_timeout": True, "rust_timeout": 500}
        try:
            for changes in self._watch(*self._folders, stop_event=self._ended, **how):
                self._begun.set()
                for _, path in changes:
                    self._paths.put(path)
        except (OSError, RuntimeError) as error:
            self.are_told = False
            self._warn(f"the system does not tell what changes ({error}): folders are looked through again and again")
        finally:
            self._begun.set()
