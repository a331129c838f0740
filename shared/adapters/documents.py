"""How a document of the state store becomes an entity of Azure Table Storage, and back.

Keys. The Table service refuses `/ \\ # ?` and control characters in PartitionKey and RowKey and stumbles over `%`
("Understanding the Table service data model"). Each of them is written as a permitted character that sorts just below
it, followed by one symbol; that permitted character is itself written so. Hence an encoded key sorts where the original
does, the encoding of a prefix is a prefix of the encoding, and no key grows beyond twice its length (1 KiB allowed).

Bodies. JSON text, cut into the properties `body0`, `body1`, ... of at most 32,000 UTF-16 units each (64 KiB allowed).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from shared.core.failures import NeedsPerson
from shared.ports import MAX_CHANGES, Remove, StateChange

SHAPE = 1  # version of the entity's layout
MAX_KEY = 250
MAX_BODY = 400_000
MAX_TRANSACTION = 4 * 1024 * 1024  # bytes (Table service: performing entity group transactions)

_PIECE = 16_000  # code points, so never more than 32,000 UTF-16 units
_OVERHEAD = 4_096  # bytes that one operation of a transaction needs beside its body: headers, address, keys

_SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWX"
_GROUPS = {
    "!": range(0x22),  # control characters, space and ! itself
    '"': range(0x22, 0x24),  # " #
    "$": range(0x24, 0x26),  # $ %
    ".": range(0x2E, 0x30),  # . /
    ">": range(0x3E, 0x40),  # > ?
    "[": range(0x5B, 0x5D),  # [ \
    "~": range(0x7E, 0xA0),  # ~ and control characters
}
_ENCODED = {code: lead + _SYMBOLS[at] for lead, codes in _GROUPS.items() for at, code in enumerate(codes)}
_DECODED = {encoded: chr(code) for code, encoded in _ENCODED.items()}
_PAIR = re.compile(r'[!"$.>\[~].')


def encode_key(text: str) -> str:
    """A partition or key for the Table service. Raises ValueError for over 250 characters or a lone surrogate."""
    if len(text) > MAX_KEY:
        raise ValueError(f"a key has at most {MAX_KEY} characters, this one {len(text)}: {text[:40]!r}...")
    text.encode("utf-8")
    return text.translate(_ENCODED)


def decode_key(key: str) -> str:
    """The original of an encoded key."""
    return _PAIR.sub(lambda pair: _DECODED[pair[0]], key)


def key_range(prefix: str) -> tuple[str, str] | None:
    """Encoded bounds [from, to) that hold every key beginning with `prefix`, and perhaps others; None for all keys.

    Only the leading ASCII part counts: how the service orders other scripts is nowhere documented.
    """
    encoded = encode_key(prefix)
    head = encoded[: len(encoded) - len(encoded.lstrip("".join(map(chr, range(128)))))]
    return (head, head[:-1] + chr(ord(head[-1]) + 1)) if head else None


def properties_of(body: Mapping[str, object]) -> dict[str, Any]:
    """The properties that hold a body. Raises ValueError when its JSON text is over 400,000 UTF-16 units long."""
    text = json.dumps(dict(body), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)  # JSON may hold what UTF-8 cannot
    length = len(text.encode("utf-16-le")) // 2
    if length > MAX_BODY:
        raise ValueError(f"a document has at most {MAX_BODY:,} characters of JSON, this one {length:,}")
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
    return {"shape": SHAPE, **{f"body{number}": piece for number, piece in enumerate(pieces)}}


def text_of(entity: Mapping[str, Any]) -> str:
    """The body held by an entity, as JSON. Raises NeedsPerson when a newer version of the app wrote it."""
    shape = int(entity["shape"])
    if shape > SHAPE:
        raise NeedsPerson(
            f"A stored document has shape {shape}; this version of the app reads shapes up to {SHAPE}. "
            "A newer version wrote it: deploy that version again.",
            code="newer_shape",
        )
    return "".join(str(entity[f"body{number}"]) for number in range(len(entity)) if f"body{number}" in entity)


def check_changes(changes: Sequence[StateChange]) -> None:
    """Raise ValueError for what one entity group transaction cannot hold: too many, a key twice, too large."""
    if len(changes) > MAX_CHANGES:
        raise ValueError(f"a transaction has at most {MAX_CHANGES} changes, this one {len(changes)}")
    if len({change.key for change in changes}) < len(changes):
        raise ValueError("a transaction changes each key at most once")
    size = sum(_size(change) for change in changes)
    if size >= MAX_TRANSACTION:
        raise ValueError(f"a transaction stays below {MAX_TRANSACTION:,} bytes, this one has about {size:,}")


def _size(change: StateChange) -> int:
    if isinstance(change, Remove):
        return _OVERHEAD
    return _OVERHEAD + len(json.dumps(properties_of(change.body)))
