"""The types of AMQP 1.0 ("Part 1: Types" of the OASIS standard), to bytes and back.

A value keeps its AMQP type on the way through: what Python cannot tell apart (the eight integers, symbol and string,
timestamp) has a class of its own here. Without a class of its own, `int` is a long, `float` a double, `str` a string.
So annotations that a sender wrote can be decoded, changed and encoded again without losing anything.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID


class DecodeError(ValueError):
    """The bytes are not a well-formed AMQP value."""


class Ubyte(int):
    """An unsigned integer of 8 bits."""


class Ushort(int):
    """An unsigned integer of 16 bits."""


class Uint(int):
    """An unsigned integer of 32 bits."""


class Ulong(int):
    """An unsigned integer of 64 bits."""


class Byte(int):
    """A signed integer of 8 bits."""


class Short(int):
    """A signed integer of 16 bits."""


class Int(int):
    """A signed integer of 32 bits."""


class Timestamp(int):
    """Milliseconds since the Unix epoch, UTC."""


class Float(float):
    """A floating point number of 32 bits."""


class Char(str):
    """One Unicode character."""


class Symbol(str):
    """A name from a constrained domain, in ASCII."""


class Decimal(bytes):
    """A decimal number, kept as its 4, 8 or 16 bytes: the broker never calculates with one."""


@dataclass(frozen=True, slots=True)
class Described:
    """A value with a descriptor, which says what the value means."""

    descriptor: Any
    value: Any


@dataclass(frozen=True, slots=True)
class Array:
    """Values of one AMQP type, `kind` (a class that this module encodes)."""

    kind: type
    items: tuple[Any, ...] = ()

    @classmethod
    def of(cls, kind: type, items: Iterable[Any]) -> Array:
        """An array of `items`, each converted to `kind`."""
        return cls(kind, tuple(item if isinstance(item, kind) else kind(item) for item in items))


# Fixed-width types: class -> (format code, struct format). These are also the forms used for elements of an array.
_FIXED: dict[type, tuple[int, struct.Struct]] = {
    Ubyte: (0x50, struct.Struct(">B")),
    Byte: (0x51, struct.Struct(">b")),
    bool: (0x56, struct.Struct(">?")),
    Ushort: (0x60, struct.Struct(">H")),
    Short: (0x61, struct.Struct(">h")),
    Uint: (0x70, struct.Struct(">I")),
    Int: (0x71, struct.Struct(">i")),
    Float: (0x72, struct.Struct(">f")),
    Ulong: (0x80, struct.Struct(">Q")),
    int: (0x81, struct.Struct(">q")),
    float: (0x82, struct.Struct(">d")),
    Timestamp: (0x83, struct.Struct(">q")),
}
_TEXT: dict[type, tuple[int, str]] = {str: (0xB1, "utf-8"), Symbol: (0xB3, "ascii")}
_UINT32 = struct.Struct(">I")


def encode(value: Any) -> bytes:
    """The bytes of `value`, constructor first.

    Raises:
        TypeError: there is no AMQP type for `value`.
        ValueError: `value` is outside the range of its type.
    """
    if value is None:
        return b"\x40"
    kind = type(value)
    if kind is bool:
        return b"\x41" if value else b"\x42"
    if kind is Described:
        return b"\x00" + encode(value.descriptor) + encode(value.value)
    if (kind is Ulong or kind is Uint) and value < 256:
        # Descriptors must have this short form: the SDK reads them by position.
        return bytes((0x53 if kind is Ulong else 0x52, value))
    code, body = _encode_wide(value)
    return bytes((code,)) + body


def _encode_wide(value: Any) -> tuple[int, bytes]:
    """The format code and the bytes of `value` in the one form that also fits into an array."""
    kind = type(value)
    if kind in _FIXED:
        code, layout = _FIXED[kind]
        try:
            return code, layout.pack(value)
        except (struct.error, OverflowError) as error:
            raise ValueError(f"{value!r} is outside the range of {kind.__name__}.") from error
    if kind in _TEXT:
        code, encoding = _TEXT[kind]
        return code, _sized(value.encode(encoding))
    encoder = _OTHER.get(kind)
    if encoder is None:
        raise TypeError(f"AMQP has no type for {kind.__name__}.")
    return encoder(value)


def _sized(data: bytes | bytearray) -> bytes:
    return _UINT32.pack(len(data)) + data


def _compound(encoded: list[bytes]) -> bytes:
    body = b"".join(encoded)
    return _UINT32.pack(len(body) + 4) + _UINT32.pack(len(encoded)) + body


def _encode_map(value: dict[Any, Any]) -> tuple[int, bytes]:
    return 0xD1, _compound([encode(part) for pair in value.items() for part in pair])


def _encode_array(value: Array) -> tuple[int, bytes]:
    encoded = [_encode_wide(item) for item in value.items] or [_encode_wide(_ZERO.get(value.kind, value.kind)())]
    body = bytes((encoded[0][0],)) + b"".join(data for _, data in encoded[: len(value.items)])
    return 0xF0, _UINT32.pack(len(body) + 4) + _UINT32.pack(len(value.items)) + body


# A sample of each type that cannot be made without arguments, for the constructor of an empty array.
_ZERO: dict[type, Callable[[], Any]] = {UUID: lambda: UUID(int=0), Char: lambda: Char("\0")}

_OTHER: dict[type, Callable[[Any], tuple[int, bytes]]] = {
    bytes: lambda value: (0xB0, _sized(value)),
    bytearray: lambda value: (0xB0, _sized(value)),
    UUID: lambda value: (0x98, value.bytes),
    Char: lambda value: (0x73, value.encode("utf-32-be")),
    Decimal: lambda value: ({4: 0x74, 8: 0x84, 16: 0x94}[len(value)], bytes(value)),
    list: lambda value: (0xD0, _compound([encode(item) for item in value])),
    dict: _encode_map,
    Array: _encode_array,
}


def decode(data: bytes, position: int = 0) -> tuple[Any, int]:
    """The value that starts at `position`, and the position behind it.

    Raises:
        DecodeError: the bytes end too early, or are no AMQP value.
    """
    try:
        return _decode(data, position)
    except (IndexError, struct.error, UnicodeDecodeError, RecursionError, ValueError, TypeError) as error:
        raise DecodeError(f"Malformed AMQP value at byte {position}: {error}") from error


def _decode(data: bytes, position: int) -> tuple[Any, int]:
    code = data[position]
    if code == 0x00:
        descriptor, position = _decode(data, position + 1)
        value, position = _decode(data, position)
        return Described(descriptor, value), position
    return _decode_body(data, position + 1, code)


def _decode_body(data: bytes, position: int, code: int) -> tuple[Any, int]:
    """The value whose constructor was `code` and whose bytes start at `position`."""
    end = _end_of(data, position, code)
    if code in _CONSTANTS:
        return _CONSTANTS[code]() if code == 0x45 else _CONSTANTS[code], end
    if code in _DECODE_FIXED:
        kind, layout = _DECODE_FIXED[code]
        return kind(layout.unpack_from(data, position)[0]), end
    if code in _DECODE_VARIABLE:
        return _DECODE_VARIABLE[code](bytes(data[position + (1 if code < 0xB0 else 4) : end])), end
    if code in _DECODE_WHOLE:
        return _DECODE_WHOLE[code](bytes(data[position:end])), end
    if code >= 0xC0:
        return _decode_compound(data, position, code), end
    raise DecodeError(f"0x{code:02x} is no AMQP format code.")


def _end_of(data: bytes, position: int, code: int) -> int:
    """Where the value with this constructor ends: the upper half of a format code says how its size is found."""
    match code >> 4:
        case 0x4:
            end = position
        case 0x5 | 0x6 | 0x7 | 0x8 | 0x9:
            end = position + (1 << ((code >> 4) - 5))
        case 0xA | 0xC | 0xE:
            end = position + 1 + data[position]
        case 0xB | 0xD | 0xF:
            end = position + 4 + int(_UINT32.unpack_from(data, position)[0])
        case _:
            raise DecodeError(f"0x{code:02x} is no AMQP format code.")
    if end > len(data):
        raise DecodeError("The value is longer than the bytes at hand.")
    return end


def _decode_compound(data: bytes, position: int, code: int) -> Any:
    if code in (0xC0, 0xC1, 0xE0):
        count, position = data[position + 1], position + 2
    else:
        count, position = int(_UINT32.unpack_from(data, position + 4)[0]), position + 8
    if code in (0xE0, 0xF0):
        return _decode_array(data, position, count)
    if count > len(data):
        raise DecodeError("More elements are announced than there are bytes.")
    items = []
    for _ in range(count):
        item, position = _decode(data, position)
        items.append(item)
    return items if code in (0xC0, 0xD0) else dict(zip(items[::2], items[1::2], strict=True))


def _decode_array(data: bytes, position: int, count: int) -> Array:
    code = data[position]
    if code not in _ARRAY_KINDS:
        raise DecodeError(f"Arrays of the type with format code 0x{code:02x} are not supported.")
    if count > len(data) and code >> 4 != 0x4:
        raise DecodeError("More elements are announced than there are bytes.")
    items = []
    position += 1
    for _ in range(count):
        item, position = _decode_body(data, position, code)
        items.append(item)
    return Array(_ARRAY_KINDS[code], tuple(items))


_CONSTANTS: dict[int, Any] = {0x40: None, 0x41: True, 0x42: False, 0x43: Uint(0), 0x44: Ulong(0), 0x45: list}
_DECODE_FIXED: dict[int, tuple[type, struct.Struct]] = {
    **{code: (kind, layout) for kind, (code, layout) in _FIXED.items()},
    0x52: (Uint, struct.Struct(">B")),
    0x53: (Ulong, struct.Struct(">B")),
    0x54: (Int, struct.Struct(">b")),
    0x55: (int, struct.Struct(">b")),
}
_DECODE_VARIABLE: dict[int, Callable[[bytes], Any]] = {
    **dict.fromkeys((0xA0, 0xB0), bytes),
    **dict.fromkeys((0xA1, 0xB1), lambda data: data.decode("utf-8")),
    **dict.fromkeys((0xA3, 0xB3), lambda data: Symbol(data.decode("ascii"))),
}
_DECODE_WHOLE: dict[int, Callable[[bytes], Any]] = {
    0x98: lambda data: UUID(bytes=data),
    0x73: lambda data: Char(data.decode("utf-32-be")),
    **dict.fromkeys((0x74, 0x84, 0x94), Decimal),
}
_ARRAY_KINDS: dict[int, type] = {
    **{code: kind for code, (kind, _) in _DECODE_FIXED.items()},
    **dict.fromkeys((0xA0, 0xB0), bytes),
    **dict.fromkeys((0xA1, 0xB1), str),
    **dict.fromkeys((0xA3, 0xB3), Symbol),
    0x98: UUID,
    0x73: Char,
    0x74: Decimal,
    0x84: Decimal,
    0x94: Decimal,
    0xC0: list,
    0xD0: list,
    0xC1: dict,
    0xD1: dict,
}
