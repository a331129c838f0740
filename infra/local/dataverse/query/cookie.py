"""The paging cookie in `$skiptoken`: an XML element around a twice encoded one with the keys of the page's edges."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from infra.local.dataverse.errors import wrong_argument
from infra.local.dataverse.schema.model import Kind

_ESCAPE = re.compile(r"%[0-9A-F]{2}")


@dataclass(frozen=True)
class Cookie:
    """Where a page begins. `last` are the sort values of the row before it; `marks` what change tracking adds."""

    page: int
    last: tuple[Any, ...]
    tracking: bool = False
    marks: dict[str, str] = field(default_factory=dict)


def encoded(text: str) -> str:
    """Percent-encode as the service does: with lower-case digits."""
    return _ESCAPE.sub(lambda found: found[0].lower(), quote(text, safe=""))


def inner_cookie(page: int, names: Sequence[str], first: Sequence[Any], last: Sequence[Any], **marks: str) -> str:
    """Answer the XML of the keys at the edges of a page."""
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in marks.items())
    keys = "".join(
        f"<{name}{_edge('last', after)}{_edge('first', before)} />"
        for name, before, after in zip(names, first, last, strict=True)
    )
    return f'<cookie page="{page}"{attributes}>{keys}</cookie>'


def _edge(name: str, value: Any) -> str:
    return f' {name}null="1"' if value is None else f" {name}={quoteattr(str(value))}"


def skip_token(next_page: int, inner: str, *, tracking: bool = False) -> str:
    """Answer the `$skiptoken` of the link to the next page, ready for a URL."""
    twice = encoded(encoded(inner))
    return encoded(f'<cookie pagenumber="{next_page}" pagingcookie="{twice}" istracking="{tracking}" />')


def read_skip_token(token: str, kinds: Sequence[Kind]) -> Cookie:
    """Read a decoded `$skiptoken`; `kinds` are those of the sort keys. Raises Refusal."""
    try:
        outer = ElementTree.fromstring(token)
        inner = unquote(unquote(outer.attrib["pagingcookie"]))
        tracking = outer.attrib.get("istracking") == "True"
        return _cookie(int(outer.attrib["pagenumber"]), inner, kinds, tracking)
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise wrong_argument("Malformed XML in the Paging Cookie") from error


def read_inner(page: int, inner: str, kinds: Sequence[Kind]) -> Cookie:
    """Read the cookie of a FetchXML page. Raises Refusal."""
    try:
        return _cookie(page, inner, kinds, False)
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise wrong_argument("Malformed XML in the Paging Cookie") from error


def _cookie(page: int, inner: str, kinds: Sequence[Kind], tracking: bool) -> Cookie:
    root = ElementTree.fromstring(inner)
    marks = {name: value for name, value in root.attrib.items() if name != "page"}
    keys = list(root)
    if len(keys) != len(kinds):
        raise ValueError("the cookie belongs to another order")
    return Cookie(page, tuple(_value(key, kind) for key, kind in zip(keys, kinds, strict=True)), tracking, marks)


def _value(key: ElementTree.Element, kind: Kind) -> Any:
    if "lastnull" in key.attrib:
        return None
    text = key.attrib["last"]
    if kind.is_number or kind in (Kind.BOOLEAN, Kind.DATETIME):
        return float(text) if "." in text or "e" in text else int(text)
    return text
