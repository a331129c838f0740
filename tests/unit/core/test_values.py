"""What counts as the same value, and how values are written down."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.tables import Column, ColumnKind, Value
from shared.core.values import from_document, is_kept_for, meaning, same, to_document

VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.datetimes(timezones=st.just(UTC))
)


NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("held", "sent", "expected"),
    [
        ("DE", " de", True),
        ("DK", "de", False),
        (Decimal("100.0"), Decimal("99.999"), True),
        (Decimal("0.12"), Decimal("0.12345"), True),
        (Decimal("0.13"), Decimal("0.125"), True),
        (Decimal("0.12"), Decimal("0.125"), True),
        (0, Decimal("0.00001"), True),
        (Decimal("-1.01"), Decimal("-1.005"), True),
        (Decimal("1.5"), Decimal("1.5"), True),
        (Decimal("99.99"), Decimal("99.999"), False),
        (Decimal("0.13"), Decimal("0.12345"), False),
        (Decimal("99.999"), Decimal(100), False),
        (110, 100, False),
        (1, True, False),
        (NOON, NOON + timedelta(milliseconds=999), True),
        (NOON, NOON + timedelta(seconds=1), False),
        (NOON + timedelta(milliseconds=1), NOON, False),
        (None, 0, False),
        ("5", Decimal(5), False),
    ],
)
def test_what_a_service_may_keep_for_what_it_was_sent(held: Value, sent: Value, expected: bool) -> None:
    """A code in capitals, a number with fewer decimals; not a number that somebody else has chosen."""
    assert is_kept_for(held, sent) is expected


@pytest.mark.parametrize(
    ("kind", "left", "right", "expected"),
    [
        (ColumnKind.TEXT, "a", "a", True),
        (ColumnKind.TEXT, "a", "A", False),
        (ColumnKind.TEXT, "a", "a  ", True),
        (ColumnKind.TEXT, " a", "a", False),
        (ColumnKind.TEXT, None, "", True),
        (ColumnKind.TEXT, None, "  ", True),
        (ColumnKind.TEXT, None, "0", False),
        (ColumnKind.CODE, "de", "DE", True),
        (ColumnKind.CODE, " DE ", "de", True),
        (ColumnKind.CODE, "DE", "DK", False),
        (ColumnKind.CODE, "", None, True),
        (ColumnKind.GUID, "0A", "0a", True),
        (ColumnKind.LOOKUP, "0A", "0a", True),
        (ColumnKind.LOOKUP, "0a", None, False),
        (ColumnKind.CHOICE, 1, 1, True),
        (ColumnKind.CHOICE, 0, None, False),
        (ColumnKind.ENUM, "All", None, False),
        (ColumnKind.DECIMAL, Decimal("1.50"), Decimal("1.5"), True),
        (ColumnKind.DECIMAL, Decimal(100), 100, True),
        (ColumnKind.DECIMAL, Decimal("1E+2"), 100, True),
        (ColumnKind.DECIMAL, Decimal("-0"), None, True),
        (ColumnKind.DECIMAL, None, 0, True),
        (ColumnKind.DECIMAL, Decimal("0.1"), Decimal("0.10001"), False),
        (ColumnKind.INTEGER, 7, Decimal("7.0"), True),
        (ColumnKind.BOOLEAN, None, False, True),
        (ColumnKind.BOOLEAN, True, False, False),
        (ColumnKind.DATE, "2026-01-05", "2026-01-05", True),
        (ColumnKind.DATE, None, "2026-01-05", False),
    ],
)
def test_a_difference_in_spelling_is_no_difference(kind: ColumnKind, left: Value, right: Value, expected: bool) -> None:
    column = Column(name="x", kind=kind)
    assert same(column, left, right) is expected
    assert same(column, right, left) is expected


@given(st.sampled_from([ColumnKind.TEXT, ColumnKind.CODE, ColumnKind.GUID]), st.none() | st.text(max_size=6))
def test_the_meaning_of_a_text_is_its_own_meaning(kind: ColumnKind, value: str | None) -> None:
    column = Column(name="x", kind=kind)
    assert meaning(column, meaning(column, value)) == meaning(column, value)


@given(st.decimals(-(10**18), 10**18, places=5) | st.integers(-(10**18), 10**18))
def test_the_meaning_of_a_number_is_its_amount(value: Decimal | int) -> None:
    column = Column(name="x", kind=ColumnKind.DECIMAL)
    assert meaning(column, value) == Decimal(value)
    assert str(meaning(column, value)) == str(meaning(column, meaning(column, value)))


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=5))
def test_documents_give_back_exactly_what_was_written_down(values: dict[str, Value]) -> None:
    read = from_document(json.loads(json.dumps(to_document(values))))
    assert read == values
    assert {name: (type(value), str(value)) for name, value in read.items()} == {
        name: (type(value), str(value)) for name, value in values.items()
    }


def test_times_are_written_down_in_utc() -> None:
    moment = datetime(2026, 1, 5, 8, 0, tzinfo=timezone(timedelta(hours=2)))
    (read,) = from_document(to_document({"x": moment})).values()
    assert read == moment
    assert isinstance(read, datetime)
    assert read.utcoffset() == timedelta(0)


@pytest.mark.parametrize("document", [None, {}])
def test_a_missing_document_has_no_values(document: object) -> None:
    assert from_document(document) == {}
