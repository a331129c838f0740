"""The standard tables and mappings as data, and their loading."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from shared.core.mapping import Mapping
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
