"""What `gamut batch --dry-run` says."""

from __future__ import annotations

import contextlib
import json
import math

from gamutcli.batch.forecast import CHECK, MAKE, Forecast, forecast
from gamutcli.batch.names import Search
from gamutcli.batch.run import Engine, Order
from gamutcli.batch.units import FAILED, REFUSED, SKIPPED, Task
from gamutcli.cli.console import say
from gamutcli.measuring.words import printable

_WORDS = {
    MAKE: "would {command}",
    CHECK: "would check",
    SKIPPED: "would skip",
    FAILED: "would leave",
    REFUSED: "refused",
}


def foretell(order: Order, search: Search, engine: Engine, jobs: int, *, as_json: bool, quiet: bool) -> int:
    """Say what a run would do, and how long it would take."""

    def tell(state: str, task: Task, why: str) -> None:
        if as_json:
            say(json.dumps({"state": state, "source": task.source, "file": task.target, "reason": why}))
        elif not quiet:
            said = _WORDS[state].format(command=order.command)
            say(printable(f"{said} {task.source} -> {task.target}{f': {why}' if why else ''}"))

    with contextlib.closing(engine):
        found = forecast(order, search, engine, tell)
    seconds = found.total(jobs)
    if as_json:
        counts = {state: found.states[state] for state in _WORDS}
        say(json.dumps({"counts": counts, "jobs": jobs, "seconds": seconds, "basis": found.basis}))
        return 0
    for state, count in found.states.items():
        say(f"{_WORDS[state].format(command=order.command)}: {count:,}")
    say(printable(_time(found, jobs, seconds)))
    return 0


def _time(found: Forecast, jobs: int, seconds: float | None) -> str:
    if not found.basis:
        return "nothing to do"
    if seconds is None:
        return f"no telling how long: {found.basis}"
    pictures = "one picture" if jobs == 1 else f"{jobs} pictures"
    return f"about {_duration(seconds)} with {pictures} at a time, {found.basis}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
