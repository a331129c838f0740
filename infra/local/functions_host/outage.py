"""Tells once that something went away and once that it is back, however many loops notice."""

from __future__ import annotations

import logging

_log = logging.getLogger("Host")


class Outage:
    """The state of one thing that several loops depend on."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._is_on = False

    def began(self, error: BaseException) -> None:
        """Say so the first time."""
        if not self._is_on:
            self._is_on = True
            _log.warning("The %s cannot be reached and is tried again: %s", self._subject, error)

    def ended(self) -> None:
        """Say so when there was an outage."""
        if self._is_on:
            self._is_on = False
            _log.info("The %s is reached again.", self._subject)
