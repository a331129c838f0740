"""Query options: `$select`, `$filter`, `$orderby`, `$top`, `$skip`, `$count`, `$expand`, `$skiptoken`.

`$search`, `$apply` and invented options are ignored, as the server ignores them.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from infra.local.business_central.errors import bad_request, no_property, not_implemented
from infra.local.business_central.filters import Condition, parse_filter
from infra.local.business_central.schema import ENTITY_SETS, EntitySet, Navigation, Property, Stored

_EXPANSION = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\((.*)\))?\s*", re.DOTALL)


@dataclass(frozen=True)
class Expansion:
    """One navigation of `$expand`, under the name that was asked for."""

    navigation: Navigation
    name: str
    query: Query | None


@dataclass(frozen=True)
class Query:
    """What the options of a request ask of one entity set; `select` None: all columns."""

    condition: Condition | None = None
    select: tuple[str, ...] | None = None
    order: tuple[tuple[Property, bool], ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    expand: tuple[Expansion, ...] = ()
    after: tuple[Stored, ...] | None = None


def split_options(query_string: str) -> list[tuple[str, str]]:
    """The options of a URL, decoded, in their order."""
    return parse_qsl(query_string, keep_blank_values=True)


def parse_options(options: Sequence[tuple[str, str]], entity_set: EntitySet) -> Query:
    """Read the options of a request. Raises ApiError 400 or 501."""
    given = dict(options)
    return _query(given, entity_set, nested=given.get("$schemaversion") == "2.1")


def _query(given: Mapping[str, str], entity_set: EntitySet, *, nested: bool) -> Query:
    filter_text, token = given.get("$filter"), given.get("$skiptoken")
    return Query(
        condition=None if filter_text is None else parse_filter(filter_text, entity_set, nested=nested),
        select=_select(given.get("$select"), entity_set),
        order=_order(given.get("$orderby"), entity_set),
        top=_whole(given, "$top"),
        skip=_whole(given, "$skip") or 0,
        count=_count(given.get("$count")),
        expand=_expand(given.get("$expand", ""), entity_set, nested=nested),
        after=None if token is None else read_token(token),
    )


def _select(text: str | None, entity_set: EntitySet) -> tuple[str, ...] | None:
    if text is None or not text.strip():
        return None
    names = tuple(name.strip() for name in text.split(","))
    if "*" in names:
        return None
    for name in names:
        if name not in entity_set.navigation:
            find_property(name, entity_set)
    return names


def find_property(name: str, entity_set: EntitySet) -> Property:
    """Answer a property that the page shows. Raises ApiError 400."""
    one = entity_set.properties.get(name)
    if one is None or one.hidden:
        raise no_property(name, entity_set.entity)
    return one


def _order(text: str | None, entity_set: EntitySet) -> tuple[tuple[Property, bool], ...]:
    order = []
    for part in (text or "").split(",") if (text or "").strip() else []:
        words = part.split()
        if not words or len(words) > 2 or (len(words) == 2 and words[1] not in ("asc", "desc")):
            if "(" in part or "/" in part:
                raise not_implemented(f"The expression '{part.strip()}' is not supported in $orderby.")
            raise bad_request(f"Syntax error in $orderby at '{part.strip()}'.")
        if "(" in words[0] or "/" in words[0]:
            raise not_implemented(f"The expression '{words[0]}' is not supported in $orderby.")
        order.append((find_property(words[0], entity_set), words[-1] == "desc" and len(words) == 2))
    return tuple(order)


def _whole(given: Mapping[str, str], name: str) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not text.strip().isdecimal():
        raise bad_request(f"Invalid value '{text}' for {name} query option found. It must be a non-negative integer.")
    return min(int(text), 2**62)


def _count(text: str | None) -> bool:
    if text not in (None, "true", "false"):
        raise bad_request(f"Invalid value '{text}' for $count query option found.")
    return text == "true"


def _expand(text: str, entity_set: EntitySet, *, nested: bool) -> tuple[Expansion, ...]:
    return tuple(_expansion(part, entity_set, nested=nested) for part in split_outside(text, ",") if text.strip())


def _expansion(text: str, entity_set: EntitySet, *, nested: bool) -> Expansion:
    match = _EXPANSION.fullmatch(text)
    if match is None:
        raise bad_request(f"Syntax error in $expand at '{text.strip()}'.")
    navigation = entity_set.find_navigation(match[1])
    if navigation is None:
        raise no_property(match[1], entity_set.entity)
    target = ENTITY_SETS.get(navigation.set)
    if target is None:
        return Expansion(navigation, match[1], None)
    given = dict(_pair(part) for part in split_outside(match[2] or "", ";") if part.strip())
    return Expansion(navigation, match[1], _query(given, target, nested=nested))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise bad_request(f"Syntax error in $expand at '{text.strip()}'.")
    return name.strip(), value.strip()


def split_outside(text: str, separator: str) -> list[str]:
    """Split at separators that are neither in quotes nor in parentheses."""
    parts, depth, quoted, start = [], 0, False, 0
    for at, one in enumerate(text):
        if one == "'":
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(one, 0)
            if one == separator and depth == 0:
                parts.append(text[start:at])
                start = at + 1
    return [*parts, text[start:]]


def make_token(values: Sequence[Stored]) -> str:
    """A skip token: the order values of the last row."""
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode().rstrip("=")


def read_token(token: str) -> tuple[Stored, ...]:
    """What `make_token` was given. Raises ApiError 400."""
    try:
        values = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        values = None
    if not isinstance(values, list) or not all(isinstance(one, str | int | float) for one in values):
        raise bad_request("The skip token is no longer valid.", "SkipTokenIsNoLongerValid")
    return tuple(values)
