"""What is being done and how long it took, told to the logger "gamutcli" at level INFO, one sentence a stage."""

from __future__ import annotations

import logging
import time

LOGGER = logging.getLogger("gamutcli")


class Stages:
    """A clock that is read at the end of every stage of a work."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    def done(self, what: str) -> None:
        """Tell that a stage has ended: ``what`` says in the past tense what was done."""
        now = time.perf_counter()
        LOGGER.info("%s in %.2f s", what, now - self._since)
        self._since = now
