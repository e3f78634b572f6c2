"""The result of a picture: what the single command would write, by the same functions of the library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gamutcli import storage
from gamutcli.batch.units import Task
from gamutcli.measuring.words import json_safe


def write(task: Task, target: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Write the result of a task wherever, with whatever settings."""
    if task.command == "reduce":
        from gamutcli.reduce import reduce_image

        return _plain(reduce_image(task.source, target, overwrite=task.overwrite, **settings))
    if task.command == "expand":
        from gamutcli.expand import expand_image

        return _plain(expand_image(task.source, target, overwrite=task.overwrite, **settings))
    from gamutcli.evaluation import evaluate

    more = {".html": "report_file", ".png": "map_file"}.get(target.suffix.lower())
    outputs: dict[str, Any] = {more: target, "overwrite": task.overwrite} if more else {}
    settings = {name: value for name, value in settings.items() if name != "reference"}
    if not more:
        storage.check_target(target, task.overwrite)
    judged = evaluate(task.source, task.reference, **outputs, **settings)
    called = {name: task.called.get(getattr(judged, name), getattr(judged, name)) for name in ("file", "reference")}
    result = _plain(replace(judged, **called))
    if not more:
        storage.publish(target, json.dumps(result, indent=2).encode() + b"\n", task.overwrite)
    return result


def _plain(result: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json_safe(asdict(result))
    return plain
