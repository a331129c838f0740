"""Canonical values survive the wire of either service, and what is blank there is None here."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.rows import body_writer, record_reader
from shared.adapters.values import decode_enum, encode_enum, from_wire, to_business_central, to_dataverse
from shared.adapters.wire import json_object, json_text
from shared.core.failures import NeedsPerson
from shared.core.records import Create, Update
from shared.core.tables import Column, ColumnKind, Value
from shared.defaults import standard_tables

_TABLES = standard_tables()
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
_MOMENTS = st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 1 < moment.year < 9999)
_CANONICAL: dict[ColumnKind, st.SearchStrategy[Value]] = {
    ColumnKind.TEXT: _TEXT,
    ColumnKind.CODE: st.text("ABCÄ0129-/&", min_size=1),
    ColumnKind.GUID: st.uuids(version=4).map(str),
    ColumnKind.CHOICE: st.integers(0, 2**31 - 1),
    ColumnKind.ENUM: _TEXT.filter(str.strip),
    ColumnKind.INTEGER: st.integers(-(2**63), 2**63),
    ColumnKind.DECIMAL: st.decimals(-(10**18), 10**18, places=5),
    ColumnKind.BOOLEAN: st.booleans(),
    ColumnKind.DATE: st.dates(date(1753, 1, 1)).map(lambda day: day.isoformat()),
    ColumnKind.DATETIME: _MOMENTS,
}
_VALUES = st.sampled_from(list(_CANONICAL)).flatmap(lambda kind: st.tuples(st.just(kind), _CANONICAL[kind]))


@given(_VALUES)
def test_every_value_survives_both_services(given_value: tuple[ColumnKind, Value]) -> None:
    kind, value = given_value
    column = Column(name="x", kind=kind)
    for to_wire in (to_business_central, to_dataverse) if kind is not ColumnKind.ENUM else (to_business_central,):
        body = json_object(json_text({"x": to_wire(column, value)}))
        assert body is not None
        assert from_wire(column, body["x"]) == value


@pytest.mark.parametrize("kind", [ColumnKind.TEXT, ColumnKind.CODE, ColumnKind.GUID, ColumnKind.ENUM, ColumnKind.DATE])
def test_a_blank_travels_as_the_blank_of_its_kind_and_comes_back(kind: ColumnKind) -> None:
    column = Column(name="x", kind=kind)
    blank = to_business_central(column, None)
    assert blank is not None
    assert from_wire(column, blank) is None
    assert to_dataverse(column, None) is None


@pytest.mark.parametrize(
    ("kind", "wire", "value"),
    [
        (ColumnKind.CODE, " de-1 ", "DE-1"),
        (ColumnKind.GUID, "37FE3458-93E1-EF11-9344-6045BDE9CA09", "37fe3458-93e1-ef11-9344-6045bde9ca09"),
        (ColumnKind.ENUM, "Non_x002D_Inventory", "Non-Inventory"),
        (ColumnKind.ENUM, " ", None),
        (ColumnKind.DATETIME, "0001-01-01T00:00:00Z", None),
        (ColumnKind.DATETIME, "2025-02-02T18:28:34.5Z", datetime(2025, 2, 2, 18, 28, 34, 500_000, UTC)),
        (ColumnKind.DATETIME, "2025-02-02T18:28:34.0571234+01:00", datetime(2025, 2, 2, 17, 28, 34, 57_123, UTC)),
        (ColumnKind.DATE, "2025-02-02T00:00:00Z", "2025-02-02"),
        (ColumnKind.DECIMAL, 5, Decimal(5)),
        (ColumnKind.BOOLEAN, False, False),
        (ColumnKind.INTEGER, 0, 0),
        (ColumnKind.TEXT, " ", " "),
    ],
)
def test_wire_values_are_read_as_their_kind(kind: ColumnKind, wire: object, value: Value) -> None:
    assert from_wire(Column(name="x", kind=kind), wire) == value


@pytest.mark.parametrize(
    ("kind", "wire"),
    [
        (ColumnKind.TEXT, 5),
        (ColumnKind.GUID, "no guid"),
        (ColumnKind.INTEGER, True),
        (ColumnKind.INTEGER, Decimal("1.5")),
        (ColumnKind.DECIMAL, "1.5"),
        (ColumnKind.BOOLEAN, "true"),
        (ColumnKind.DATE, "tomorrow"),
        (ColumnKind.DATETIME, 20250101),
        (ColumnKind.DATETIME, "0001-01-01T00:00:00+14:00"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_a_sentence(kind: ColumnKind, wire: object) -> None:
    with pytest.raises(ValueError, match=f"column x is described as {kind}"):
        from_wire(Column(name="x", kind=kind), wire)


@given(_TEXT)
def test_member_names_survive_their_escapes(name: str) -> None:
    assert decode_enum(encode_enum(name)) == name


def test_decimals_keep_their_digits_beyond_what_a_float_holds() -> None:
    assert json_text({"a": [Decimal("100000000000000.0001"), "é", None]}) == (
        '{"a":[100000000000000.0001,' + json.dumps("é") + ",null]}"
    )


def test_a_body_stands_in_the_order_of_the_table_without_what_cannot_be_written() -> None:
    values: dict[str, Value] = {"city": "Bonn", "lastModifiedDateTime": None, "postalCode": None, "country": "DE"}
    update = body_writer(_TABLES["business_central", "customers"])(Update("1", values))
    assert list(update.items()) == [("country", "DE"), ("postalCode", ""), ("city", "Bonn")]
    create = body_writer(_TABLES["business_central", "customers"])(Create(values))
    assert list(create.items()) == [("country", "DE"), ("city", "Bonn")]


def test_lookups_are_bound_through_their_navigation_property_and_cleared_by_it() -> None:
    table = _TABLES["dataverse", "contact"]
    update = Update("1", {"parentcustomerid": "a1", "transactioncurrencyid": None, "lastname": "X"})
    assert body_writer(table)(update) == {
        "lastname": "X",
        "parentcustomerid_account@odata.bind": "/accounts(a1)",
        "transactioncurrencyid": None,
    }


def test_a_column_that_the_table_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError, match="has no column colour"):
        body_writer(_TABLES["dataverse", "account"])(Update("1", {"colour": "red"}))


def test_a_row_that_does_not_fit_its_description_needs_a_person() -> None:
    row = {"id": "37fe3458-93e1-ef11-9344-6045bde9ca09", "displayName": 5}
    with pytest.raises(NeedsPerson, match="customers: column displayName is described as text"):
        record_reader(_TABLES["business_central", "customers"], ["displayName"])(row)
