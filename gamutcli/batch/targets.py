"""Where results go: the same folders below another one, under names that a template makes."""

from __future__ import annotations

import posixpath
import string
import unicodedata

from gamutcli.batch.shard import stable_hash
from gamutcli.errors import UsageError

#: What a template may hold.
FIELDS = ("stem", "suffix", "name", "kind")
TEMPLATE = "{stem}{suffix}"


class Targets:
    """Names of results, each given away once.

    Args:
        suffix: Of every result, with its dot.
        template: With {stem} of the source, {suffix} of the result; {name} is the source's with its suffix and {kind}
            that suffix without its dot.

    Raises:
        UsageError: A template that makes no file names.
    """

    def __init__(self, suffix: str, template: str = TEMPLATE) -> None:
        self._suffix = suffix
        self._template = template
        # Of a million names, numbers take a third of the memory.
        self._taken: dict[int, int] = {}
        _check(template, suffix)

    def name(self, relative: str) -> str:
        """Name the result of a source, both below their folders, with slashes."""
        folder, name = posixpath.split(relative)
        stem, dot, kind = name.rpartition(".")
        made = self._template.format(
            stem=stem if dot else name, suffix=self._suffix, name=name, kind=kind if dot else ""
        )
        return posixpath.join(folder, made)

    def take(self, target: str, source: str) -> str:
        """Take a name for the result of a source.

        Returns:
            "new"; "again" where this source has it already; "taken" where another one has, be it in letters that some
            systems take for the same.
        """
        number, owner = stable_hash(unicodedata.normalize("NFC", target).casefold()), stable_hash(source)
        first = self._taken.setdefault(number, -1)
        if first == -1:
            self._taken[number] = owner
            return "new"
        return "again" if first == owner else "taken"


def _check(template: str, suffix: str) -> None:
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
        made = template.format(stem="photo", suffix=suffix, name="photo.tif", kind="tif")
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        raise UsageError(f"--name {template}: is no template; write for instance '{TEMPLATE}'.") from error
    unknown = [field for field in fields if field not in FIELDS]
    if unknown:
        raise UsageError(f"--name {template}: {{{unknown[0]}}} is unknown; there are {{{'}, {'.join(FIELDS)}}}.")
    if not {"stem", "name"} & set(fields):
        raise UsageError(f"--name {template}: gives every picture the same name; use {{stem}} or {{name}}.")
    if "/" in made or "\\" in made or made.startswith("."):
        raise UsageError(f"--name {template}: is for names of files, which are not hidden, not for folders.")
    if not made.endswith(suffix):
        raise UsageError(f"--name {template}: must end with {{suffix}}, here {suffix}.")
