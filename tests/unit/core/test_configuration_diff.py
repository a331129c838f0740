"""How two versions of a mapping differ, as people are told."""

from __future__ import annotations

import pytest

from shared.core.configuration_diff import MemberChange, differences
from shared.core.mapping import FieldMapping, Mapping, MappingTable, Template
from shared.core.sides import Direction, Side
from shared.defaults import standard_mappings

NAME = FieldMapping(business_central="displayName", dataverse=("name",))
PHONE = FieldMapping(business_central="phoneNumber", dataverse=("telephone1",))
KIND = FieldMapping(dataverse=("customertypecode",), constant=3, direction=Direction.TO_INTEGRATION_TABLE)
TEMPLATE = Template(name="DE", side=Side.DATAVERSE, values={"address1_country": "DE"})
MAPPING = Mapping(
    name="CUSTOMER",
    business_central=MappingTable(table="customers"),
    dataverse=MappingTable(table="account"),
    direction=Direction.BIDIRECTIONAL,
    fields=(KIND, NAME, PHONE),
)


def changed(**values: object) -> Mapping:
    return MAPPING.model_copy(update=values)


CASES = {
    "nothing": (changed(), []),
    "a flag": (changed(enabled=False), [("enabled", True, False)]),
    "a filter": (
        changed(dataverse=MappingTable(table="account", filter="statecode eq 0")),
        [("dataverse.filter", "", "statecode eq 0")],
    ),
    "a line's flag": (
        changed(fields=(KIND, NAME.model_copy(update={"enabled": False}), PHONE)),
        [("fields.displayName.enabled", True, False)],
    ),
    "a line less": (changed(fields=(KIND, NAME)), [("fields.phoneNumber", PHONE.model_dump(mode="json"), None)]),
    "lines in another order": (
        changed(fields=(NAME, KIND, PHONE)),
        [
            (
                "fields",
                ["customertypecode", "displayName", "phoneNumber"],
                ["displayName", "customertypecode", "phoneNumber"],
            )
        ],
    ),
    "a template more": (
        changed(templates=(TEMPLATE,)),
        [("templates", None, {"DE": TEMPLATE.model_dump(mode="json")})],
    ),
    "the minutes": (changed(interval_minutes=5), [("interval_minutes", None, 5)]),
}


@pytest.mark.parametrize("case", CASES)
def test_only_what_differs_is_told(case: str) -> None:
    after, expected = CASES[case]
    assert differences(MAPPING, after) == tuple(MemberChange(*one) for one in expected)
    back = tuple(MemberChange(one[0], one[2], one[1]) for one in expected)
    assert differences(after, MAPPING) == back


def test_two_lines_of_the_same_field_are_told_apart() -> None:
    twice = changed(fields=(NAME, NAME))
    (told,) = differences(twice, changed(fields=(NAME, NAME.model_copy(update={"not_null": True}))))
    assert told == MemberChange("fields.displayName (2).not_null", False, True)


def test_of_a_new_mapping_everything_is_told_that_is_not_so_by_default() -> None:
    told = {one.member: one.after for one in differences(None, MAPPING)}
    assert list(told) == ["name", "business_central", "dataverse", "direction", "fields"]
    assert all(one.after is None for one in differences(MAPPING, None))


@pytest.mark.parametrize("mapping", standard_mappings(), ids=lambda one: one.name)
def test_a_mapping_does_not_differ_from_itself(mapping: Mapping) -> None:
    assert differences(mapping, Mapping.model_validate_json(mapping.model_dump_json())) == ()
