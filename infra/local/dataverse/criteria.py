"""Conditions of FetchXML and of QueryExpression as filter expressions: the same operators under two spellings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from infra.local.dataverse.errors import wrong_argument
from infra.local.dataverse.query.expressions import (
    Comparison,
    Expression,
    Junction,
    Like,
    Literal,
    Negation,
    Path,
    QueryFunction,
)
from infra.local.dataverse.schema.model import Table

_COMPARISONS = {
    **{name: name for name in ("eq", "ne", "gt", "ge", "lt", "le")},
    "neq": "ne",
    "equal": "eq",
    "notequal": "ne",
    "greaterthan": "gt",
    "greaterequal": "ge",
    "lessthan": "lt",
    "lessequal": "le",
}
_PATTERNS = {
    "like": "{}",
    "beginswith": "{}%",
    "endswith": "%{}",
    "contains": "%{}%",
    "notlike": "{}",
    "doesnotbeginwith": "{}%",
    "notbeginwith": "{}%",
    "doesnotendwith": "%{}",
    "notendwith": "%{}",
    "doesnotcontain": "%{}%",
}
_LISTS = {"in": "In", "notin": "NotIn", "between": "Between", "notbetween": "NotBetween"}
_USERS = {
    "equserid": "EqualUserId",
    "equaluserid": "EqualUserId",
    "neuserid": "NotEqualUserId",
    "notequaluserid": "NotEqualUserId",
    "eqbusinessid": "EqualBusinessId",
    "equalbusinessid": "EqualBusinessId",
}


def condition(table: Table, attribute: str, operator: str, values: Sequence[str], qualifier: str = "") -> Expression:
    """Answer the expression of one condition on a column (by its logical name). Raises Refusal.

    `qualifier` is what the query calls the table, where it joins several.
    """
    column = table.columns.get(attribute)
    if column is None:
        raise wrong_argument(f"'{table.name}' entity doesn't contain attribute with Name = '{attribute}'.")
    path = Path((qualifier, column.wire) if qualifier else (column.wire,))
    name = re.sub("[-_]", "", operator).lower()
    if name in _COMPARISONS:
        return Comparison(_COMPARISONS[name], path, Literal("loose", _only(values, operator)))
    if name in ("null", "notnull"):
        return Comparison("eq" if name == "null" else "ne", path, Literal("null", "null"))
    if name in _PATTERNS:
        like = Like(path, _PATTERNS[name].format(_only(values, operator)))
        return Negation(like) if "not" in name else like
    if name in _LISTS:
        return QueryFunction(_LISTS[name], {"PropertyName": str(path), "PropertyValues": list(values)})
    value = {"PropertyValue": values[0]} if values else {}
    return QueryFunction(_USERS.get(name) or _function_name(operator), {"PropertyName": str(path), **value})


def joined(parts: Sequence[Expression], operator: str) -> Expression | None:
    """Answer expressions joined by `and` or `or`, None where there are none."""
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else Junction(operator.lower(), tuple(parts))


def expression_of_criteria(table: Table, criteria: Any) -> Expression | None:
    """Answer the expression of the `Criteria` of a QueryExpression in JSON. Raises Refusal."""
    if not isinstance(criteria, dict):
        raise wrong_argument("Criteria must be an object.")
    parts = [_json_condition(table, one) for one in criteria.get("Conditions") or []]
    parts += [inner for one in criteria.get("Filters") or [] if (inner := expression_of_criteria(table, one))]
    return joined(parts, str(criteria.get("FilterOperator", "And")))


def _json_condition(table: Table, given: Any) -> Expression:
    if not isinstance(given, dict):
        raise wrong_argument("A condition must be an object.")
    values = [one.get("Value") if isinstance(one, dict) else one for one in given.get("Values") or []]
    texts = [str(one).lower() if isinstance(one, bool) else str(one) for one in values]
    return condition(table, str(given.get("AttributeName", "")), str(given.get("Operator", "")), texts)


def _only(values: Sequence[str], operator: str) -> str:
    if len(values) != 1:
        raise wrong_argument(f"The operator {operator} needs one value.")
    return values[0]


def _function_name(operator: str) -> str:
    """`last-x-days` and `LastXDays` are the same function."""
    words = operator.split("-") if "-" in operator else [operator]
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name.replace("OlderthanX", "OlderThanX").replace("LastSevenDays", "Last7Days")
