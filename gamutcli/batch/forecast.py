"""What a run would do, and how long that would take, from what earlier runs took or from one picture that is timed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from gamutcli.batch.digests import settings_digest, state_of
from gamutcli.batch.elsewhere import open_history
from gamutcli.batch.manifest import DONE
from gamutcli.batch.names import Name
from gamutcli.batch.run import Engine, Order, decide_all
from gamutcli.batch.units import FAILED, Outcome, Task

MAKE, CHECK = "make", "check"
#: Pictures that the one to be timed is chosen from, and lines of manifests that are averaged.
_CANDIDATES, _LINES = 100, 1000


@dataclass
class Forecast:
    """What a run would do.

    Attributes:
        states: How many pictures would be made, checked, skipped, failed and refused.
        seconds: A picture, of work; None where none could be timed.
        basis: Where that comes from.
    """

    states: Counter[str] = field(default_factory=Counter)
    seconds: float | None = None
    basis: str = ""

    def total(self, jobs: int) -> float | None:
        """Seconds that the run would take with so many pictures at a time."""
        todo = self.states[MAKE] + self.states[CHECK]
        return None if self.seconds is None else self.seconds * todo / max(1, min(jobs, todo))


def forecast(
    order: Order, names: Iterable[Name | None], engine: Engine, tell: Callable[[str, Task, str], None]
) -> Forecast:
    """Go through all pictures without touching any.

    Args:
        order: What would be done.
        names: The pictures.
        engine: Works on one of them, in a temporary folder, where no earlier run says how long it takes.
        tell: Hears of every picture: what would become of it, the task, and why.

    Raises:
        UsageError: There is no picture.
    """
    found = Forecast()
    candidates: list[Task] = []
    chance = random.Random(0)
    for unit in decide_all(order, names):
        if unit is None:
            continue
        if isinstance(unit, Outcome):
            state, task, why = unit.state, unit.task, unit.reason
        else:
            state, task, why = (CHECK if unit.check else MAKE), unit, ""
            todo = found.states[MAKE] + found.states[CHECK]
            if todo < _CANDIDATES:
                candidates.append(task)
            elif (place := chance.randrange(todo + 1)) < _CANDIDATES:
                candidates[place] = task
        found.states[state] += 1
        tell(state, task, why)
    if candidates:
        found.seconds, found.basis = _from_history(order) or _timed(candidates, engine)
    return found


def _from_history(order: Order) -> tuple[float, str] | None:
    settings = settings_digest(order.command, order.settings)
    seconds: list[float] = []
    with open_history(order.target) as history:
        for record in history.records():
            if record.state == DONE and record.settings == settings and record.pixels:
                seconds.append(record.seconds)
                if len(seconds) == _LINES:
                    break
    return (fmean(seconds), f"as {len(seconds)} done before took") if seconds else None


def _timed(candidates: list[Task], engine: Engine) -> tuple[float | None, str]:
    """Work on the picture whose file is of the middle size; the first work of a process is not the one that counts."""
    by_size = sorted(candidates, key=lambda task: getattr(state_of(task.source), "size", 0))
    chosen = by_size[len(by_size) // 2]
    seconds = None
    with TemporaryDirectory(prefix="gamut-") as folder:
        for name in ("first", "second"):
            target = Path(folder, name, Path(chosen.target).name)
            engine.submit(replace(chosen, target=str(target), check="", preserve_time=False))
            while engine.running:
                for outcome in engine.collect(1.0):
                    seconds = outcome.seconds
                    if outcome.state == FAILED:
                        return None, f"{chosen.source} was tried and failed: {outcome.reason}"
    return seconds, f"as {chosen.source} took"
