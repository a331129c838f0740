"""Conditions as SQL with bound parameters."""

from __future__ import annotations

from infra.local.business_central.filters import Combination, Comparison, Condition, Field, Match, Membership
from infra.local.business_central.schema import Stored

Sql = tuple[str, list[Stored]]
_OPERATORS = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def condition_sql(condition: Condition, *, fold_all: bool = False) -> Sql:
    """Answer a WHERE term and its parameters; `fold_all`: no comparison of texts minds the case."""
    match condition:
        case Combination():
            return _combination(condition, fold_all=fold_all)
        case Comparison():
            left, fold = _left(condition.field, fold_all=fold_all)
            return f"{left} {_OPERATORS[condition.operator]} ?", [_right(condition.value, fold=fold)]
        case Membership():
            left, fold = _left(condition.field, fold_all=fold_all)
            marks = ",".join("?" * len(condition.values))
            return f"{left} IN ({marks})", [_right(value, fold=fold) for value in condition.values]
        case Match():
            return _match(condition, fold_all=fold_all)


def _combination(condition: Combination, *, fold_all: bool) -> Sql:
    if condition.operator == "or" and (one_of := _one_of(condition)):
        return condition_sql(one_of, fold_all=fold_all)
    terms, parameters = [], []
    for part in condition.parts:
        term, more = condition_sql(part, fold_all=fold_all)
        terms.append(f"({term})")
        parameters += more
    return f" {condition.operator.upper()} ".join(terms), parameters


def _one_of(condition: Combination) -> Membership | None:
    """`id eq A or id eq B or ...`, however long, is one look-up in the index."""
    parts = condition.parts
    first = parts[0]
    if not isinstance(first, Comparison):
        return None
    if not all(isinstance(one, Comparison) and one.operator == "eq" and one.field == first.field for one in parts):
        return None
    return Membership(first.field, tuple(one.value for one in parts if isinstance(one, Comparison)))


def _left(field: Field, *, fold_all: bool) -> tuple[str, bool]:
    text = f'"{field.one.name}"'
    if field.cut is not None:
        start, length = field.cut
        text = f"substr({text}, {start + 1}" + (")" if length is None else f", {length})")
    fold = field.fold or (fold_all and field.one.kind == "text")
    return (f"fold({text})" if fold else text), fold


def _right(value: Stored, *, fold: bool) -> Stored:
    return value.casefold() if fold and isinstance(value, str) else value


def _match(condition: Match, *, fold_all: bool) -> Sql:
    left, fold = _left(condition.field, fold_all=fold_all)
    text = str(_right(condition.text, fold=fold))
    if not text:
        return "1", []
    match condition.function:
        case "startswith":
            return _prefix(left, text)
        case "endswith":
            return f"substr({left}, ?) = ?", [-len(text), text]
        case _:
            return f"instr({left}, ?) > 0", [text]


def _prefix(left: str, text: str) -> Sql:
    """A range instead of LIKE: it minds the case and uses the index."""
    last = ord(text[-1])
    after = 0xE000 if last == 0xD7FF else last + 1
    if after > 0x10FFFF:
        return f"substr({left}, 1, ?) = ?", [len(text), text]
    return f"{left} >= ? AND {left} < ?", [text, text[:-1] + chr(after)]
