"""The tables of a configuration file that no release of the app describes.

A file names them, and says of the columns that its mappings use what the services said when they were described. On
import the services' word counts, for it is they that take the values; where that has moved on, the preview tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from shared.core.configuration_file import DescribedTable
from shared.core.mapping import Mapping
from shared.core.sides import Side
from shared.core.table_words import words_of
from shared.core.tables import Table
from shared.services.context import Services
from shared.services.mapping_tables import columns_named

type Difference = tuple[str, str]
"""A column, and a sentence about how it has moved on."""


def described_tables(services: Services, mappings: Sequence[Mapping]) -> list[dict[str, Any]]:
    """The tables that were described by their services, with the columns that these mappings use."""
    found = []
    for side, name in sorted((Side(side), name) for side, name in services.read_tables.names):
        used = set[str]().union(*(columns_named(mapping, side, name) for mapping in mappings))
        columns = {one.name: words_of(one) for one in services.table(side, name).columns if one.name in used}
        if columns:
            found.append({"name": name, "side": side.value, "columns": dict(sorted(columns.items()))})
    return found


def moved_columns(
    told: DescribedTable, known: Callable[[Side, str], Table | None], read: Iterable[Table]
) -> Iterator[Difference]:
    """What is otherwise now than the file says; nothing of a table that is not there: its mappings say so."""
    just_read = (table for table in read if (table.side, table.name) == (told.side, told.name))
    table = next(just_read, known(told.side, told.name))
    for name, before in told.columns.items() if table is not None else ():
        now = words_of(table.column(name)) if table is not None and table.has(name) else "not there"
        if now != before:
            yield (
                name,
                f"{told.side.product}: the column {name} of {told.name} was described as {before} when the file was "
                f"written, and is {now} now. Look whether the mappings that use it still do what they should.",
            )
