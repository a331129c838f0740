"""The standard tables and mappings as data, and their loading."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from shared.core.mapping import FieldMapping, Mapping
from shared.core.tables import Table


@cache
def standard_tables() -> dict[tuple[str, str], Table]:
    """Every table the standard mappings touch, by (side, name)."""
    document = json.loads((files(__package__) / "tables.json").read_text("utf-8"))
    tables = [Table.model_validate(entry) for entry in document["tables"]]
    return {(table.side, table.name): table for table in tables}


@cache
def standard_mappings() -> tuple[Mapping, ...]:
    """The standard mappings (Microsoft's default setup as far as the standard BC API v2.0 reaches)."""
    document = json.loads((files(__package__) / "mappings.json").read_text("utf-8"))
    return tuple(Mapping.model_validate(entry) for entry in document["mappings"])


@cache
def extra_lines() -> dict[str, tuple[FieldMapping, ...]]:
    """The lines that Microsoft's default setup adds to a mapping, disabled; those that the standard API reaches.

    Mobile phones of customers and vendors and salutations of contacts are not on its pages.
    """
    document = json.loads((files(__package__) / "extra_lines.json").read_text("utf-8"))
    return {
        name: tuple(FieldMapping.model_validate(line) for line in lines)
        for name, lines in document["extra_lines"].items()
    }
