"""Aggregates: their SQL, as FetchXML and `$apply` know them."""

from __future__ import annotations

from infra.local.dataverse.errors import wrong_argument
from infra.local.dataverse.schema.model import Column

_FUNCTIONS = {
    "count": "count(*)",
    "countcolumn": "count({0})",
    "countdistinct": "count(DISTINCT {0})",
    "sum": "sum({0})",
    "avg": "avg({0})",
    "average": "avg({0})",
    "min": "min({0})",
    "max": "max({0})",
}
_OF_NUMBERS = frozenset({"sum", "avg", "average"})
MOST_GROUPED_ROWS = 50_000


def aggregate_sql(function: str, value: str, column: Column | None) -> str:
    """Answer the SQL of an aggregate of a value; raises Refusal for a function that does not fit the column."""
    if function not in _FUNCTIONS:
        raise wrong_argument(f"The aggregate '{function}' is not supported.")
    if function in _OF_NUMBERS and column is not None and not column.kind.is_number:
        raise wrong_argument(f"The aggregate '{function}' does not fit the attribute '{column.name}'.")
    return _FUNCTIONS[function].format(value)
