"""docs/http.md is written by hand, but for the members of a mapping that can be changed: they come from their type."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from types import NoneType
from typing import Any, get_args

from pydantic.fields import FieldInfo

from infra.local.reference.markdown import code, codes, table
from shared.services.administration import MappingChange

DESCRIBED = {
    "options": "object of objects",
    "templates": "list of `{name, side, filter, priority, values}`",
}
BEGIN, END = "<!-- members, by `python -m infra.local.reference` -->\n", "<!-- end of members -->\n"


def http_page(written: str) -> str:
    """The page with today's members. Raises ValueError when the place for them is not there exactly once."""
    rows = (
        (code(name), _values(name, field), str(field.description)) for name, field in MappingChange.model_fields.items()
    )
    block = f"{BEGIN}\n{table(('Member', 'Values', 'Meaning'), rows)}\n{END}"
    text, places = re.subn(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: block, written, flags=re.DOTALL)
    if places != 1:
        raise ValueError(f"docs/http.md has {places} places for the members of a mapping instead of one")
    return text


def _values(name: str, field: FieldInfo) -> str:
    """What a member may be, in words; None in the type only says that it may be left out."""
    kind = next(one for one in get_args(field.annotation) if one is not NoneType)
    if name in DESCRIBED:
        return DESCRIBED[name]
    if kind is bool:
        return codes(["true", "false"])
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return codes(kind)
    if name.endswith("_filter"):
        return "OData filter"
    return " to ".join(str(limit) for limit in _limits(field.metadata)) or str(getattr(kind, "__name__", kind))


def _limits(rules: Iterable[Any]) -> Iterable[int]:
    for name in ("ge", "le"):
        yield from (getattr(rule, name) for rule in rules if getattr(rule, name, None) is not None)
