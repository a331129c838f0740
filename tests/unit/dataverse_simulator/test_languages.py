"""The small languages of the Dataverse simulator: filters, wildcards, paths, cookies, headers, multipart."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.dataverse.address import Segment, below_root, parse_path
from infra.local.dataverse.errors import Refusal
from infra.local.dataverse.multipart import ChangeSet, Part, read_batch
from infra.local.dataverse.query.cookie import Cookie, inner_cookie, read_skip_token, skip_token
from infra.local.dataverse.query.expressions import Comparison, Junction, Literal, Negation, Path
from infra.local.dataverse.query.functions import span_of
from infra.local.dataverse.query.options import parse_options, split_outside
from infra.local.dataverse.query.parser import parse_filter
from infra.local.dataverse.query.preferences import parse_preferences
from infra.local.dataverse.schema.model import Kind
from infra.local.dataverse.storage import fold, register_functions
from infra.local.dataverse.values import moment_text, seconds_of


def test_and_binds_closer_than_or_and_not_closest() -> None:
    def is_one(name: str) -> Comparison:
        return Comparison("eq", Path((name,)), Literal("number", "1"))

    read = parse_filter("not a eq 1 and b eq 1 or (c eq 1 or d eq 1) and e eq 1", {})
    left = Junction("and", (Negation(is_one("a")), is_one("b")))
    right = Junction("and", (Junction("or", (is_one("c"), is_one("d"))), is_one("e")))
    assert read == Junction("or", (left, right))


@given(st.text())
def test_any_text_survives_as_a_literal(text: str) -> None:
    quoted = text.replace("'", "''")
    expected = Comparison("eq", Path(("name",)), Literal("string", text))
    assert parse_filter(f"name eq '{quoted}'", {}) == expected
    assert parse_filter("name eq @p", {"@p": f"'{quoted}'"}) == expected


@given(st.text(alphabet="()'ab @,/:=<>0 eqandornt."))
def test_any_nonsense_is_read_or_refused(text: str) -> None:
    with suppress(Refusal):  # anything else would be a defect
        parse_filter(text, {})


def matches(pattern: str, text: str) -> bool:
    connection = sqlite3.connect(":memory:")
    register_functions(connection)
    try:
        return bool(connection.execute("SELECT wildcard(?, ?)", (pattern, text)).fetchone()[0])
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a%c", "ABBC", True),
        ("a_c", "abc", True),
        ("a_c", "abbc", False),
        ("[a-c]x", "Bx", True),
        ("[^a-c]x", "bx", False),
        ("[_]", "_", True),
        ("[_]", "a", False),
        ("[[]", "[", True),
        ("[%]", "%", True),
        ("a.c", "abc", False),
        ("[", "[", True),
        ("[z-a]", "b", False),
        ("%\n%", "two\nlines", True),
    ],
)
def test_wildcards(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


@given(st.text(max_size=20))
def test_bracketed_wildcards_stand_for_themselves(text: str) -> None:
    escaped = "".join(f"[{one}]" if one in "%_[" else one for one in text)
    assert matches(escaped, text)


@given(st.text())
def test_case_makes_no_difference(text: str) -> None:
    assert fold(text) == fold(fold(text))
    assert fold("ÅRHUS") == fold("århus")


@pytest.mark.parametrize(
    ("raw", "segments"),
    [
        ("accounts", [Segment("accounts")]),
        ("/accounts(11)/name/$value", [Segment("accounts", {"": "11"}), Segment("name"), Segment("$value")]),
        ("accounts(name='O''Brien, A',fax=1)", [Segment("accounts", {"name": "O'Brien, A", "fax": "1"})]),
        ("accounts(name=%27a%3Db%27)", [Segment("accounts", {"name": "a=b"})]),
        ("WhoAmI()", [Segment("WhoAmI", {})]),
        ("F(Names=['a','b'])", [Segment("F", {"Names": "['a','b']"})]),
    ],
)
def test_paths(raw: str, segments: list[Segment]) -> None:
    assert parse_path(raw) == segments


@pytest.mark.parametrize("raw", ["accounts(name='a/b')", "accounts(a=1,a=2)", "accounts(1"])
def test_paths_that_lead_nowhere(raw: str) -> None:
    with pytest.raises(Refusal):
        parse_path(raw)


@pytest.mark.parametrize(
    ("url", "below"),
    [
        ("https://x.example/api/data/v9.2/accounts(1)?$select=name", "accounts(1)"),
        ("/api/data/v9.0/accounts", "accounts"),
        ("/api/data/v9.2", ""),
        ("/api/data/v8.2/accounts", None),
        ("/other/api/data/v9.2/accounts", None),
    ],
)
def test_only_some_versions_are_served(url: str, below: str | None) -> None:
    assert below_root(url) == below


def test_links_repeat_the_options_without_the_old_token() -> None:
    options = parse_options("%24select=name&%24filter=name+eq+%27a%26b%27&$skiptoken=old&@p1=1")
    link = options.with_option("$skiptoken", "new")
    assert link == "$select=name&$filter=name%20eq%20'a%26b'&@p1=1&$skiptoken=new"
    assert parse_options(link).values["$filter"] == options.values["$filter"] == "name eq 'a&b'"


def test_texts_are_cut_outside_of_quotes_and_brackets() -> None:
    assert split_outside("a,b(c,d),'e,f',g['h,i',j]", ",") == ["a", "b(c,d)", "'e,f'", "g['h,i',j]"]


keys = st.one_of(st.none(), st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"])))


@given(st.lists(keys, min_size=1, max_size=3), st.integers(1, 99))
def test_a_cookie_keeps_its_keys(last: list[str | None], page: int) -> None:
    names = [f"key{number}" for number in range(len(last))]
    token = skip_token(page + 1, inner_cookie(page, names, last, last, since="5"), tracking=True)
    read = read_skip_token(unquote(token), [Kind.STRING] * len(last))
    assert read == Cookie(page + 1, tuple(last), True, {"since": "5"})


@pytest.mark.parametrize("token", ["", "x", "<cookie/>", '<cookie pagenumber="2" pagingcookie="%3ccookie/%3e"/>'])
def test_a_broken_cookie_is_refused(token: str) -> None:
    with pytest.raises(Refusal) as refusal:
        read_skip_token(token, [Kind.GUID])
    assert refusal.value.status == 400


@given(st.datetimes(timezones=st.just(UTC)))
def test_moments_are_kept_in_whole_seconds(moment: datetime) -> None:
    written = f"{moment.replace(tzinfo=None, microsecond=0).isoformat()}Z"
    seconds = seconds_of(written)
    assert seconds == moment.replace(microsecond=0).timestamp()
    assert moment_text(seconds) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2024-05-01", "2024-05-01T00:00:00Z"),
        ("2024-05-01T10:00:00+02:00", "2024-05-01T08:00:00Z"),
        ("2024-05-01T10:00:00.999Z", "2024-05-01T10:00:00Z"),
        ("2024-02-30", None),
        ("May", None),
    ],
)
def test_moments_are_read_in_several_forms(text: str, written: str | None) -> None:
    seconds = seconds_of(text)
    assert (None if seconds is None else moment_text(seconds)) == written


@pytest.mark.parametrize(
    ("function", "amount", "first", "last"),
    [
        ("LastXHours", 2, "2024-02-29T11:00:00Z", "2024-02-29T13:45:01Z"),
        ("LastXDays", 1, "2024-02-28T00:00:00Z", "2024-02-29T13:45:01Z"),
        ("NextXDays", 1, "2024-02-29T13:45:00Z", "2024-03-02T00:00:00Z"),
        ("LastXYears", 1, "2023-02-28T00:00:00Z", "2024-02-29T13:45:01Z"),
        ("Today", 1, "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("ThisWeek", 1, "2024-02-25T00:00:00Z", "2024-03-03T00:00:00Z"),
        ("LastMonth", 1, "2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"),
        ("NextYear", 1, "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    ],
)
def test_spans_of_time(function: str, amount: int, first: str, last: str) -> None:
    span = span_of(function, amount, datetime(2024, 2, 29, 13, 45, tzinfo=UTC))
    assert span is not None
    assert tuple(moment_text(one.timestamp()) for one in span) == (first, last)


def test_preferences_are_read_together() -> None:
    read = parse_preferences('odata.include-annotations="*,-x",odata.maxpagesize=7, return=representation')
    assert (read.page_size, read.representation, read.annotates("anything")) == (7, True, True)
    assert parse_preferences("odata.maxpagesize=99999").page_size == 5000
    assert parse_preferences("odata.continue-on-error").continue_on_error
    assert not parse_preferences("odata.continue-on-error=false").continue_on_error
    some = parse_preferences('odata.include-annotations="Microsoft.Dynamics.CRM.*"')
    assert some.annotates("Microsoft.Dynamics.CRM.lookuplogicalname")
    assert not some.annotates("OData.Community.Display.V1.FormattedValue")


def test_a_batch_is_cut_into_operations_and_change_sets() -> None:
    body = (
        'preamble\r\n--b\r\nContent-Type: multipart/mixed; boundary="c"\r\n\r\n'
        "--c\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\n"
        'POST /accounts HTTP/1.1\r\nIf-Match: *\r\n\r\n{"a": "--b"}\r\n--c--\r\n\r\n'
        "--b\r\nContent-Type: application/http\r\n\r\nGET /accounts?$filter=name eq 'a b' HTTP/1.1\r\n\r\n\r\n--b--"
    )
    assert read_batch("multipart/mixed;boundary=b", body.encode()) == [
        ChangeSet([Part("POST", "/accounts", {"if-match": "*"}, b'{"a": "--b"}', "1")]),
        Part("GET", "/accounts?$filter=name eq 'a b'", {}, b""),
    ]
