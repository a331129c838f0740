"""The errors that this process has noticed last: what has not changed need not be read again."""

from __future__ import annotations

from shared.core.notifications import Finding
from shared.services.repositories.runs import MappingState


class Noticed:
    """The errors of each mapping as this process has read them last, with the state's version at that time."""

    def __init__(self) -> None:
        self._errors: dict[str, tuple[str | None, list[Finding]]] = {}

    def errors(self, state: MappingState) -> list[Finding] | None:
        """What was read while the state had this version; None when it has to be read again."""
        etag, found = self._errors.get(state.mapping, (None, []))
        return found if etag is not None and etag == state.etag else None

    def keep(self, state: MappingState, found: list[Finding]) -> None:
        """Remember what was read."""
        self._errors[state.mapping] = (state.etag, found)
