"""All simulated tables, and how they refer to each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from infra.local.dataverse.schema.account import ACCOUNT
from infra.local.dataverse.schema.contact import CONTACT
from infra.local.dataverse.schema.model import Column, OnDelete, Table
from infra.local.dataverse.schema.organization import (
    BUSINESS_UNIT,
    ORGANIZATION,
    SYSTEM_USER,
    TEAM,
    TRANSACTION_CURRENCY,
)
from infra.local.dataverse.schema.platform import (
    PROCESSING_STEP,
    SDK_MESSAGE,
    SDK_MESSAGE_FILTER,
    SERVICE_ENDPOINT,
    SYSTEM_JOB,
)
from infra.local.dataverse.schema.product import PRODUCT, UOM, UOM_SCHEDULE

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        ACCOUNT,
        CONTACT,
        SYSTEM_USER,
        TEAM,
        BUSINESS_UNIT,
        TRANSACTION_CURRENCY,
        PRODUCT,
        UOM,
        UOM_SCHEDULE,
        ORGANIZATION,
        SDK_MESSAGE,
        SDK_MESSAGE_FILTER,
        SYSTEM_JOB,
        SERVICE_ENDPOINT,
        PROCESSING_STEP,
    )
}
BY_SET: dict[str, Table] = {table.set_name: table for table in TABLES.values()}


@dataclass(frozen=True)
class Relationship:
    """One-to-many: rows of `referencing` point with `column` to a row of `referenced`, which lists them as `name`."""

    name: str
    referenced: Table
    referencing: Table
    column: Column

    @property
    def on_delete(self) -> OnDelete:
        return self.column.on_delete


@cache
def relationships_to(table: str) -> dict[str, Relationship]:
    """The collection-valued navigation properties of a table, by name."""
    found = [
        Relationship(column.relationships[table], TABLES[table], other, column)
        for other in TABLES.values()
        for column in other.lookups
        if table in column.relationships
    ]
    return {one.name: one for one in found}
