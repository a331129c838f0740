"""Values on the wire: times, enum members, codes, names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.business_central import values
from infra.local.business_central.etags import etag, is_etag
from infra.local.business_central.rules.names import join_name, split_name
from infra.local.business_central.schema import ENTITY_SETS

moments = st.integers(0, 4_000_000_000_000)


@given(moments)
def test_a_time_written_is_read_back(moment: int) -> None:
    text = values.moment_text(moment)
    assert values.parse_moment(text, offset_needed=True) == moment
    assert not text.endswith("0Z") or "." not in text


@given(moments)
def test_times_are_stored_in_steps_of_a_300th_second(moment: int) -> None:
    stored = values.rounded(moment)
    assert stored % 10 in (0, 3, 7)
    assert abs(stored - moment) <= 2
    assert values.rounded(stored) == stored


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-08-01T10:00:00Z", datetime(2026, 8, 1, 10, tzinfo=UTC)),
        ("2026-08-01T10:00:00.5z", datetime(2026, 8, 1, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-08-01T10:00:00.1234567Z", datetime(2026, 8, 1, 10, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-08-01T10:00:00+02:00", datetime(2026, 8, 1, 8, tzinfo=UTC)),
        ("2026-08-01T10:00Z", datetime(2026, 8, 1, 10, tzinfo=UTC)),
    ],
)
def test_times_are_read_with_any_offset_and_precision(text: str, expected: datetime) -> None:
    read = values.parse_moment(text, offset_needed=True)
    assert read is not None
    assert abs(read - expected.timestamp() * 1000) < 0.001


@pytest.mark.parametrize("text", ["2026-08-01", "2026-13-01T00:00:00Z", "2026-08-01T25:00:00Z", "now", ""])
def test_what_is_no_time(text: str) -> None:
    assert values.parse_moment(text, offset_needed=False) is None


def test_the_clock_never_goes_back() -> None:
    clock = values.Clock()
    first = clock.now()
    clock.offset_ms = -timedelta(hours=1) / timedelta(milliseconds=1)
    assert clock.now() == first
    clock.offset_ms = 5000
    assert clock.now() >= first + 4990


@pytest.mark.parametrize(
    ("plain", "encoded"),
    [
        (" ", "_x0020_"),
        ("Bank Account", "Bank_x0020_Account"),
        ("Non-Inventory", "Non_x002D_Inventory"),
        ("Positive Adjmt.", "Positive_x0020_Adjmt_x002E_"),
        ("All", "All"),
    ],
)
def test_enum_members_travel_encoded(plain: str, encoded: str) -> None:
    assert values.encode_enum(plain) == encoded
    assert values.decode_enum(encoded) == plain


def test_every_enum_of_the_schema_is_in_its_wire_form() -> None:
    members = [name for one in ENTITY_SETS.values() for prop in one.properties.values() for name in prop.enum]
    assert members
    assert all(values.encode_enum(values.decode_enum(name)) == name for name in members)


@given(st.text(max_size=20))
def test_a_code_is_stable_and_never_longer(text: str) -> None:
    once = values.code(text)
    assert len(once) <= len(text)
    assert values.code(once) == once


@given(st.integers(0, 2**63 - 1))
def test_tags_are_readable_and_different(version: int) -> None:
    assert is_etag(etag(version))
    assert etag(version) != etag(version ^ 1)


@given(st.lists(st.text(st.characters(categories=("L",)), min_size=1, max_size=8), min_size=1, max_size=5))
def test_a_name_that_was_split_is_joined_again(words: list[str]) -> None:
    record = {"displayName": " ".join(words), "searchName": "", "firstName": "", "middleName": "", "surname": ""}
    split_name(record)
    record["displayName"] = ""
    join_name(record)
    assert record["displayName"] == " ".join(words)
