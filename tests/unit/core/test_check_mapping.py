"""Everything that is wrong with a mapping is found before it is saved, with its member and its code."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.check_mapping import problems_of
from shared.core.mapping import FieldMapping, Mapping, MappingTable, Template
from shared.core.sides import Direction, Side
from shared.defaults import standard_mappings, standard_tables

TABLES = standard_tables()
CUSTOMER = next(mapping for mapping in standard_mappings() if mapping.name == "CUSTOMER")


def found(mapping: Mapping) -> list[tuple[str, str]]:
    """Code and member of every problem."""
    tables = {side: TABLES[(side, mapping.table(side).table)] for side in Side}
    return [(problem.code, problem.member) for problem in problems_of(mapping, tables)]


@pytest.mark.parametrize("mapping", standard_mappings(), ids=lambda mapping: mapping.name)
def test_the_standard_mappings_are_sound(mapping: Mapping) -> None:
    assert found(mapping) == []


def line(**members: Any) -> FieldMapping:
    """A line like the one for the name, with these members."""
    return FieldMapping.model_validate({"business_central": "displayName", "dataverse": "name", **members})


UPPER = {"direction": "ToIntegrationTable", "rules": [{"type": "Uppercase"}]}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"dataverse": MappingTable(table="account", filter="name eq")}, ("invalid_filter", "dataverse_filter")),
        ({"dataverse": MappingTable(table="account", filter="colour eq 1")}, ("unknown_column", "dataverse_filter")),
        ({"fields": (line(business_central="colour"),)}, ("unknown_column", "fields.colour")),
        ({"fields": (line(dataverse="createdon"),)}, ("read_only_column", "fields.displayName")),
        (
            {"fields": (line(not_null=True, clear_value_on_failed_sync=True),)},
            ("contradiction", "fields.displayName"),
        ),
        (
            {"fields": (line(reference={"kind": "currency", "options": {"A": 1}}),)},
            ("contradiction", "fields.displayName"),
        ),
        ({"fields": (line(transformations=[UPPER]),)}, ("transformation_loses", "fields.displayName")),
        ({"fields": (line(direction=Direction.TO_INTEGRATION_TABLE),)}, ("no_field_mapping", "direction")),
        ({"match_by": (("colour",),)}, ("unknown_field", "match_by")),
        (
            {"templates": (Template(name="T", side=Side.DATAVERSE, values={"colour": 1}),)},
            ("unknown_column", "templates.T"),
        ),
        (
            {"templates": (Template(name="T", side=Side.DATAVERSE, values={"createdon": "x"}),)},
            ("read_only_column", "templates.T"),
        ),
        (
            {"templates": (Template(name="T", side=Side.DATAVERSE, filter="name eq 'x'", values={"fax": "1"}),)},
            ("unknown_column", "templates.T"),
        ),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_named(change: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in found(CUSTOMER.model_copy(update=change))


def test_a_one_way_line_may_lose_what_it_likes() -> None:
    lines = (line(transformations=[UPPER], direction=Direction.TO_INTEGRATION_TABLE), *CUSTOMER.fields)
    assert found(CUSTOMER.model_copy(update={"fields": lines})) == []
