"""OData queries over definitions in memory: `$select`, `$filter` and `$expand` of the metadata requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.dataverse.errors import not_allowed, wrong_query
from infra.local.dataverse.query.expressions import Comparison, Expression, Junction, Literal, Negation, Path, TextTest
from infra.local.dataverse.query.options import Options, split_outside
from infra.local.dataverse.query.parser import parse_filter

Row = dict[str, Any]
Expander = Callable[[Row], Any]

_ALWAYS = ("@odata.type", "MetadataId")


def shaped(rows: list[Row], options: Options, expanders: Mapping[str, Expander]) -> list[Row]:
    """Answer the rows that the filter keeps, with the selected members and what is expanded. Raises Refusal."""
    if "$filter" in options:
        expression = parse_filter(options["$filter"], options.aliases)
        rows = [row for row in rows if _holds(expression, row)]
    if options.top is not None:
        rows = rows[: options.top]
    return [shaped_one(row, options, expanders) for row in rows]


def shaped_one(row: Row, options: Options, expanders: Mapping[str, Expander]) -> Row:
    """Answer one row with the selected members and what is expanded. Raises Refusal for unknown names."""
    names = [name.strip() for name in options["$select"].split(",") if name.strip()]
    for name in names:
        if name not in row:
            raise wrong_query(f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.Metadata'.")
    chosen = {name: value for name, value in row.items() if not names or name in names or name in _ALWAYS}
    for part in split_outside(options["$expand"], ","):
        name, opening, inside = part.strip().partition("(")
        if name:
            if name not in expanders:
                raise wrong_query(f"Could not find a property named '{name}' to expand.")
            chosen[name] = _narrowed(expanders[name](row), inside[:-1] if opening else "")
    return chosen


def _narrowed(value: Any, inside: str) -> Any:
    """Apply the options in the parentheses of an expansion."""
    values = dict(part.strip().split("=", 1) for part in split_outside(inside, ";") if "=" in part)
    options = Options(values)
    if isinstance(value, list):
        return shaped(value, options, {})
    return shaped_one(value, options, {}) if isinstance(value, dict) else value


def _holds(expression: Expression, row: Row) -> bool:
    match expression:
        case Junction("and", parts):
            return all(_holds(part, row) for part in parts)
        case Junction(_, parts):
            return any(_holds(part, row) for part in parts)
        case Negation(part):
            return not _holds(part, row)
        case Comparison(operator, Path() as path, Literal() as literal):
            return _compared(operator, _at(row, path), literal)
        case TextTest(function, path, text):
            tests = {"contains": str.__contains__, "startswith": str.startswith, "endswith": str.endswith}
            return tests[function](str(_at(row, path)).lower(), text.lower())
    raise not_allowed("This filter is not supported on metadata.")


def _at(row: Row, path: Path) -> Any:
    value: Any = row
    for segment in path.segments:
        if not isinstance(value, dict) or segment not in value:
            raise wrong_query(f"Could not find a property named '{path}' on type 'Microsoft.Dynamics.CRM.Metadata'.")
        value = value[segment]
    return value


def _compared(operator: str, value: Any, literal: Literal) -> bool:
    if operator not in ("eq", "ne"):
        raise not_allowed("Metadata can be compared with eq and ne only.")
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return (text.lower() == literal.text.lower()) == (operator == "eq")
