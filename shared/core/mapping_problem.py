"""What is wrong with a mapping, or allowed and yet not wise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared.core.tables import Table


@dataclass(frozen=True, slots=True)
class MappingProblem:
    """One thing wrong: a stable `code`, the `member` to change, and a sentence.

    A `warning` hinders nobody from saving.
    """

    code: str
    member: str
    message: str
    warning: bool = False

    def as_warning(self) -> MappingProblem:
        """The same, hindering nobody."""
        return replace(self, warning=True)


type Problems = Iterator[MappingProblem]


def unknown_column(member: str, table: Table, name: str) -> MappingProblem:
    """A column that a table does not have."""
    return MappingProblem("unknown_column", member, f"{table.side.product} table {table.name} has no column {name}.")


def read_only_column(member: str, table: Table, name: str) -> MappingProblem:
    """A column that cannot be written."""
    text = f"{name} of {table.name} is read-only; only the direction from {table.side.product} is possible."
    return MappingProblem("read_only_column", member, text)
