"""Fits on the device that was chosen: on a GPU, what several threads want at the same time is done together.

Source: as ``gamutcli.fitting.fit``.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from gamutcli.arrays import FloatArray
from gamutcli.fitting.fit import Fit, Progress
from gamutcli.fitting.fit import fit as fit_on_cpu
from gamutcli.fitting.presets import Preset
from gamutcli.fitting.sample import Sample
from gamutcli.gpu import fit as on_gpu
from gamutcli.gpu.fit import Job

#: Pictures that are fitted at once, each of which takes some 150 MB of the GPU; eight take twice as long as one.
MOST = 8


def fit_on(
    device: str,
    sample: Sample,
    preset: Preset,
    seed: int,
    progress: Progress | None = None,
    start_weights: Sequence[FloatArray] | None = None,
    fixed: int = 0,
) -> Fit:
    """Fit a network on the device that was chosen, "cpu" or "cuda"; the other arguments are those of ``Job``."""
    if device == "cuda":
        return _TURNS.fit(Job(sample, preset, seed, progress, start_weights, fixed))
    return fit_on_cpu(sample, preset, seed, progress, start_weights, fixed=fixed)


class _Turns:
    """One thread at a time fits; it takes along what goes with its own job and has been waiting meanwhile."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[Future[Fit], Job] = {}
        self._is_taken = False

    def fit(self, job: Job) -> Fit:
        """Have a job done, by this thread or by another."""
        mine: Future[Fit] = Future()
        with self._changed:
            self._waiting[mine] = job
            self._changed.wait_for(lambda: mine.done() or not self._is_taken)
            if mine.done():
                return mine.result()
            self._is_taken = True
            together = self._take(mine)
        try:
            for wanted, found in zip(together, on_gpu.fit_together(list(together.values())), strict=True):
                wanted.set_result(found)
        except BaseException as error:
            for wanted in together:
                wanted.set_exception(error)
        finally:
            with self._changed:
                self._is_taken = False
                self._changed.notify_all()
        return mine.result()

    def _take(self, mine: Future[Fit]) -> dict[Future[Fit], Job]:
        """Take a job from those that wait, and such as go with it."""
        job = self._waiting[mine]
        others = [wanted for wanted, other in self._waiting.items() if wanted is not mine and other.goes_with(job)]
        return {wanted: self._waiting.pop(wanted) for wanted in [mine, *others][:MOST]}


_TURNS = _Turns()
