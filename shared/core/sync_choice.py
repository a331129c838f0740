"""The ways to synchronize a pair at once."""

from __future__ import annotations

from enum import StrEnum

from shared.core.sides import Side


class SyncChoice(StrEnum):
    """The three ways to synchronize a pair at once."""

    SEND = "send"  # Business Central's data overwrites Dataverse's
    GET = "get"  # Dataverse's data overwrites Business Central's
    MERGE = "merge"  # what either side changed goes to the other

    @property
    def source(self) -> Side | None:
        """The side whose data wins; None when both are merged."""
        return {SyncChoice.SEND: Side.BUSINESS_CENTRAL, SyncChoice.GET: Side.DATAVERSE}.get(self)
