"""The folder that an experiment writes into: a record a picture, so that it can be resumed, and in the end tables."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gamutcli import storage
from gamutcli.arrays import StrPath
from gamutcli.errors import InputError, OutputError, UsageError
from gamutcli.experiments.pictures import Subject, digest
from gamutcli.measuring.words import json_safe

#: Packages whose version may change a figure.
PACKAGES = ("gamutcli", "numpy", "imagecodecs", "tifffile", "Pillow")
#: What measured records of before it was written down.
UNKNOWN = {"versions": dict.fromkeys(("python", *PACKAGES), "unknown"), "machine": "an unknown machine"}

Row = dict[str, Any]
#: What measured something: ``versions``, a dictionary by package, and ``machine``, in words.
Maker = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """What an experiment found of one picture.

    Attributes:
        picture: Name of its file.
        sha256: Of its file.
        notes: What was said of it.
        rows: The figures, plain numbers and words.
        measured_by: What measured them; several where one run went on with another's rows.
    """

    picture: str
    sha256: str
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    measured_by: tuple[Maker, ...]


class ResultsFolder:
    """Where one experiment keeps its records and writes its results.

    Args:
        path: The folder; made where it does not exist.
        experiment: Its name; records lie in a folder of that name.
        settings: All that decides the figures; records of other settings are not mixed with new ones.
        outputs: Names of the files that ``publish`` will write.
        overwrite: Start anew where there are records of other settings, which are removed, and replace files of others.

    Raises:
        UsageError: The folder holds records of other settings.
        OutputError: It cannot be written, or holds files of these names that no experiment wrote.
    """

    def __init__(
        self, path: StrPath, experiment: str, settings: Mapping[str, Any], outputs: Sequence[str], overwrite: bool
    ) -> None:
        self.path = Path(path)
        self.experiment = experiment
        # Another version may fit otherwise.
        self.settings = json.loads(json.dumps({**settings, "version": versions()["gamutcli"]}))
        self._records = self.path / f"{experiment}-records"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be made ({error.strerror}); name another folder.") from error
        self._known = self._records.is_dir()
        for name in outputs:
            storage.check_target(self.path / name, overwrite or self._known)
        try:
            self._records.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self._records}: cannot be made ({error.strerror}); name another folder.") from error
        if overwrite:
            self._forget_others()
        else:
            self._check_settings()

    def find(self, picture: Path, sha256: str | None = None) -> Record | None:
        """What was found of a picture before, with the same settings.

        Args:
            picture: Its file.
            sha256: Of its file, as far as that is known.

        Returns:
            None where it has to be done.

        Raises:
            InputError: The picture or its record cannot be read.
        """
        path = self._path_of(picture)
        if not path.is_file():
            return None
        found = _read(path)
        if found["settings"] != self.settings or found["sha256"] != (sha256 or digest(picture)):
            return None
        makers = tuple(found.get("measured_by", [UNKNOWN]))
        return Record(found["picture"], found["sha256"], tuple(found["notes"]), tuple(found["rows"]), makers)

    def keep(self, subject: Subject, rows: Sequence[Row], before: Record | None = None) -> Record:
        """Write down what was found of a picture, here and now.

        Args:
            subject: The picture as it was opened: where its file has changed since, the record is that of the old one.
            rows: All figures.
            before: The record that some of the rows were taken from.
        """
        makers = _distinct([*(before.measured_by if before else ()), this_maker()])
        record = Record(subject.name, subject.sha256, subject.notes, tuple(json_safe(list(rows))), makers)
        content = {
            "picture": record.picture,
            "sha256": record.sha256,
            "settings": self.settings,
            "measured_by": record.measured_by,
            "notes": record.notes,
            "rows": record.rows,
        }
        storage.publish(self._path_of(subject.path), json_bytes(content), overwrite=True)
        return record

    def companions(self, picture: Path) -> Path:
        """The folder for files that go with a picture's record, and stay for a run that resumes; it may not exist."""
        return self._records / picture.name

    def forget(self, picture: Path) -> None:
        """Remove what was found of a picture, and the files that went with it."""
        self._path_of(picture).unlink(missing_ok=True)
        shutil.rmtree(self.companions(picture), ignore_errors=True)

    def publish(self, name: str, content: bytes) -> Path:
        """Write one of the results, replacing that of an earlier run."""
        storage.publish(self.path / name, content, overwrite=True)
        return self.path / name

    def retract(self, name: str) -> None:
        """Remove a result that an earlier run wrote, and that this one has not.

        Raises:
            OutputError: It cannot be removed.
        """
        if not self._known:
            return
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path / name}: cannot be removed ({error.strerror}); remove it.") from error

    def configuration(self, records: Sequence[Record]) -> dict[str, Any]:
        """What made the results: the settings, and all versions and machines that measured the records."""
        makers = _distinct([maker for record in records for maker in record.measured_by])
        packages = dict.fromkeys(package for maker in makers for package in maker["versions"])
        return {
            "experiment": self.experiment,
            "settings": self.settings,
            "versions": {
                package: " and ".join(dict.fromkeys(maker["versions"].get(package, "unknown") for maker in makers))
                for package in packages
            },
            "machines": list(dict.fromkeys(maker["machine"] for maker in makers)),
        }

    def _path_of(self, picture: Path) -> Path:
        return self._records / f"{picture.name}.json"

    def _forget_others(self) -> None:
        """Remove records of other settings, and files that are no records: no later run shall stumble over them."""
        for path in self._records.glob("*.json"):
            try:
                known = _read(path)["settings"] == self.settings
            except InputError:
                known = False
            if not known:
                self.forget(path.with_suffix(""))

    def _check_settings(self) -> None:
        for path in sorted(self._records.glob("*.json")):
            found = _read(path)["settings"]
            names = [*self.settings, *sorted(found.keys() - self.settings.keys())]
            other = [name for name in names if found.get(name) != self.settings.get(name)]
            if other:
                name = other[0]
                raise UsageError(
                    f"{self.path}: holds results with other settings ({name.replace('_', ' ')}: {found.get(name)}, now "
                    f"{self.settings.get(name)}); name another folder, or start anew with --overwrite."
                )


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        {name: found[name] for name in ("picture", "sha256", "settings", "notes", "rows")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no record of an experiment; remove it.") from error
    return found


def this_maker() -> Maker:
    """What measures here and now."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"
    return {"versions": {"python": platform.python_version(), **versions()}, "machine": machine}


def _distinct(makers: Sequence[Maker]) -> tuple[Maker, ...]:
    return tuple(maker for index, maker in enumerate(makers) if maker not in makers[:index])


def versions() -> dict[str, str]:
    """Versions of the packages that may change a figure."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def json_bytes(value: Any) -> bytes:
    """JSON for people and programs; what of a file's name is no text becomes an escape that JSON knows."""
    return (json.dumps(json_safe(value), indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
