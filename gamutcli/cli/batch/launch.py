"""From the options of a command line to a run, and its end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gamutcli.cli.batch.engines import RAY_OPTIONS, choose
from gamutcli.cli.batch.listing import names_in
from gamutcli.cli.console import progress
from gamutcli.cli.piping import DASH
from gamutcli.errors import OutputError, UsageError
from gamutcli.storage import remote

if TYPE_CHECKING:
    from gamutcli.batch.names import Search
    from gamutcli.batch.run import Engine, Order
    from gamutcli.batch.shard import Shard
    from gamutcli.batch.units import Outcome
    from gamutcli.cli.batch.display import Display

#: Options of `batch_options` and of what is said, which are no settings of the library's functions.
_OF_THE_RUN = (
    *("sources", "output", "include", "exclude", "base", "null", "template"),
    *("jobs", "memory", "timeout", "recycle", "shard", "retry_failed", "max_failures", "dry_run"),
    *("watch", "settle"),
    *("engine", *RAY_OPTIONS),
    *("overwrite", "preserve_time", "quiet", "verbose", "as_json"),
)


def launch(command: str, suffix: str, suffixes: tuple[str, ...], given: Mapping[str, Any]) -> int:
    """Run a command on many pictures.

    Args:
        command: "reduce", "expand" or "eval".
        suffix: Of the results, with its dot.
        suffixes: Of the pictures.
        given: All options, by their names.

    Returns:
        The exit code.
    """
    search = _search(given, suffixes)
    order = _order(command, suffix, given)
    if given.get("watch"):
        _check_watch(order, given)
    from gamutcli.batch.run import run
    from gamutcli.cli.batch.display import Display
    from gamutcli.cli.batch.foretelling import foretell

    order, engine, jobs = choose(order, search, given)
    if given["dry_run"]:
        return foretell(order, search, engine, jobs, as_json=given["as_json"], quiet=given["quiet"])
    display = Display(quiet=given["quiet"], verbose=given["verbose"], as_json=given["as_json"])
    if given.get("watch"):
        return _watch(order, search, engine, display, given)
    with display.shown(search if not search.listing else None, order.shard), _interrupts(display.say) as stopped:
        counts = run(order, search, engine, display.tell, stopped, display.warn)
    return display.close(counts)


def _watch(order: Order, search: Search, engine: Engine, display: Display, given: Mapping[str, Any]) -> int:
    """Go on with what comes into the folders."""
    from gamutcli.batch.run import run
    from gamutcli.batch.watch import Watch

    def tell(outcome: Outcome) -> None:
        names.settle(outcome.task.source)
        display.tell(outcome)

    with (
        display.shown(None, order.shard),
        _interrupts(display.say) as stopped,
        Watch(search, given["settle"], display.warn) as names,
    ):
        if not given["quiet"]:
            display.say(f"watching {', '.join(search.sources)}; Ctrl-C ends it")
        counts = run(order, names, engine, tell, stopped, display.warn)
    return display.close(counts)


def _search(given: Mapping[str, Any], suffixes: tuple[str, ...]) -> Search:
    from gamutcli.batch.names import Filter, Search

    words: tuple[str, ...] = given["sources"]
    output: Path = given["output"]
    if remote.address_of(output) is None:
        _check_place(output)
    sources = tuple(word for word in words if word != str(DASH))
    for word in sources:
        if remote.is_address(word) and word.rstrip("/") == remote.address_of(output):
            raise UsageError(f"{word}: is a source too; write below another address.")
        if output.is_dir() and os.path.isdir(word) and output.samefile(word):  # noqa: PTH112
            raise UsageError(f"{output}: is a source too; write into another folder, which may lie in it.")
    if len(words) - len(sources) > 1:
        raise UsageError("-: standard input can be read once only.")
    if len(words) == len(sources) and given["null"]:
        raise UsageError("-0: is about names on standard input; add - to the sources.")
    listing = names_in(sys.stdin.buffer, b"\0" if given["null"] else b"\n") if len(words) > len(sources) else ()
    wanted = Filter(suffixes, given["include"], given["exclude"])
    return Search(sources, wanted, listing, given["base"], output)


def _check_place(output: Path) -> None:
    """Refuse a folder of results that cannot be made, before every picture fails for it.

    One that is there and cannot be written to may stay so: perhaps all is done.
    """
    there = next(folder for folder in (output, *output.absolute().parents) if folder.exists())
    if not there.is_dir():
        raise OutputError(f"{there}: is no folder; name another with -o.")
    if there != output and not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(f"{output}: cannot be made, for {there} is not writable; name another with -o.")


def _order(command: str, suffix: str, given: Mapping[str, Any]) -> Order:
    from gamutcli.batch.run import Order

    settings = {name: value for name, value in given.items() if name not in _OF_THE_RUN}
    reference: Path | None = settings.pop("reference", None)
    if reference is not None and not remote.address_of(reference) and not reference.is_dir():
        raise UsageError(f"{reference}: is no folder; name the folder of the originals.")
    return Order(
        command=command,
        target=given["output"],
        suffix=suffix,
        settings=settings,
        template=given["template"],
        reference=reference,
        overwrite=given["overwrite"],
        preserve_time=given["preserve_time"],
        retry_failed=given["retry_failed"],
        max_failures=given["max_failures"],
        shard=_shard(given["shard"]),
    )


def _shard(text: str | None) -> Shard:
    from gamutcli.batch import shard

    if text is not None:
        return shard.parse(text)
    found = shard.from_environment(os.environ)
    if found.count > 1:
        progress(f"part {found} of the pictures, as {found.origin} says; --shard 1/1 takes all")
    return found


def _check_watch(order: Order, given: Mapping[str, Any]) -> None:
    if given["dry_run"]:
        raise UsageError("--dry-run: nobody knows what will come; leave out --watch.")
    if order.shard.count > 1:
        raise UsageError("--shard: two that watch one folder do not divide it; give --shard 1/1, or leave out --watch.")


@contextlib.contextmanager
def _interrupts(say: Any) -> Iterator[Any]:
    """Give a function that tells whether Ctrl-C was pressed; a second one ends everything."""
    pressed = threading.Event()

    def press(number: int, frame: object) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()
        say("finishing the pictures in hand; Ctrl-C again stops at once")

    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
