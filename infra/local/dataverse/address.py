"""The path of a request behind the service root: `accounts(<guid>)/primarycontactid/$ref`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from infra.local.dataverse.errors import no_such_segment
from infra.local.dataverse.query.options import split_outside

ROOT = re.compile(r"/api/data/v9\.[0-2](?:/|$)")
_SEGMENT = re.compile(r"([^()]+?)(?:\((.*)\))?", re.DOTALL)


@dataclass(frozen=True)
class Segment:
    """One part of a path. `key` holds what stands in its parentheses: names and values, or a bare value under ""."""

    name: str
    key: dict[str, str] | None = None


def parse_path(raw: str) -> list[Segment]:
    """Read a percent-encoded path; raises Refusal where a part cannot be read."""
    return [_segment(unquote(part)) for part in raw.strip("/").split("/") if part]


def below_root(url: str) -> str | None:
    """Answer the part of a URL (absolute, or from `/`) behind the service root, None where it is not there."""
    path = urlsplit(url).path if "://" in url.partition("?")[0] else url.partition("?")[0]
    found = ROOT.match(path)
    return path[found.end() :] if found else None


def _segment(text: str) -> Segment:
    found = _SEGMENT.fullmatch(text)
    if found is None:
        raise no_such_segment(text)
    inside = found[2]
    return Segment(found[1], None if inside is None else _key(inside, text))


def _key(inside: str, segment: str) -> dict[str, str]:
    if not inside.strip():
        return {}
    key: dict[str, str] = {}
    for part in split_outside(inside, ","):
        name, equals, value = part.partition("=")
        if not equals or part.lstrip().startswith("'"):
            name, value = "", part
        if name.strip() in key:
            raise no_such_segment(segment)
        key[name.strip()] = _value(value.strip())
    return key


def _value(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return text
