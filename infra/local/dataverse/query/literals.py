"""How a constant of a query is compared with a column: its stored form, or a refusal where the types do not fit."""

from __future__ import annotations

from infra.local.dataverse.errors import Refusal, wrong_query
from infra.local.dataverse.query.expressions import Literal
from infra.local.dataverse.schema.model import Column, Kind
from infra.local.dataverse.storage import fold
from infra.local.dataverse.values import day_of, guid, seconds_of

_OPERATORS = {
    "eq": "Equal",
    "ne": "NotEqual",
    "gt": "GreaterThan",
    "ge": "GreaterThanOrEqual",
    "lt": "LessThan",
    "le": "LessThanOrEqual",
}
_EDM = {
    "string": "Edm.String",
    "guid": "Edm.Guid",
    "moment": "Edm.DateTimeOffset",
    "number": "Edm.Int32",
    "boolean": "Edm.Boolean",
}

Stored = str | int | float | None


def stored(column: Column, literal: Literal, operator: str) -> Stored:
    """Answer the value to compare a column with; texts come folded. Raises Refusal where the types do not fit."""
    value = _fitting(column, literal)
    if value is None:
        raise incompatible(column.kind.edm, _EDM[literal.kind], operator)
    return value


def stored_text(column: Column, text: str) -> Stored:
    """As `stored`, for the values of query functions: they are always texts, whatever the column is."""
    for kind in ("string", "guid", "moment", "number", "boolean"):
        if (value := _fitting(column, Literal(kind, text), lenient=True)) is not None:
            return value
    raise wrong_query(f"The value '{text}' does not fit the column '{column.wire}'.")


def incompatible(left: str, right: str, operator: str) -> Refusal:
    """The refusal of a comparison between types that do not fit."""
    kind = _OPERATORS.get(operator, operator)
    return wrong_query(
        f"A binary operator with incompatible types was detected. Found operand types '{left}' and '{right}' for "
        f"operator kind '{kind}'."
    )


def _fitting(column: Column, literal: Literal, *, lenient: bool = False) -> Stored:
    kind = column.kind
    if kind.is_text:
        return fold(literal.text) if literal.kind == "string" else None
    if kind.is_lookup or kind is Kind.GUID:
        # Unquoted by the standard; Microsoft's own examples quote it too.
        return guid(literal.text) if literal.kind in ("guid", "string") else None
    if kind is Kind.BOOLEAN:
        return _truth(literal, lenient)
    if kind is Kind.DATETIME:
        return seconds_of(literal.text) if literal.kind == "moment" else None
    if kind is Kind.DATE:
        return day_of(literal.text) if literal.kind == "moment" else None
    return _number(literal) if literal.kind == "number" else None


def _truth(literal: Literal, lenient: bool) -> int | None:
    if literal.kind == "boolean" and literal.text in ("true", "false"):
        return int(literal.text == "true")
    return int(literal.text) if lenient and literal.text in ("0", "1") else None


def _number(literal: Literal) -> int | float | None:
    try:
        number = float(literal.text)
    except ValueError:
        return None
    is_whole = literal.text.lstrip("-").isdigit() and abs(number) < 2**63  # what is larger is no Edm.Int64
    return int(literal.text) if is_whole else number
