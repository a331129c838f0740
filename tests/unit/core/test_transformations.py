"""Transformation rules: what each does to a value, what is refused, and what survives the way there and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from time import process_time
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.core.sides import Direction
from shared.core.tables import ColumnKind, Value
from shared.core.transformations import (
    DateFormatting,
    DateTimeFormatting,
    DecimalFormatting,
    FieldLookup,
    LineTransformation,
    LookupPair,
    Lowercase,
    RegularExpressionMatch,
    RegularExpressionReplace,
    RemoveNonAlphanumeric,
    Replace,
    Round,
    Substring,
    TitleCase,
    Transformation,
    TransformationProblem,
    Trim,
    Uppercase,
    round_trip_problem,
    transform,
)

RULE: TypeAdapter[Transformation] = TypeAdapter(Transformation)
LONG = 100_000
NOON = datetime(2024, 1, 31, 12, 0, tzinfo=UTC)


def made(kind: str, **members: object) -> Transformation:
    """The rule as it is read from a stored mapping."""
    return RULE.validate_python({"type": kind, **members})


def after(kind: str, value: Value, **members: object) -> Value | TransformationProblem:
    return transform((made(kind, **members),), value)


@pytest.mark.parametrize(
    ("kind", "before", "expected"),
    [
        ("Uppercase", "contoso ltd. 12", "CONTOSO LTD. 12"),
        ("Uppercase", "straße", "STRAßE"),
        ("Uppercase", "ılgaz İzmir i", "ıLGAZ İZMIR I"),
        ("Uppercase", "οδός", "ΟΔΌΣ"),
        ("Uppercase", "e\u0301", "E\u0301"),
        ("Uppercase", "東京 👍🏽", "東京 👍🏽"),
        ("Lowercase", "CONTOSO", "contoso"),
        ("Lowercase", "ΟΔΟΣ", "οδοσ"),
        ("Lowercase", "Iİ", "iİ"),
        ("Lowercase", "\u212a", "\u212a"),  # the Kelvin sign is no k
        ("Title Case", "john roberts", "John Roberts"),
        ("Title Case", "jOHN\tmcDONALD-smith", "John\tMcdonald-Smith"),
        ("Title Case", "ABC gmbh", "ABC Gmbh"),
        ("Title Case", "o'neil O'NEIL don’t", "O'neil O'neil Don’t"),
        ("Title Case", "3rd a3rd", "3Rd A3rd"),
        ("Title Case", "ǆungla ñandú", "ǅungla Ñandú"),
        ("Title Case", "e\u0301cole", "E\u0301cole"),
        ("Trim", "  a b  ", "a b"),
        ("Trim", "\ta\u00a0", "\ta\u00a0"),
        ("Trim", "   ", None),
        ("Remove Non-Alphanumeric Characters", "abc - 12_3 – d.e!", "abc123de"),
        ("Remove Non-Alphanumeric Characters", "Müller & 李 小龍 👍", "Müller李小龍"),
        ("Remove Non-Alphanumeric Characters", "cafe\u0301 हिन्दी", "cafe\u0301हिन्दी"),
        ("Remove Non-Alphanumeric Characters", "1½²‿", "1"),
        ("Remove Non-Alphanumeric Characters", "!?", None),
    ],
)
def test_a_text_changes_character_by_character(kind: str, before: str, expected: str | None) -> None:
    assert after(kind, before) == expected


POUND = "1 British Pound = 701.37865 Comoros Franc "


@pytest.mark.parametrize(
    ("members", "before", "expected"),
    [
        ({"start_position": 4, "length": 3}, "EURDKK", "DKK"),
        ({"start_position": 4}, "EURDKK", "DKK"),
        ({"length": 3}, "EURDKK", "EUR"),
        ({"length": 10**9}, "EUR", "EUR"),
        ({"start_position": 4, "length": 3}, "EUR", None),
        ({"start_position": 10**9}, "EUR", None),
        ({"start_position": 2, "length": 1}, "a👍b", "👍"),
        ({"start_position": 2, "length": 1}, "李小龍", "小"),
        ({"starting_text": "(", "ending_text": ")"}, "British Pound(GBP)/Dinar(DZD)", "GBP"),
        ({"starting_text": "(", "ending_text": ")"}, "(GBP)", "GBP"),
        ({"starting_text": "(", "ending_text": ")"}, "()", None),
        ({"starting_text": "Pound = ", "ending_text": "' '"}, POUND, "701.37865"),
        ({"starting_text": "Pound = ", "length": 6}, POUND, "701.37"),
        ({"start_position": 19, "ending_text": '" "'}, POUND, "701.37865"),
        ({"ending_text": "' = '"}, POUND, "1 British Pound"),
        ({"starting_text": "pound"}, POUND, None),
        ({"starting_text": "Pound", "ending_text": "nowhere"}, POUND, None),
        ({"starting_text": "''"}, "a''b", "b"),
    ],
)
def test_a_substring_is_found_by_place_or_by_text(
    members: dict[str, object], before: str, expected: str | None
) -> None:
    assert after("Substring", before, **members) == expected


@pytest.mark.parametrize(
    ("find", "replace", "before", "expected"),
    [
        ("a", "bb", "aXaA", "bbXbbA"),
        ("aa", "a", "aaaa", "aa"),
        (".", "", "1.2", "12"),
        ("e\u0301", "e", "e\u0301é", "eé"),
        ("x", "", "x", None),
        ("👍", "+", "👍🏽", "+🏽"),
    ],
)
def test_a_text_is_replaced_wherever_it_stands(find: str, replace: str, before: str, expected: str | None) -> None:
    assert after("Replace", before, find_value=find, replace_value=replace) == expected


@pytest.mark.parametrize(
    ("find", "replace", "before", "expected"),
    [
        ("notprovided", "", "NOTPROVIDED", None),
        (r"\s+", " ", "a \t\u00a0\u2003b", "a b"),
        (r"(\w+) (\w+)", "$2, $1", "Ada Lovelace", "Lovelace, Ada"),
        (r"(?<first>\w+) (\w+)", "${first}-$1-$2", "Ada Lovelace", "Ada-Lovelace-Ada"),
        (r"(?'d'\d)|(?<d>x)", "[${d}]", "1x", "[1][x]"),
        (r"(?<d>\d)(?<d>\d)", "${d}", "12", "2"),
        (r"(a)|b", "<$1>", "ab", "<a><>"),
        ("b", "$$$&$0", "abc", "a$bbc"),
        ("b", "5 $", "b", "5 $"),
        ("a*", "-", "baac", "-b--c-"),
        ("$", "!", "a", "a!"),
        (r"\Z", "!", "a", "a!"),
        (r"\d", "#", "1٣", "##"),
        (r"\W", "_", "é-ü", "é_ü"),
        (r"[\W\d]", "_", "é-1", "é__"),
        (r"[\s\S]", "x", "a\n", "xx"),
        (r"[^\w]", "", "a_-b", "a_b"),
        ("[][]", "", "a[b]", "ab"),
        (r"[a\]\-]", "", "a]-b", "b"),
        (r"\u00e9\x41\e?", "x", "éA", "x"),
        (r"\p{Sc}\s?", "", "$17 € 5", "17 5"),
        (r"(?-i)a", "x", "aA", "xA"),
        (r"(?i:a)\.", "x", "A.", "x"),
        (".", "x", "👍李", "xx"),
        (r"\é", "e", "É", "e"),
        ("a{,3}", "x", "a{,3}", "x"),
    ],
)
def test_a_pattern_is_replaced_without_regard_to_case(
    find: str, replace: str, before: str, expected: str | None
) -> None:
    assert after("Regular Expression - Replace", before, find_value=find, replace_value=replace) == expected


@pytest.mark.parametrize(
    ("find", "before", "expected"),
    [
        (r"abc(\d+)d", "abc123def", "123"),
        (r"\D+(?<digit>\d+)\D+(?<digit>\d+)?", "ABC123def456", "123456"),
        (r"(\d)x(\d)", "1x2 3x4", "1234"),
        (r"(?<last>a)(b)", "ab", "ba"),  # unnamed groups come first
        (r"\d+", "a1b23", "123"),
        (r"(\d+)", "abc", None),
        (r"(x)?y", "y", None),
        (r"(x){0,1}y", "xy", "x"),
        (r"(?:\d-)+(x)", "1-2-x", "x"),
        (r"(\p{L}+)", "12 Übung", "Übung"),
    ],
)
def test_a_match_is_what_the_groups_captured(find: str, before: str, expected: str | None) -> None:
    assert after("Regular Expression - Match", before, find_value=find) == expected


@pytest.mark.parametrize(
    ("members", "before", "expected"),
    [
        ({"data_format": "yyyyMMdd"}, "20151213", "2015-12-13"),
        ({"data_format": "yyyyMMddHHmm"}, "202001202359", "2020-01-20"),
        ({"data_format": "d.M.yyyy"}, "1.2.2024", "2024-02-01"),
        ({"data_format": "dd.MM.yyyy"}, "1.2.2024", "1.2.2024"),
        ({"data_format": "yy-MM-dd"}, "49-12-31", "2049-12-31"),
        ({"data_format": "yy-MM-dd"}, "50-12-31", "1950-12-31"),
        ({"data_format": "yyyyMMdd"}, "20230229", "20230229"),
        ({"data_format": "yyyyMMdd"}, "٢٠٢٤٠١٣١", "٢٠٢٤٠١٣١"),
        ({"data_format": "'day' d 'of' M, yyyy"}, "day 3 of 12, 2024", "2024-12-03"),
        ({"data_format": "yyyyMMdd"}, "no date", "no date"),
        ({"data_formatting_culture": "en-US"}, "01/31/2024", "2024-01-31"),
        ({"data_formatting_culture": "en-US"}, "2024/01/31", "2024-01-31"),
        ({"data_formatting_culture": "en-GB"}, "1/2/24", "2024-02-01"),
        ({"data_formatting_culture": "en-US"}, "1/2/24", "2024-01-02"),
        ({"data_formatting_culture": "de-DE"}, "31. 1. 2024", "2024-01-31"),
        ({"data_formatting_culture": "sv-SE"}, "2024-01-31 23:59", "2024-01-31"),
        ({"data_formatting_culture": "de-DE"}, "31.13.2024", "31.13.2024"),
        ({"data_formatting_culture": "de-DE"}, "31.1.202", "31.1.202"),
        ({"data_formatting_culture": "de-DE"}, "31.1.2024x", "31.1.2024x"),
        ({"data_formatting_culture": "de-DE"}, "1" * LONG, "1" * LONG),
        ({"data_formatting_culture": "de-DE", "reverse": True}, "2024-01-31", "31.01.2024"),
        ({"data_formatting_culture": "en-US", "reverse": True}, "2024-01-31T23:00:00Z", "01/31/2024"),
        ({"data_format": "yyyyMMdd", "reverse": True}, "2024-01-31", "20240131"),
        ({"data_format": "yyyyMMdd", "reverse": True}, "31.01.2024", "31.01.2024"),
        ({"data_format": "yyyyMMdd"}, NOON, "2024-01-31"),
        ({"data_format": "d/M/yy", "reverse": True}, NOON, "31/1/24"),
        ({"data_format": "yyyyMMdd"}, 20240131, "2024-01-31"),
    ],
)
def test_a_date_is_read_by_its_format_and_kept_where_it_cannot_be(
    members: dict[str, object], before: Value, expected: str
) -> None:
    assert after("Date Formatting", before, **members) == expected


@pytest.mark.parametrize(
    ("members", "before", "expected"),
    [
        ({"data_format": "yyyyMMddHHmmss"}, "20151213030405", "2015-12-13T03:04:05Z"),
        ({"data_format": "yyyy-MM-ddTHH:mm:ss.fff"}, "2015-12-13T03:04:05.120", "2015-12-13T03:04:05.12Z"),
        ({"data_format": "M/d/yyyy h:mm tt"}, "12/3/2015 12:05 am", "2015-12-03T00:05:00Z"),
        ({"data_format": "M/d/yyyy h:mm tt"}, "12/3/2015 13:05 pm", "12/3/2015 13:05 pm"),
        ({"data_formatting_culture": "en-US"}, "12/13/2015 1:14:15 PM", "2015-12-13T13:14:15Z"),
        ({"data_formatting_culture": "en-US"}, "12/13/2015 12:00 PM", "2015-12-13T12:00:00Z"),
        ({"data_formatting_culture": "da-DK"}, "13-12-2015 13:14", "2015-12-13T13:14:00Z"),
        ({"data_formatting_culture": "da-DK"}, "13-12-2015", "2015-12-13T00:00:00Z"),
        ({"data_formatting_culture": "da-DK"}, "2015-12-13T01:00:00+02:00", "2015-12-12T23:00:00Z"),
        ({"data_formatting_culture": "da-DK"}, "0001-01-01T00:00+02:00", "0001-01-01T00:00+02:00"),
        ({"data_formatting_culture": "da-DK"}, "13-12-2015 25:14", "13-12-2015 25:14"),
        ({"data_formatting_culture": "da-DK"}, "13-12-20159:14", "13-12-20159:14"),
        ({"data_formatting_culture": "da-DK"}, None, None),
        ({"data_formatting_culture": "en-US", "reverse": True}, "2015-12-13T00:14:15Z", "12/13/2015 12:14:15 AM"),
        ({"data_formatting_culture": "de-DE", "reverse": True}, NOON, "31.01.2024 12:00:00"),
        ({"data_format": "HHmmss.ff yyyy"}, NOON, "2024-01-31T12:00:00Z"),
        ({"data_format": "HHmmss.ff yyyy", "reverse": True}, NOON, "120000.00 2024"),
        ({"data_format": "yyyyMMddHH", "reverse": True}, NOON.astimezone(timezone(timedelta(hours=5))), "2024013112"),
    ],
)
def test_a_time_is_read_by_its_format_as_utc(members: dict[str, object], before: Value, expected: Value) -> None:
    assert after("Date and Time Formatting", before, **members) == expected


@pytest.mark.parametrize(
    ("members", "before", "expected"),
    [
        ({"data_formatting_culture": "da-DK"}, "1.234,50", "1234.5"),
        ({"data_formatting_culture": "da-DK"}, "-0,5", "-0.5"),
        ({"data_formatting_culture": "da-DK"}, " 1234- ", "-1234"),
        ({"data_formatting_culture": "en-US"}, "1,234,567.", "1234567"),
        ({"data_formatting_culture": "fr-FR"}, "1\u202f234,5", "1234.5"),
        ({"data_formatting_culture": "de-CH"}, "1’234.5", "1234.5"),
        ({}, "+007", "7"),
        ({"data_formatting_culture": "da-DK"}, Decimal("1234.50"), "1234.5"),
        ({"data_formatting_culture": "da-DK"}, 12, "12"),
        ({"data_formatting_culture": "da-DK"}, None, None),
        ({"data_formatting_culture": "da-DK"}, " ", None),
        ({"data_formatting_culture": "da-DK", "reverse": True}, Decimal("1234.50"), "1234,5"),
        ({"data_formatting_culture": "da-DK", "reverse": True}, "-1234.5", "-1234,5"),
    ],
)
def test_a_number_is_read_by_its_culture(members: dict[str, object], before: Value, expected: Value) -> None:
    assert after("Decimal Formatting", before, **members) == expected


@pytest.mark.parametrize(
    ("precision", "direction", "before", "expected"),
    [
        ("0.00001", "nearest", "12.3456789", "12.34568"),
        ("100", "nearest", "1234.56789", "1200"),
        ("0.001", "down", Decimal("1234.56789"), Decimal("1234.567")),
        ("0.001", "up", Decimal("1234.56789"), Decimal("1234.568")),
        ("0.001", "down", Decimal("-1234.56789"), Decimal("-1234.567")),
        ("0.001", "up", Decimal("-1234.56789"), Decimal("-1234.568")),
        ("1", "nearest", Decimal("2.5"), Decimal(3)),
        ("1", "nearest", Decimal("-2.5"), Decimal(-3)),
        ("0.25", "nearest", Decimal("1.13"), Decimal("1.25")),
        ("0.01", "up", Decimal("1.10"), Decimal("1.1")),
        ("1", "nearest", Decimal("-0.1"), Decimal(0)),
        ("10", "nearest", 15, 20),
        ("0.3", "nearest", 1, Decimal("0.9")),
        ("0.0000000001", "nearest", Decimal("9" * 27 + ".00000000005"), Decimal("9" * 27 + ".0000000001")),
        ("1", "nearest", None, None),
    ],
)
def test_a_number_is_rounded_to_a_multiple_away_from_or_towards_zero(
    precision: str, direction: str, before: Value, expected: Value
) -> None:
    rounded = after("Round", before, precision=precision, direction=direction)
    assert (rounded, type(rounded)) == (expected, type(expected))
    assert not str(rounded).startswith("-0")


PAYMENT = [{"source": "30", "target": "Net 30"}, {"source": "X", "target": ""}]


@pytest.mark.parametrize(
    ("members", "before", "expected"),
    [
        ({}, "30", "Net 30"),
        ({}, 30, "Net 30"),
        ({}, "X", None),
        ({"field_lookup_rule": "Original If Target Is Blank"}, "X", "X"),
        ({"not_found": "original"}, 31, 31),
        ({"not_found": "blank"}, "31", None),
        ({}, None, None),
        ({"table": [*PAYMENT, {"source": "", "target": "Cash"}]}, None, "Cash"),
    ],
)
def test_a_value_is_looked_up_in_the_pairs_of_the_rule(
    members: dict[str, object], before: Value, expected: Value
) -> None:
    assert after("Field Lookup", before, **{"table": PAYMENT, **members}) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.50"), "1.5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.0"), "0"),
        (Decimal("1E+999999"), "1E+999999"),
        (True, "true"),
        (False, "false"),
        (12, "12"),
        (NOON, "2024-01-31T12:00:00Z"),
        (datetime(2024, 1, 31, 12, 0, 0, 120000, timezone(timedelta(hours=2))), "2024-01-31T10:00:00.12Z"),
        ("", None),
        (None, None),
    ],
)
def test_other_values_become_text_in_a_spelling_of_no_culture(value: Value, text: str | None) -> None:
    assert after("Trim", value) == text


def test_a_blank_stays_blank_unless_a_pattern_gives_it_a_value() -> None:
    assert after("Replace", None, find_value="x", replace_value="y") is None
    assert after("Regular Expression - Replace", None, find_value="^$", replace_value="n/a") == "n/a"


def test_rules_are_applied_one_after_the_other() -> None:
    chain = (
        RemoveNonAlphanumeric(),
        Replace(find_value="abc"),
        Substring(start_position=1, length=3),
        Round(precision=Decimal(10)),
    )
    assert transform(chain, "abc - 123 - def") == "120"
    assert transform((), " as it is ") == " as it is "
    assert transform((), "") is None


@pytest.mark.parametrize(
    ("rule", "value", "sentence"),
    [
        (Round(precision=Decimal(1)), "one", 'Rule 2 (Round): "one" is not a number.'),
        (Round(precision=Decimal(1)), True, 'Rule 2 (Round): "true" is not a number.'),
        (Round(precision=Decimal(1)), NOON, 'Rule 2 (Round): "2024-01-31T12:00:00Z" is not a number.'),
        (Round(precision=Decimal(1)), Decimal("NaN"), 'Rule 2 (Round): "NaN" is not a number.'),
        (
            Round(precision=Decimal(1)),
            Decimal("1E+28"),
            'Rule 2 (Round): "10000000000000000000000000000" has more digits than a number may have.',
        ),
        (
            DecimalFormatting(data_formatting_culture="da-DK"),
            "1.5",
            'Rule 2 (Decimal Formatting): "1.5" is not a number as da-DK writes one.',
        ),
        (
            DecimalFormatting(data_formatting_culture="da-DK"),
            "1234.567,0",
            'Rule 2 (Decimal Formatting): "1234.567,0" is not a number as da-DK writes one.',
        ),
        (DecimalFormatting(), "+1-", 'Rule 2 (Decimal Formatting): "+1-" is not a number.'),
        (
            DecimalFormatting(),
            "1" * LONG,
            f'Rule 2 (Decimal Formatting): "{"1" * 40}…" (100,000 characters) is not a number.',
        ),
        (
            FieldLookup(table=(LookupPair(source="a", target="b"),)),
            "A",
            'Rule 2 (Field Lookup): "A" is not among the 1 sources of the table.',
        ),
        (
            RegularExpressionMatch(find_value="x"),
            "x" * (LONG + 1),
            "Rule 2 (Regular Expression - Match): The text has 100,001 characters; "
            "a regular expression searches 100,000 at most.",
        ),
        (
            RegularExpressionReplace(find_value="x"),
            "x\ud83d",
            "Rule 2 (Regular Expression - Replace): The text holds half a character (a surrogate by itself), "
            "which cannot be searched.",
        ),
    ],
)
def test_a_value_that_a_rule_cannot_take_is_a_problem_that_names_the_rule(
    rule: Transformation, value: Value, sentence: str
) -> None:
    first = FieldLookup(table=(LookupPair(source="?", target="?"),), not_found="original")
    assert transform((first, rule, Uppercase()), value) == TransformationProblem(2, rule.type, sentence)


@pytest.mark.parametrize(
    ("kind", "members", "sentence"),
    [
        ("Uppercase", {"find_value": "x"}, "Extra inputs are not permitted"),
        ("Custom", {}, "does not match any of the expected tags"),
        ("Substring", {}, "without any nothing is cut"),
        ("Substring", {"start_position": 1, "starting_text": "x"}, "not both"),
        ("Substring", {"length": 1, "ending_text": "x"}, "not both"),
        ("Substring", {"start_position": 0}, "greater than or equal to 1"),
        ("Replace", {"find_value": ""}, "at least 1 character"),
        ("Replace", {"find_value": "x" * 251}, "at most 250 characters"),
        ("Regular Expression - Replace", {"find_value": "x" * 251}, "at most 250 characters"),
        ("Regular Expression - Replace", {"find_value": "(?=x)"}, "a look ahead, (?=, which is not supported"),
        ("Regular Expression - Replace", {"find_value": "(?<!x)y"}, "a look behind"),
        ("Regular Expression - Match", {"find_value": "(?>x)"}, "an atomic group"),
        ("Regular Expression - Match", {"find_value": "(x)?(?(1)y|z)"}, "a condition"),
        ("Regular Expression - Match", {"find_value": "(?#x)"}, "a comment"),
        ("Regular Expression - Match", {"find_value": r"(x)\1"}, r"refers back to a group, \1"),
        ("Regular Expression - Match", {"find_value": r"(?<n>x)\k<n>"}, r"refers back to a group, \k"),
        ("Regular Expression - Match", {"find_value": "(?<a-b>x)"}, "(?<a, which is not supported"),
        ("Regular Expression - Match", {"find_value": "(?x) a"}, "(?x), which is not supported"),
        ("Regular Expression - Match", {"find_value": "[a-z-[aeiou]]"}, "takes one set from another"),
        ("Regular Expression - Match", {"find_value": r"[^\W_]"}, "within [^ ], which is not supported"),
        ("Regular Expression - Match", {"find_value": "[a"}, "a [ without its ]"),
        ("Regular Expression - Match", {"find_value": "(a"}, "cannot be used: missing )"),
        ("Regular Expression - Match", {"find_value": "a)"}, "cannot be used: unexpected )"),
        ("Regular Expression - Match", {"find_value": "a\\"}, "ends with a backslash"),
        ("Regular Expression - Match", {"find_value": r"\Ga"}, r"\G, which is not supported"),
        ("Regular Expression - Match", {"find_value": "a{1001}"}, "invalid repetition size"),
        ("Regular Expression - Match", {"find_value": r"(?:(\d)-?)+"}, "repeats a group"),
        ("Regular Expression - Match", {"find_value": r"(\d){2}"}, "repeats a group"),
        ("Regular Expression - Replace", {"find_value": "(a)", "replace_value": "$2"}, "no such group"),
        ("Regular Expression - Replace", {"find_value": "(a)", "replace_value": "${b}"}, "no such group"),
        ("Regular Expression - Replace", {"find_value": "a", "replace_value": "$'"}, "$', which is not supported"),
        ("Date Formatting", {}, "give data_format or data_formatting_culture"),
        ("Date Formatting", {"data_format": "yyyy", "data_formatting_culture": "en-US"}, "not both"),
        ("Date Formatting", {"data_formatting_culture": "tlh"}, "the culture tlh is not known; known are cs-CZ, da-DK"),
        ("Date Formatting", {"data_format": "d"}, "d is a standard format"),
        ("Date Formatting", {"data_format": "dd MMM yyyy"}, "MMM, which is not supported"),
        ("Date Formatting", {"data_format": "MM/dd"}, "has no year"),
        ("Date Formatting", {"data_format": "yyyyMMddMM"}, "one part of a date or time twice"),
        ("Date Formatting", {"data_format": "yyyyMMdd hh"}, "needs tt with h"),
        ("Decimal Formatting", {"data_formatting_culture": "xx-XX"}, "the culture xx-XX is not known"),
        ("Round", {"precision": 0}, "greater than 0"),
        ("Round", {"precision": "1E+40"}, "no more than"),
        ("Round", {"precision": 1, "direction": "="}, "'nearest', 'up' or 'down'"),
        ("Field Lookup", {"table": [PAYMENT[0], PAYMENT[0]]}, '"30" stands twice'),
        ("Field Lookup", {"table": []}, "at least 1 item"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_when_it_is_read(
    kind: str, members: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        made(kind, **members)
    assert sentence in str(refused.value)


def test_a_line_has_its_rules_for_one_direction_and_survives_being_stored() -> None:
    stored = {"direction": "ToIntegrationTable", "rules": [{"type": "Trim"}, {"type": "Round", "precision": 0.01}]}
    line = LineTransformation.model_validate(stored)
    assert line.direction is Direction.TO_INTEGRATION_TABLE
    assert line.rules == (Trim(), Round(precision=Decimal("0.01")))
    assert LineTransformation.model_validate_json(line.model_dump_json()) == line
    for wrong in ({**stored, "direction": "Bidirectional"}, {**stored, "rules": []}):
        with pytest.raises(ValidationError):
            LineTransformation.model_validate(wrong)


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.decimals()
    | st.datetimes(timezones=st.just(UTC))
    | st.text(st.characters(), max_size=30)
    | st.text(" aAbB1.,-:/T’'ıİßΣς\u0301👍\ud800", max_size=20)
)
CHANGES_LETTERS = st.sampled_from([Uppercase(), Lowercase(), TitleCase(), Trim()])
RULES = CHANGES_LETTERS | st.sampled_from(
    [
        Substring(start_position=2, length=3),
        Substring(starting_text="a", ending_text="' '"),
        Replace(find_value="a", replace_value="aa"),
        RegularExpressionReplace(find_value=r"(\w)(\W)?|^$", replace_value="$2$1$1"),
        RegularExpressionMatch(find_value=r"\b[^\s.]|(?<x>\p{Lu}+)"),
        RemoveNonAlphanumeric(),
        DateFormatting(data_formatting_culture="en-US"),
        DateFormatting(data_format="d/M/yy", reverse=True),
        DateTimeFormatting(data_format="yyyyMMddHHmmss"),
        DateTimeFormatting(data_formatting_culture="en-US", reverse=True),
        DecimalFormatting(data_formatting_culture="fr-FR"),
        DecimalFormatting(data_formatting_culture="da-DK", reverse=True),
        FieldLookup(table=(LookupPair(source="a", target="b"),), not_found="original"),
        Round(precision=Decimal("0.07"), direction="up"),
    ]
)


@given(st.lists(RULES, max_size=4), VALUES)
def test_no_value_makes_a_chain_raise_and_no_empty_text_comes_out(rules: list[Transformation], value: Value) -> None:
    result = transform(rules, value)
    assert result != ""
    if isinstance(result, TransformationProblem):
        assert rules[result.number - 1].type == result.rule


@given(CHANGES_LETTERS, st.text(st.characters(exclude_categories=()), max_size=30))
def test_changing_letters_twice_changes_nothing_more_and_keeps_the_length(rule: Transformation, text: str) -> None:
    once = transform((rule,), text)
    assert not isinstance(once, TransformationProblem)
    assert transform((rule,), once) == once
    if not isinstance(rule, Trim):
        assert len(str(once or "")) == len(text)


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=4), st.sampled_from(["da-DK", "fr-FR", "en-US", ""]))
def test_a_number_survives_being_written_and_read_by_a_culture(number: Decimal, culture: str) -> None:
    chain = [DecimalFormatting(data_formatting_culture=culture, reverse=reverse) for reverse in (True, False)]
    assert Decimal(str(transform(chain, number))) == number


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(["da-DK", "sv-SE", "en-US", "de-DE"]))
def test_a_time_survives_being_written_and_read_by_a_culture(time: datetime, culture: str) -> None:
    chain = [DateTimeFormatting(data_formatting_culture=culture, reverse=reverse) for reverse in (True, False)]
    assert transform(chain, time) == f"{time.replace(microsecond=0, tzinfo=None).isoformat()}Z"


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=6), st.sampled_from(["0.01", "0.25", "3", "1000"]))
def test_rounding_stays_within_the_precision(number: Decimal, precision: str) -> None:
    step = Decimal(precision)
    up, down, nearest = (
        transform((made("Round", precision=step, direction=way),), number) for way in ("up", "down", "nearest")
    )
    assert isinstance(up, Decimal)
    assert isinstance(down, Decimal)
    assert nearest in (up, down)
    assert abs(down) <= abs(number) <= abs(up)
    assert abs(up) - abs(down) in (0, step)
    assert up % step == down % step == 0


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^(a+)+$", "a" * LONG + "b"),
        (r"^(a|aa)+$", "a" * LONG + "b"),
        (r"(.*)*x", "a" * LONG),
        (r"(a?){50}a{50}x", "a" * LONG),
        (r"(\w+\s?)+!", "word " * (LONG // 5)),
    ],
)
def test_no_pattern_runs_away_on_a_long_text(pattern: str, text: str) -> None:
    """A backtracking engine would need longer than the universe has lasted for most of these."""
    rule = RegularExpressionReplace(find_value=pattern, replace_value="!")
    short, whole = text[-LONG // 10 :], text[-LONG:]
    assert transform((rule,), short) == short
    started = process_time()
    assert transform((rule,), whole) == whole
    assert process_time() - started < 5


@pytest.mark.parametrize(
    ("rule", "before", "expected"),
    [
        (Uppercase(), "aß", "Aß"),
        (Lowercase(), "AΣ", "aσ"),
        (TitleCase(), "a ", "A "),
        (TitleCase(), "aB", "ab"),
        (RemoveNonAlphanumeric(), "a-", "a"),
        (Replace(find_value="a", replace_value="bb"), "a.", "bb."),
        (RegularExpressionReplace(find_value="a", replace_value="bb"), "a.", "bb."),
        (RegularExpressionMatch(find_value="(a)"), "a.", "a"),
    ],
    ids=lambda part: part.type if not isinstance(part, str) else "",
)
def test_a_very_long_text_goes_through_every_rule(rule: Transformation, before: str, expected: str) -> None:
    started = process_time()
    result = str(transform((rule,), before * (LONG // 2)))
    assert process_time() - started < 5
    assert result.casefold() == (expected * (LONG // 2)).casefold()


def dates(**members: object) -> Transformation:
    return made("Date Formatting", **members)


def decimals(**members: object) -> Transformation:
    return made("Decimal Formatting", **members)


def swap(find: str, replace: str) -> Transformation:
    return Replace(find_value=find, replace_value=replace)


def lookup(*pairs: tuple[str, str], **members: object) -> Transformation:
    return made("Field Lookup", table=[{"source": source, "target": target} for source, target in pairs], **members)


GERMAN = {"data_formatting_culture": "de-DE"}


@pytest.mark.parametrize(
    ("there", "back", "named", "example"),
    [
        (
            Uppercase(),
            None,
            "Rule 1 towards Dataverse (Uppercase)",
            '"Contoso ab" in Business Central becomes "CONTOSO AB"',
        ),
        (Uppercase(), Lowercase(), "Rule 1 towards Dataverse (Uppercase)", 'comes back as "contoso ab"'),
        (None, TitleCase(), "Rule 1 towards Business Central (Title Case)", '"contoso ab" in Dataverse becomes'),
        (Trim(), Trim(), "(Trim)", '" Contoso"'),
        (Substring(start_position=4, length=3), None, "(Substring)", '"xxxyyyz"'),
        (Substring(starting_text="("), None, "(Substring)", '"(yz"'),
        (RegularExpressionMatch(find_value="(x)"), None, "(Regular Expression - Match)", "comes back as a blank"),
        (RemoveNonAlphanumeric(), None, "(Remove Non-Alphanumeric Characters)", '"AB1"'),
        (made("Round", precision=0.01), None, "(Round)", '"0.0125"'),
        (swap("&", "and"), None, "(Replace)", '"x&y" in Business Central becomes "xandy" in Dataverse'),
        (swap("&", "and"), swap("and", "&"), "(Replace)", 'comes back as "x&y"'),
        (
            RegularExpressionReplace(find_value="^$", replace_value="n/a"),
            None,
            "(Regular Expression - Replace)",
            '"n/a"',
        ),
        (dates(**GERMAN), None, "(Date Formatting)", '"31.01.2024" in Business Central becomes "2024-01-31"'),
        (decimals(**GERMAN), None, "(Decimal Formatting)", 'comes back as "1234.5"'),
        (decimals(**GERMAN), dates(**GERMAN), "(Decimal Formatting)", '"1234,5"'),
        (lookup(("a", "b")), lookup(("b", "c")), "(Field Lookup)", 'comes back as "c"'),
        (lookup(("a", "c"), ("b", "c")), lookup(("c", "a")), "(Field Lookup)", '"b" in Business Central becomes "c"'),
        (lookup(("a", "b")), None, "(Field Lookup)", '"a"'),
        (lookup(("a", "b"), not_found="blank"), lookup(("b", "a")), "(Field Lookup)", '"b"'),
        (lookup(("a", "b")), lookup(("x", "y")), "cannot come back", 'Rule 1 (Field Lookup): "b" is not among'),
    ],
)
def test_what_does_not_survive_is_told_with_its_rule_and_an_example(
    there: Transformation | None, back: Transformation | None, named: str, example: str
) -> None:
    problem = round_trip_problem([there] if there else [], [back] if back else [])
    assert problem is not None
    assert named in problem
    assert example in problem


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ([], []),
        ([dates(**GERMAN)], [dates(**GERMAN, reverse=True)]),
        ([made("Date and Time Formatting", **GERMAN)], [made("Date and Time Formatting", **GERMAN, reverse=True)]),
        ([decimals(**GERMAN)], [decimals(**GERMAN, reverse=True)]),
        ([lookup(("a", "b"), ("b", "a"))], [lookup(("a", "b"), ("b", "a"))]),
        (
            [lookup(("a", "b"), ("b", "a"), not_found="original")],
            [lookup(("a", "b"), ("b", "a"), not_found="original")],
        ),
        ([Replace(find_value="\u2603", replace_value="\u2603")], []),
    ],
)
def test_rules_that_lead_back_survive(there: list[Transformation], back: list[Transformation]) -> None:
    assert round_trip_problem(there, back) is None


def test_the_worst_rule_of_a_chain_is_named() -> None:
    problem = round_trip_problem([swap("o", "0"), Lowercase()], [swap("0", "o")])
    assert problem is not None
    assert problem.startswith("Rule 2 towards Dataverse (Lowercase)")


def test_case_and_outer_spaces_do_no_harm_to_a_code() -> None:
    for rule in (Uppercase(), Lowercase(), Trim()):
        assert round_trip_problem([rule], [], business_central=ColumnKind.CODE) is None
        assert round_trip_problem([], [rule], dataverse=ColumnKind.CODE) is None
    assert round_trip_problem([RemoveNonAlphanumeric()], [], business_central=ColumnKind.CODE) is not None


@pytest.mark.parametrize(
    ("kind", "there", "back"),
    [
        (ColumnKind.DATE, dates(**GERMAN, reverse=True), dates(**GERMAN)),
        (ColumnKind.DECIMAL, decimals(**GERMAN, reverse=True), decimals(**GERMAN)),
        (ColumnKind.BOOLEAN, lookup(("true", "Yes"), ("false", "No")), lookup(("Yes", "true"), ("No", "false"))),
    ],
)
def test_values_of_other_kinds_can_be_kept_as_text_on_the_other_side(
    kind: ColumnKind, there: Transformation, back: Transformation
) -> None:
    assert round_trip_problem([there], [back], business_central=kind) is None
    assert round_trip_problem([there], [], business_central=kind) is not None


def test_rounding_a_number_both_ways_still_loses() -> None:
    rule = made("Round", precision=1)
    kinds = {"business_central": ColumnKind.DECIMAL, "dataverse": ColumnKind.DECIMAL}
    assert "(Round)" in str(round_trip_problem([rule], [rule], **kinds))


def test_the_values_of_the_caller_are_tried_too() -> None:
    rules = [RegularExpressionReplace(find_value="^zz$", replace_value="y")]
    back = [RegularExpressionReplace(find_value="^(y|\\^zz\\$)$", replace_value="$1")]
    assert '"zz"' in str(round_trip_problem(rules, back, ["zz"]))


@settings(max_examples=50)
@given(st.lists(RULES, max_size=3), st.lists(RULES, max_size=3), st.lists(VALUES, max_size=3))
def test_judging_a_round_trip_never_raises(
    there: list[Transformation], back: list[Transformation], samples: list[Value]
) -> None:
    problem = round_trip_problem(there, back, samples)
    assert problem is None or "way there and back" in problem


def test_composed_and_decomposed_letters_stay_what_they_are() -> None:
    for form in ("NFC", "NFD"):
        assert after("Uppercase", normalize(form, "éü")) == normalize(form, "ÉÜ")
