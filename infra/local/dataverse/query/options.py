"""The query string: which options there are, and what the service refuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, unquote_plus

from infra.local.dataverse.errors import not_allowed, wrong_query

_SYSTEM = frozenset(
    {"$select", "$expand", "$orderby", "$filter", "$apply", "$top", "$count", "$skiptoken", "$deltatoken", "$id"}
)
_OTHER = frozenset({"fetchXml", "sql", "tag", "annotations", "savedQuery", "userQuery", "partitionId"})
_READABLE = "$(),'/:;=!*-._~"


@dataclass(frozen=True)
class Options:
    """The options of a request, decoded; `aliases` are the parameter aliases (`@p1`)."""

    values: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self.values

    @property
    def top(self) -> int | None:
        """The number in `$top`."""
        return whole(self["$top"], "$top") if "$top" in self else None

    @property
    def wants_count(self) -> bool:
        """Whether `$count=true` is asked for."""
        if self["$count"] not in ("", "true", "false"):
            raise wrong_query(f"Invalid value '{self['$count']}' for $count query option found.")
        return self["$count"] == "true"

    def with_option(self, name: str, value: str, without: Iterable[str] = ()) -> str:
        """Answer the query string of a link: these options, some left out, and one more."""
        dropped = {*without, name}
        kept = {**self.values, **self.aliases}
        pairs = [f"{key}={_quoted(one)}" for key, one in kept.items() if key not in dropped]
        return "&".join([*pairs, f"{name}={value}"])


def parse_options(query: str) -> Options:
    """Read a query string (`+` is a blank, names may be encoded too); raises Refusal for what is not supported."""
    # The parts of a batch have the same few options; a long filter is not met again.
    return _parsed_again(query) if len(query) < 500 else _parsed(query)


def _parsed(query: str) -> Options:
    values: dict[str, str] = {}
    aliases: dict[str, str] = {}
    for pair in query.split("&"):
        if not pair:
            continue
        name, _, value = (unquote_plus(part) for part in pair.partition("="))
        if name.startswith("@"):
            aliases[name] = value
            continue
        _check(name, values)
        values[name] = value
    return Options(values, aliases)


_parsed_again = lru_cache(maxsize=256)(_parsed)


def _check(name: str, seen: Mapping[str, str]) -> None:
    if name == "$skip":
        raise not_allowed("Skip Clause is not supported in CRM")
    if name not in _SYSTEM and name not in _OTHER:
        raise not_allowed(f"The query parameter {name} is not supported")
    if name in seen:
        raise wrong_query(f"Query option '{name}' was specified more than once, but it must be specified at most once.")


def whole(text: str, option: str) -> int:
    """Answer a whole number of at least zero."""
    if not text.isdigit():
        raise wrong_query(f"Invalid value '{text}' for {option} query option found.")
    return int(text)


def _quoted(value: str) -> str:
    return quote(value, safe=_READABLE)


def split_outside(text: str, separator: str) -> list[str]:
    """Cut a text at a separator that is neither inside brackets nor inside a quoted string."""
    parts = [""]
    depth, quoted = 0, False
    for character in text:
        if character == "'":
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1, "[": 1, "]": -1}.get(character, 0)
        if character == separator and not quoted and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts
