"""Whatever stands in a configuration file: each fault is told with its place, and nothing makes the reader stumble."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.configuration_file import Path, path_of, read_configuration
from shared.core.mapping import Mapping
from shared.defaults import standard_mappings
from shared.services.configuration_writing import configuration_document

STANDARD = configuration_document(standard_mappings())

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
)


def places(value: Any, path: Path = ()) -> list[Path]:
    """Where something stands in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for step, one in inner for place in places(one, (*path, step)))]


def replaced(path: Path, value: Any) -> Any:
    """The standard document with another value at one place."""
    if not path:
        return value
    document = copy.deepcopy(STANDARD)
    parent: Any = document
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = value
    return document


PLACES = places(STANDARD)


def test_the_standard_document_is_read_whole() -> None:
    said = read_configuration(STANDARD)
    entries, faults = said.entries, said.faults
    assert faults == []
    assert {entry.mapping.name: entry.mapping for entry in entries} == {one.name: one for one in standard_mappings()}
    assert [entry.path for entry in entries] == [("mappings", position) for position in range(len(entries))]


@given(values)
def test_any_document_is_read_or_faulty(document: Any) -> None:
    said = read_configuration(document)
    entries, faults = said.entries, said.faults
    assert faults or document == {"version": 1, "mappings": []} or entries


@given(st.sampled_from(PLACES), values)
def test_a_value_in_the_wrong_place_is_told_at_its_place_or_around_it(path: Path, value: Any) -> None:
    faults = read_configuration(replaced(path, value)).faults
    common = [fault for fault in faults if fault.path[: len(path)] == path or path[: len(fault.path)] == fault.path]
    assert common == faults or {fault.path[-1] for fault in faults if fault not in common} <= {"name"}
    assert all(fault.message.endswith(".") for fault in faults)


def test_two_of_one_name_are_one_too_many() -> None:
    faults = read_configuration({"version": 1, "mappings": [STANDARD["mappings"][0]] * 2}).faults
    assert [(fault.path, fault.message) for fault in faults] == [(("mappings", 1, "name"), "CURRENCY is there twice.")]


CUSTOMER = next(one for one in standard_mappings() if one.name == "CUSTOMER")


@pytest.mark.parametrize(
    ("member", "path"),
    [
        ("enabled", ("enabled",)),
        ("dataverse_filter", ("dataverse", "filter")),
        ("business_central.table", ("business_central", "table")),
        ("fields.displayName:name", ("fields", 2)),
        ("fields.displayName:name.enabled", ("fields", 2)),
        ("fields.nothing:here", ("fields",)),
        ("templates.nothing", ("templates",)),
    ],
)
def test_what_a_check_names_is_found_in_the_file(member: str, path: Path) -> None:
    assert path_of(member, CUSTOMER) == path


@pytest.mark.parametrize("mapping", standard_mappings(), ids=lambda one: one.name)
def test_what_is_left_out_is_so_by_default(mapping: Mapping) -> None:
    (document,) = configuration_document([mapping])["mappings"]
    (entry,) = read_configuration({"version": 1, "mappings": [document]}).entries
    assert entry.mapping == mapping
