"""The AMQP type codec: examples of the standard, and round trips of whatever can be encoded."""

from __future__ import annotations

import struct
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.service_bus.codec import (
    Array,
    Byte,
    Char,
    Decimal,
    DecodeError,
    Described,
    Float,
    Int,
    Short,
    Symbol,
    Timestamp,
    Ubyte,
    Uint,
    Ulong,
    Ushort,
    decode,
    encode,
)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("40", None),
        ("41", True),
        ("5600", False),
        ("43", Uint(0)),
        ("52ff", Uint(255)),
        ("7000000100", Uint(256)),
        ("44", Ulong(0)),
        ("5310", Ulong(16)),
        ("54ff", Int(-1)),
        ("55ff", -1),
        ("830000000000000001", Timestamp(1)),
        ("98" + "0f" * 16, uuid.UUID(int=int("0f" * 16, 16))),
        ("a0020102", b"\x01\x02"),
        ("a102c3a9", "é"),
        ("a3026869", Symbol("hi")),
        ("45", []),
        ("c00402" + "41" + "5001", [True, Ubyte(1)]),
        ("c10502a1016b41", {"k": True}),
        ("e00602a3" + "0161" + "0162", Array(Symbol, (Symbol("a"), Symbol("b")))),
        ("005324" + "45", Described(Ulong(0x24), [])),
    ],
)
def test_forms_of_the_standard_are_understood(data: str, value: Any) -> None:
    raw = bytes.fromhex(data)
    decoded, end = decode(raw)
    assert (decoded, type(decoded), end) == (value, type(value), len(raw))


def integers(kind: type[int], layout: str) -> st.SearchStrategy[int]:
    bits = struct.calcsize(layout) * 8
    low, high = (0, 2**bits - 1) if layout.isupper() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return st.integers(low, high).map(kind)


SCALARS: dict[type, st.SearchStrategy[Any]] = {
    Ubyte: integers(Ubyte, "B"),
    Ushort: integers(Ushort, "H"),
    Uint: integers(Uint, "I"),
    Ulong: integers(Ulong, "Q"),
    Byte: integers(Byte, "b"),
    Short: integers(Short, "h"),
    Int: integers(Int, "i"),
    int: integers(int, "q"),
    Timestamp: integers(Timestamp, "q"),
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    Float: st.floats(allow_nan=False, width=32).map(Float),
    str: st.text(),
    bytes: st.binary(),
    Symbol: st.text(st.characters(max_codepoint=127)).map(Symbol),
    Char: st.characters(codec="utf-8").map(Char),
    uuid.UUID: st.uuids(),
    Decimal: st.sampled_from([4, 8, 16]).flatmap(lambda size: st.binary(min_size=size, max_size=size)).map(Decimal),
}
ARRAYS = st.sampled_from([kind for kind in SCALARS if kind is not Decimal]).flatmap(
    lambda kind: st.lists(SCALARS[kind], max_size=4).map(lambda items: Array(kind, tuple(items)))
)
SCALAR = st.none() | st.one_of(*SCALARS.values())
VALUES = st.recursive(
    SCALAR | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(), inner, max_size=4)
        | st.builds(Described, SCALARS[Ulong] | SCALARS[Symbol], inner)
    ),
    max_leaves=8,
)


def shape(value: Any) -> Any:
    """The value with all its types spelled out: Uint(1), Ulong(1) and 1 are equal in Python."""
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, Array):
        return value.kind, [shape(item) for item in value.items]
    if isinstance(value, Described):
        return shape(value.descriptor), shape(value.value)
    return type(value), value


@given(VALUES, st.binary(max_size=3), st.binary(max_size=3))
def test_value_and_type_survive_the_round_trip(value: Any, before: bytes, after: bytes) -> None:
    encoded = encode(value)
    decoded, end = decode(before + encoded + after, len(before))
    assert shape(decoded) == shape(value)
    assert end == len(before) + len(encoded)


@given(VALUES, st.data())
def test_bytes_cut_short_are_refused(value: Any, data: st.DataObject) -> None:
    encoded = encode(value)
    with pytest.raises(DecodeError):
        decode(encoded[: data.draw(st.integers(0, len(encoded) - 1))])


@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_refused(data: bytes) -> None:
    try:
        _, end = decode(data)
    except DecodeError:
        return
    assert 0 < end <= len(data)


@pytest.mark.parametrize(("value", "error"), [(Ubyte(256), ValueError), (2**63, ValueError), (object(), TypeError)])
def test_what_has_no_form_is_refused(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        encode(value)
