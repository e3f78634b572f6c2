"""Who works on pictures: processes of this machine, or a Ray cluster."""

from __future__ import annotations

import glob
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from gamutcli.cli.console import progress
from gamutcli.errors import UsageError
from gamutcli.storage import remote

if TYPE_CHECKING:
    from gamutcli.batch.here import Here
    from gamutcli.batch.names import Search
    from gamutcli.batch.nodes import Places
    from gamutcli.batch.pool import Pool
    from gamutcli.batch.run import Engine, Order

#: Options that say something to Ray alone.
RAY_OPTIONS = {"ray_address": "--ray-address", "ray_cpus": "--ray-cpus", "ray_gpus": "--ray-gpus"}


def choose(order: Order, search: Search, given: Mapping[str, Any]) -> tuple[Order, Engine, int]:
    """Start no process yet, but say how many there will be; the order learns what pictures will take.

    Returns:
        The order, who works on it, and how many pictures at a time.

    Raises:
        UsageError: Options do not go together, or Ray cannot be used.
    """
    _check(order, search, given)
    if given["engine"] == "ray":
        return _on_ray(order, search, given)
    order, engine = _here(order, search, given)
    return order, engine, engine.jobs


def _check(order: Order, search: Search, given: Mapping[str, Any]) -> None:
    if given["engine"] != "ray":
        source = click.get_current_context().get_parameter_source
        for name, option in RAY_OPTIONS.items():  # what the environment says is for those runs that use Ray
            if given[name] is not None and source(name) is ParameterSource.COMMANDLINE:
                raise UsageError(f"{option}: is about Ray; add --engine ray.")
        return
    gpus = given["ray_gpus"] or 0.0
    for name in ("ray_cpus", "ray_gpus"):
        if not math.isfinite(given[name] or 0.0):
            raise UsageError(f"{RAY_OPTIONS[name]} {given[name]}: is no number of what there can be.")
    if gpus > 1 and not gpus.is_integer():
        raise UsageError(f"--ray-gpus {gpus:g}: above 1, GPUs are given whole.")
    if 0 < gpus < 0.01:
        raise UsageError(f"--ray-gpus {gpus:g}: 0.01 is the smallest part of one.")
    if order.settings.get("device") == "cuda" and not gpus:
        raise UsageError("--device cuda: with --engine ray it needs --ray-gpus, as 1 or 0.25.")
    if _address_of_ray(given) and given["memory"]:
        raise UsageError("--memory: nodes of a cluster have said theirs when they were started; leave it out.")
    if _is_of_this_process(order, search):
        raise UsageError("memory://: is of one process alone; --engine ray has others.")


def _is_of_this_process(order: Order, search: Search) -> bool:
    places = (*search.sources, order.target, order.reference or "")
    return any((remote.address_of(place) or "").startswith("memory://") for place in places)


def _here(order: Order, search: Search, given: Mapping[str, Any]) -> tuple[Order, Pool | Here]:
    from gamutcli.batch import machine
    from gamutcli.batch.here import Here

    if _is_of_this_process(order, search):
        return order, Here()
    cores = machine.cores()
    jobs = given["jobs"] or cores
    threads = max(1, cores // jobs)
    memory = given["memory"] or int(machine.SHARE * machine.memory())
    return _foreseeing(order, threads), _pool(jobs, threads, memory, given)


def _pool(jobs: int, threads: int, memory: int | None, given: Mapping[str, Any]) -> Pool:
    from gamutcli.batch import pool

    return pool.Pool(
        jobs,
        threads=threads,
        company=pool.ON_A_GPU if given.get("device") == "cuda" else 1,
        memory=memory,
        timeout=given["timeout"],
        recycle=given["recycle"],
        quiet=given["verbose"] < 2,
    )


def _foreseeing(order: Order, threads: int) -> Order:
    from gamutcli.batch.memory import predictor

    return replace(order, memory=predictor(order.command, order.suffix, order.settings, threads))


def _on_ray(order: Order, search: Search, given: Mapping[str, Any]) -> tuple[Order, Engine, int]:
    """Connect to a cluster; a dry run only learns how large it is, and times its picture here."""
    from gamutcli.batch import machine
    from gamutcli.batch.cluster import Cluster
    from gamutcli.batch.nodes import Share
    from gamutcli.batch.on_node import Terms

    share = Share(round(given["ray_cpus"] or 1.0, 4), round(given["ray_gpus"] or 0.0, 4))  # Ray counts no finer
    threads = max(1, int(share.cpus))
    address = _address_of_ray(given)
    if address and given["ray_address"] is None:
        progress(f"on the Ray cluster at {address}, as RAY_ADDRESS says")
    memory = given["memory"] or int(machine.SHARE * machine.memory())
    cluster = Cluster(address, share, jobs=given["jobs"], cores=machine.cores(), memory=memory)
    if given["dry_run"]:
        jobs = cluster.jobs
        cluster.close()
        return order, _pool(1, threads, None, given), jobs
    try:
        cluster.prepare(
            Terms(_places(order, search), threads, given["timeout"], given["recycle"], given["verbose"] < 2)
        )
    except BaseException:
        cluster.close()
        raise
    return _foreseeing(order, threads), cluster, cluster.jobs


def _address_of_ray(given: Mapping[str, Any]) -> str | None:
    """Where the cluster is; None where one is to be started here."""
    address: str | None = given["ray_address"] or os.environ.get("RAY_ADDRESS") or None
    return None if address == "local" else address


def _places(order: Order, search: Search) -> Places:
    """All that nodes need to see, as far as that is known before names come."""
    from gamutcli.batch.digests import is_file
    from gamutcli.batch.nodes import Places

    settings = [os.fspath(value) for value in order.settings.values() if is_file(value)]
    bases = [place for place in (order.reference, search.base) if place]
    read = [*map(_fixed, search.sources), *map(remote.name_of, bases), *settings]
    target = remote.name_of(order.target)
    here = [name for name in (*read, target) if not remote.is_address(name)]
    has_relative = bool(search.listing) or not all(map(os.path.isabs, here))
    return Places(str(Path.cwd()), has_relative, tuple(dict.fromkeys(read)), target)


def _fixed(source: str) -> str:
    """Return the folder that a source is, that it lies in, or that it begins in if it is a pattern."""
    if remote.is_address(source) or os.path.isdir(source):  # noqa: PTH112
        return source
    if os.path.lexists(source) or not glob.has_magic(source):
        return str(Path(source).parent)
    parts = Path(source).parts
    fixed = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    return str(Path(*parts[:fixed]))
