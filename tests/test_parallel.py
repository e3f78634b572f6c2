"""Strips cover a picture, in order."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamutcli import parallel
from gamutcli.parallel import Later, beside, strips


@given(height=st.integers(1, 500), width=st.integers(1, 500), pixels=st.integers(1, 3000))
def test_strips_cover_a_picture_once_from_top_to_bottom(height: int, width: int, pixels: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "STRIP_PIXELS", pixels)
        found = list(strips(height, width))
    rows = [row for part in found for row in range(part.start, part.stop)]
    assert rows == list(range(height))
    assert all(part.stop - part.start == 1 or (part.stop - part.start) * width <= pixels for part in found)


def test_a_very_wide_picture_comes_row_by_row() -> None:
    assert list(strips(3, 10 * parallel.STRIP_PIXELS)) == [slice(0, 1), slice(1, 2), slice(2, 3)]


@pytest.mark.parametrize(("workers", "is_worth_it"), [(1, True), (4, False), (4, True)])
def test_work_beside_gives_what_comes_of_it(workers: int, is_worth_it: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "WORKERS", workers)
    with parallel.one_more_thread(is_worth_it) as other:
        assert other.submit(divmod, 7, 2).result() == (3, 1)
        with pytest.raises(ZeroDivisionError):
            other.submit(divmod, 7, 0).result()
        at = other.submit(threading.current_thread).result()
    assert (at is threading.current_thread()) is (workers == 1 or not is_worth_it)


@pytest.mark.parametrize("workers", [1, 4])
def test_later_work_is_done_once_beside_other_work_or_when_it_is_wanted(
    workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "WORKERS", workers)
    done: list[threading.Thread] = []
    later = Later(lambda: done.append(threading.current_thread()))
    for _ in range(2):
        with beside(later):
            pass
        assert len(done) == (workers > 1)
    for _ in range(2):
        later.result()
        assert len(done) == 1
    assert (done[0] is threading.current_thread()) is (workers == 1)


def test_several_works_are_done_beside_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "WORKERS", 2)
    done: list[int] = []
    with beside(*(Later(partial(done.append, number)) for number in range(5))):
        pass
    assert done == [0, 1, 2, 3, 4]


def test_what_went_wrong_is_told_to_whoever_wants_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "WORKERS", 2)
    later = Later(lambda: 1 // 0)
    with beside(later):
        pass
    with pytest.raises(ZeroDivisionError):
        later.result()


def threads_of_the_matrix_library() -> set[int]:
    """Of numpy's: other tests have other packages load theirs."""
    return {library["num_threads"] for library in parallel._LIBRARIES.info() if library["user_api"] == "blas"}


def test_the_matrix_library_is_found_and_kept_to_one_thread() -> None:
    with parallel.one_blas_thread():
        np.ones((2, 2), np.float32) @ np.ones((2, 2), np.float32)
        found = threads_of_the_matrix_library()
    if sys.platform == "darwin" and not found:
        pytest.skip("the system's own")
    assert found == {1}


def test_it_gets_its_threads_back_when_the_last_has_done_with_one() -> None:
    before = threads_of_the_matrix_library()
    first, second = ExitStack(), ExitStack()
    first.enter_context(parallel.one_blas_thread())
    second.enter_context(parallel.one_blas_thread())
    first.close()
    assert threads_of_the_matrix_library() <= {1}
    second.close()
    assert threads_of_the_matrix_library() == before


#: Loads and unloads libraries in a thread, while the main one keeps the matrix library to one again and again.
BESIDE_LOADING = """
import _ctypes, threading
from pathlib import Path

import numpy

from gamutcli.parallel import one_blas_thread

names = [str(path) for path in Path(numpy.__file__).parent.glob("random/*.so")]
done = threading.Event()

def load():
    while not done.is_set():
        for name in names:
            _ctypes.dlclose(_ctypes.dlopen(name, 1))

other = threading.Thread(target=load, daemon=True)
other.start()
for _ in range(300):
    with one_blas_thread():
        pass
done.set()
other.join()
print(len(names))
"""


@pytest.mark.skipif(os.name == "nt", reason="libraries are loaded otherwise there")
def test_it_is_kept_to_one_while_another_thread_loads_libraries() -> None:
    # Looked for each time with threadpoolctl 3.5, both wait for ever.
    done = subprocess.run([sys.executable, "-c", BESIDE_LOADING], capture_output=True, text=True, timeout=120)
    assert int(done.stdout) > 0, done.stderr
