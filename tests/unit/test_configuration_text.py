"""Configuration files: what is read, what is refused and in which words, and that what is written is read as it was."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared.defaults import standard_mappings
from shared.services.configuration_text import DEEPEST, LARGEST, MOST, TextError, read_text
from shared.services.configuration_writing import configuration_document, configuration_yaml


def read(text: str) -> Any:
    return read_text(text.encode()).value


# What stands in the file, and what it says.
SCALARS: dict[str, Any] = {
    "no": "no",
    "off": "off",
    "Yes": "Yes",
    "true": True,
    "False": False,
    "null": None,
    "~": None,
    "": None,
    "12": 12,
    "-7": -7,
    "007": 7,
    "1_000": "1_000",
    "0x1F": "0x1F",
    "0o17": "0o17",
    "12:30:45": "12:30:45",
    "2026-11-21": "2026-11-21",
    "1.5": 1.5,
    "1e3": 1000.0,
    ".inf": ".inf",
    "9" * 400: "9" * 400,
    "'12'": "12",
    '"true"': "true",
    "type eq 'Person'": "type eq 'Person'",
    "=": "=",
    "plain text": "plain text",
}


@pytest.mark.parametrize("text", SCALARS)
def test_a_value_means_what_it_looks_like(text: str) -> None:
    found = read(f"member: {text}\n")["member"]
    assert (found, type(found)) == (SCALARS[text], type(SCALARS[text]))


def test_the_name_of_a_member_is_always_a_text() -> None:
    assert read("{no: 1, 12: 2, true: 3, 2026-01-01: 4, <<: 5}") == {
        "no": 1,
        "12": 2,
        "true": 3,
        "2026-01-01": 4,
        "<<": 5,
    }


def test_each_value_has_its_line() -> None:
    source = read_text(
        b"# a comment\nversion: 1\nmappings:\n  - name: A\n    fields:\n      - {x: 1,\n         y: 2}\n"
    )
    lines = {(): 2, ("mappings", 0): 4, ("mappings", 0, "fields", 0, "y"): 7, ("mappings", 0, "missing"): 4}
    assert {path: source.line_of(path) for path in lines} == lines


def test_the_same_in_json_has_no_lines() -> None:
    source = read_text(b'\xef\xbb\xbf{"version": 1, "text": "\\ud83d\\ude00"}', is_json=True)
    assert (source.value, source.line_of(("version",))) == ({"version": 1, "text": "\U0001f600"}, None)


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
# What is in the file, and what is said about it.
REFUSED: dict[str, tuple[bytes, str]] = {
    "a bomb of aliases": (BOMB.encode(), "^Line 1: anchors and aliases"),
    "an alias of nothing": (b"a: *nowhere", "^Line 1: (anchors and aliases|no YAML)"),
    "an anchor on a member": (b"version: 1\n&x name: 1", "^Line 2: anchors"),
    "an object of Python": (b"a: 1\nb: !!python/object/apply:os.system ['true']", "^Line 2: tags"),
    "a tag on a list": (b"!!set {a, b}", "^Line 1: tags"),
    "a tag of its own": (b"a: !secret x", "^Line 1: tags"),
    "a binary": (b"a: !!binary aGVsbG8=", "^Line 1: tags"),
    "a member twice": (b"a: 1\nb: 2\na: 3", "^Line 3: the member a is there twice"),
    "a list as a name": (b"? [a, b]\n: 1", "^Line 1: the name of a member"),
    "two documents": (b"a: 1\n---\nb: 2", "^Line [23]: there is a second document"),
    "deep nesting": (b"[" * 5_000, "nested too deeply|no YAML"),
    "just too deep": (b"[" * (DEEPEST + 2) + b"]" * (DEEPEST + 2), "^Line 1: it is nested too deeply"),
    "too many values": (b"[" + b"1," * (MOST + 1) + b"]", f"more than {MOST} values"),
    "a file without end": (b"a" * (LARGEST + 1), f"{LARGEST} are the most"),
    "an open bracket": (b"a: [1, 2\nb: 3", "^Line [12]: no YAML: "),
    "a tab": (b"a:\n\tb: 1", "^Line 2: no YAML: "),
    "wrong indentation": (b"a: 1\n  b: 2", "^Line 2: no YAML: "),
    "no UTF-8": (b"a: \xff\xfe", "not UTF-8"),
    "a control character": (b"a: \x00", "(?i)no YAML: "),
    "half an escape": (b'a: "\\', "no YAML: "),
    "a directive of the future": (b"%YAML 7.0\n---\na: 1", "no YAML: "),
}


@pytest.mark.parametrize("case", REFUSED)
def test_hostile_files_are_refused_in_one_sentence(case: str) -> None:
    raw, words = REFUSED[case]
    with pytest.raises(TextError) as refused:
        read_text(raw)
    assert re.search(words, str(refused.value))
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


REFUSED_JSON: dict[str, tuple[bytes, str]] = {
    "no JSON": (b'{"a": 1,}', "^Line 1: no JSON: "),
    "YAML": (b"a: 1", "^Line 1: no JSON: "),
    "a member twice": (b'{"a": {"b": 1, "b": 2}}', "The member b is there twice"),
    "deep nesting": (b"[" * 400_000, "nested too deeply"),
    "not a number": (b'{"a": NaN}', "NaN is no JSON"),
    "a number without end": (b'{"a": ' + b"9" * 5_000 + b"}", "thousands of digits"),
    "half a character": (b'{"a": "\\ud800"}', "half a character"),
    "half a character as a name": (b'{"\\udfff": 1}', "half a character"),
}


@pytest.mark.parametrize("case", REFUSED_JSON)
def test_the_same_for_json(case: str) -> None:
    raw, words = REFUSED_JSON[case]
    with pytest.raises(TextError, match=words):
        read_text(raw, is_json=True)


scalars = st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text()
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4)
)


@given(documents)
def test_what_is_written_is_read_as_it_was(document: Any) -> None:
    text = configuration_yaml({"value": document}, "default")
    assert read(text)["value"] == document
    assert yaml.safe_load(text)["value"] == document, "by a reader of YAML 1.1, too"


def test_a_file_is_as_people_would_write_it() -> None:
    text = configuration_yaml(configuration_document(standard_mappings()), "default")
    lines = text.splitlines()
    assert "      - {business_central: displayName, dataverse: name}" in lines
    assert "    business_central: {table: customers, filter: blocked eq ' '}" in lines
    assert max(map(len, lines)) <= 120
    assert not any("enabled" in line or "synch_only" in line for line in lines), "what is so by default is left out"
    assert text.startswith("# Configuration of the connection default")
