"""What is a finding: errors that are not documented or name no file, too much time or memory, words of libraries."""

from __future__ import annotations

import re
import resource
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from gamutcli.errors import GamutError
from tests.fuzz.operations import Mutant, Operation

#: Seconds of processor time that an operation on a small file may take.
SLOW = 2.0
_NUMBERS = re.compile(r"[0-9]+(\.[0-9]+)?|0x[0-9a-f]+|'[^']*'|/\S+")


@dataclass(frozen=True)
class Finding:
    """Something that should not have happened.

    Attributes:
        kind: In a word or two.
        operation: What was tried.
        words: In a line.
        trace: Where, if that is known.
    """

    kind: str
    operation: str
    words: str
    trace: str = ""


def judge(operation: Operation, mutant: Mutant, printed: Path) -> tuple[str, Finding | None]:
    """Try an operation.

    Args:
        operation: What is tried.
        mutant: With what.
        printed: What this process prints on stderr.

    Returns:
        The outcome in words without numbers, and the finding if it is one.
    """
    began, size = time.process_time(), printed.stat().st_size
    name = operation.__name__
    try:
        outcome = f"{name} {operation(mutant)}"
        found = None
    except GamutError as error:
        outcome = f"{name} {type(error).__name__} {_NUMBERS.sub('#', str(error))}"
        found = _badly_said(name, error, mutant.path)
    except MemoryError:
        outcome, found = f"{name} MemoryError", Finding("memory", name, "MemoryError", traceback.format_exc())
    except Exception as error:
        outcome = f"{name} {type(error).__name__}"
        found = Finding(type(error).__name__, name, str(error), traceback.format_exc())
    spent = time.process_time() - began
    if spent > SLOW:
        found = found or Finding("slow", name, f"{spent:.1f} s of processor time")
    if printed.stat().st_size > size:
        with printed.open("rb") as file:
            file.seek(size)
            words = file.read().decode(errors="replace")
        found = found or Finding("printed", name, words.strip()[:300])
    return outcome, found


def _badly_said(operation: str, error: GamutError, path: Path) -> Finding | None:
    words = str(error)
    if "\n" in words:
        return Finding("several lines", operation, words, traceback.format_exc())
    if not any(name in words for name in (path.name, "restored.", "reduced.", "stripped.", "embedded.", "taken.")):
        return Finding("no file named", operation, words, traceback.format_exc())
    if "not enough memory" in words or "does not fit into memory" in words:
        return Finding("memory", operation, words, traceback.format_exc())
    return None


def limit(memory: int) -> None:
    """Let this process have so many bytes of memory and no more."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
