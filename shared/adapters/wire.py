"""What both OData services share on the wire: exact JSON, error bodies, links, literals."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any
from urllib.parse import quote, urlsplit

from shared.core.failures import NeedsPerson, Passing
from shared.core.sides import Side

type Row = dict[str, Any]

# What may stand unencoded in a query: OData's own punctuation. Everything that could end or split it is encoded.
_QUERY_SAFE = "$=(),/:'@*!-._~"
_CORRELATION = re.compile(r"\s*CorrelationId:\s*[0-9a-f-]+\.?\s*$", re.IGNORECASE)
_LONGEST_TEXT = 500
_LONGEST_WAIT = 24 * 3600.0  # seconds; no limit of either service holds for longer than a day


@dataclass(frozen=True, slots=True)
class WireError:
    """What a service said when it refused: its status, its own code ("" when it gave none) and its message."""

    status: int
    code: str
    message: str
    retry_after: float | None = None


class Explained(NeedsPerson):
    """A NeedsPerson that keeps what is wrong and what a person does about it apart, for the health report."""

    def __init__(self, what: str, fix: str, *, side: Side, code: str) -> None:
        super().__init__(f"{what} {fix}".strip(), side=side, code=code)
        self.what = what
        self.fix = fix


def json_text(value: object) -> str:
    """JSON in which a Decimal is a number with exactly its digits (a float would keep 15 to 17 of them)."""
    write = _WRITERS.get(type(value))
    return write(value) if write else json.dumps(value)


def _object_text(value: dict[str, object]) -> str:
    return "{" + ",".join([f"{_quoted(name)}:{json_text(one)}" for name, one in value.items()]) + "}"


def _array_text(value: Iterable[object]) -> str:
    return "[" + ",".join([json_text(one) for one in value]) + "]"


_WRITERS: dict[type, Callable[[Any], str]] = {
    str: _quoted,
    int: str,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
    Decimal: lambda value: format(value, "f"),
    dict: _object_text,
    list: _array_text,
    tuple: _array_text,
}
_DECODER = json.JSONDecoder(parse_float=Decimal)


def json_object(content: bytes | str) -> Row | None:
    """The JSON object in a body, its fractions as Decimal; None when it is anything else (HTML, nothing, a list)."""
    try:
        text = content.decode() if isinstance(content, bytes) else content
        value = _DECODER.decode(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def rows_of(page: Row, side: Side) -> list[Row]:
    """The rows of a page. Raises Passing when it is none: no rows would mean that there are none, or none any more."""
    value = page.get("value")
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Passing(f"{side.product} answered with something that is no list of rows.", side=side, code="answer")
    return value


def next_link(page: Row, link: str, side: Side) -> str | None:
    """The path of the page after the one at `link`, None after the last. Raises Passing when it leads back there."""
    following = page.get("@odata.nextLink")
    if not isinstance(following, str):
        return None
    if path_of(following) == link:
        raise Passing(f"A page of {side.product} names itself as the next one.", side=side, code="answer")
    return path_of(following)


def error_from(status: int, headers: Mapping[str, str], body: object) -> WireError:
    """Read an answer of 300 and above, whatever shape its body has (bytes, text or JSON already read)."""
    found = body if isinstance(body, dict) else json_object(body) if isinstance(body, bytes | str) else None
    error = (found or {}).get("error")
    retry_after = wait_of(headers)
    if isinstance(error, dict):
        message = _CORRELATION.sub("", str(error.get("message") or ""))
        return WireError(status, str(error.get("code") or ""), message or f"status {status}", retry_after)
    return WireError(status, "", _plain(status, body), retry_after)


def _plain(status: int, body: object) -> str:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body if isinstance(body, str) else ""
    text = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    return f"status {status}: {text[:_LONGEST_TEXT]}" if text else f"status {status} without a message"


def wait_of(headers: Mapping[str, str]) -> float | None:
    """The seconds that an answer asks to wait; None when it names no time to come.

    A date is one of the service's clock, which its header Date tells: ours may go wrong.
    """
    asked = headers.get("Retry-After") or ""
    seconds = _number_of(asked)
    if seconds is None and (moment := moment_of(asked)) is not None:
        seconds = (moment - (moment_of(headers.get("Date")) or datetime.now(UTC))).total_seconds()
    return min(seconds, _LONGEST_WAIT) if seconds is not None and seconds > 0 else None


def _number_of(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def moment_of(header: str | None) -> datetime | None:
    """The moment in a header such as Date; None when there is none."""
    try:
        moment = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def path_of(link: str) -> str:
    """Path and query of a link that a service gave, untouched.

    The host is left behind: positions survive a change of address, and a token never travels to a host that only an
    answer named.
    """
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def query(**options: str | None) -> str:
    """`?$select=...&$filter=...` from `select=..., filter=...`, encoded; options that are None are left out."""
    given = [f"${name}={quote(text, safe=_QUERY_SAFE)}" for name, text in options.items() if text is not None]
    return "?" + "&".join(given) if given else ""


def text_literal(text: str) -> str:
    """A text in a filter expression: in single quotes, which are doubled inside."""
    return "'" + text.replace("'", "''") + "'"


def moment_literal(moment: datetime) -> str:
    """A moment in a filter expression or a body: UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
