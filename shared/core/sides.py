"""The two systems that a mapping joins, and the directions in which values may travel."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """One of the two systems."""

    BUSINESS_CENTRAL = "business_central"
    DATAVERSE = "dataverse"

    @property
    def other(self) -> Side:
        """The side across."""
        return Side.DATAVERSE if self is Side.BUSINESS_CENTRAL else Side.BUSINESS_CENTRAL

    @property
    def product(self) -> str:
        """The product's name as people write it."""
        return "Business Central" if self is Side.BUSINESS_CENTRAL else "Dataverse"


class Direction(StrEnum):
    """Which way a mapping or one of its field mappings synchronizes (Integration Table Mapping, field Direction)."""

    BIDIRECTIONAL = "Bidirectional"
    TO_INTEGRATION_TABLE = "ToIntegrationTable"
    FROM_INTEGRATION_TABLE = "FromIntegrationTable"

    def allows(self, source: Side) -> bool:
        """Whether values of `source` may travel to the other side."""
        return self in (Direction.BIDIRECTIONAL, direction_from(source))


def direction_from(source: Side) -> Direction:
    """The one-way direction whose source is `source`."""
    return Direction.TO_INTEGRATION_TABLE if source is Side.BUSINESS_CENTRAL else Direction.FROM_INTEGRATION_TABLE
