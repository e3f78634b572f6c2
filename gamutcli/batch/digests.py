"""What tells whether a result is still right: state and digest of what it is made from, digest of the settings."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from gamutcli.payload.format import VERSION
from gamutcli.storage import remote

_CHUNK = 1 << 20
#: Settings that change where, how or whether a result comes about, not what it is.
_MEANS = ("device", "reference", "allow_large", "allow_slow")
#: What a setting was before there was a word for it: it makes the results of then, which stay as they are.
_AS_EVER = {"intent": "relative"}


class State(NamedTuple):
    """What a file system says of a file at once, without reading it: trusted, as `make` does, where nothing differs."""

    size: int
    mtime_ns: int


def state_of(path: str, *, fresh: bool = True) -> State | None:
    """Return the state of a file; None where there is none. What a bucket has listed before may count if not fresh."""
    if remote.is_address(path):
        found = remote.look(path, fresh=fresh)
        return None if found is None else State(*found)
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return State(status.st_size, status.st_mtime_ns)


def states_of(paths: Sequence[str]) -> tuple[State | None, ...]:
    """Return the states of all files that a result is made from."""
    return tuple(state_of(path, fresh=False) for path in paths)


def content_digest(paths: Sequence[str]) -> str:
    """Return the digest of the bytes of all files that a result is made from; what is not there counts as nothing.

    Raises:
        OSError: One is there and cannot be read.
    """
    whole = hashlib.sha256()
    for path in paths:
        digest = hashlib.sha256()
        if os.path.exists(path):
            with open(path, "rb", buffering=0) as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        whole.update(digest.digest())
    return whole.hexdigest()[:32]


def settings_digest(command: str, settings: Mapping[str, Any]) -> str:
    """Return the digest of all that decides what a source becomes, the version of the payload included.

    Files among the settings, such as weights, count with what they hold.
    """
    told: dict[str, Any] = {"command": command, "format": VERSION}
    for name, value in settings.items():
        if name not in _MEANS and value is not None and _AS_EVER.get(name) != value:
            told[name] = content_digest([os.fspath(value)]) if is_file(value) else value
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_file(value: Any) -> bool:
    """Tell files among settings from words that happen to be names of files as well."""
    named = isinstance(value, PurePath) or (isinstance(value, str) and PurePath(value).suffix != "")
    return named and os.path.isfile(value)
