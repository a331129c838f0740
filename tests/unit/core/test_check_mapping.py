"""Everything that is wrong with a mapping is found before it is saved, with its member and its code.

Whole mappings, many of them faulty, are in `tests.unit.custom_mappings`; they go through HTTP, too.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from shared.core.check_mapping import problems_of, problems_of_name
from shared.core.check_together import problems_among, users_of
from shared.core.conversions import CONVERTS, complaint_about
from shared.core.filters import demands_of
from shared.core.mapping import FieldMapping, Mapping, MappingTable, Template
from shared.core.mapping_problem import MappingProblem
from shared.core.sides import Direction, Side
from shared.core.tables import Column, ColumnKind, Table, Value
from shared.core.transfer import carry
from shared.defaults import extra_lines, standard_mappings, standard_tables
from shared.services.forms.mappings import MappingBody
from tests.unit.custom_mappings import FAULTY, ITEM_PRODUCT, UOM_MAPPING, Faulty
from tests.unit.custom_mappings import TABLES as CUSTOM

TABLES = {**standard_tables(), **{(table.side, table.name): table for table in CUSTOM}}
STANDARD = standard_mappings()
CUSTOMER = next(mapping for mapping in STANDARD if mapping.name == "CUSTOMER")
BC, DV = Side.BUSINESS_CENTRAL, Side.DATAVERSE
BY_SERVICE = ("no_such_table", "filter_refused")
"""What only a service can tell."""


def all_found(mapping: Mapping, others: tuple[Mapping, ...] = ()) -> list[MappingProblem]:
    tables = {side: TABLES[(side, mapping.table(side).table)] for side in Side}
    return [*problems_of_name(mapping.name), *problems_of(mapping, tables), *problems_among(mapping, others, tables)]


def found(mapping: Mapping, others: tuple[Mapping, ...] = ()) -> list[tuple[str, str]]:
    """Code and member of every problem that hinders."""
    return [(one.code, one.member) for one in all_found(mapping, others) if not one.warning]


def mapping_of(body: dict[str, Any]) -> Mapping:
    given = MappingBody.model_validate(body)
    return Mapping.model_construct(**{name: getattr(given, name) for name in Mapping.model_fields})


UOM = mapping_of(UOM_MAPPING)
PURE = [one for one in FAULTY if not {code for code, _, _ in one.problems} & {*BY_SERVICE} and "codes" not in one.name]


@pytest.mark.parametrize("faulty", PURE, ids=lambda faulty: faulty.name)
def test_a_faulty_mapping_has_just_these_problems(faulty: Faulty) -> None:
    problems = [one for one in all_found(mapping_of(faulty.body), (*STANDARD, UOM)) if not one.warning]
    assert [(one.code, one.member) for one in problems] == [one[:2] for one in faulty.problems]
    for problem, (_, _, part) in zip(problems, faulty.problems, strict=True):
        assert part in problem.message


def test_the_mapping_that_the_faulty_ones_are_made_of_is_sound() -> None:
    assert all_found(mapping_of(ITEM_PRODUCT), (*STANDARD, UOM)) == []


@pytest.mark.parametrize("mapping", STANDARD, ids=lambda mapping: mapping.name)
def test_the_standard_mappings_are_sound_with_and_without_the_extra_lines(mapping: Mapping) -> None:
    assert found(mapping, STANDARD) == []
    more = mapping.model_copy(update={"fields": (*mapping.fields, *extra_lines().get(mapping.name, ()))})
    assert found(more, STANDARD) == []
    assert {one.code for one in all_found(more, STANDARD)} <= {"may_be_too_long"}


def line(**members: Any) -> FieldMapping:
    """A line like the one for the name, with these members."""
    return FieldMapping.model_validate({"business_central": "displayName", "dataverse": "name", **members})


UPPER = {"direction": "ToIntegrationTable", "rules": [{"type": "Uppercase"}]}
TRUNCATING = tuple(
    line(business_central=one.business_central, dataverse=one.dataverse, too_long="truncate")
    for one in CUSTOMER.fields
    if one.business_central == "displayName"
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"dataverse": MappingTable(table="account", filter="name eq")}, ("invalid_filter", "dataverse_filter")),
        ({"fields": (line(dataverse="createdon"),)}, ("read_only_column", "fields.displayName:createdon")),
        ({"fields": (line(reference={"kind": "currency", "options": {"A": 1}}),)}, ("contradiction", None)),
        ({"fields": (line(direction=Direction.TO_INTEGRATION_TABLE),)}, ("no_field_mapping", "direction")),
        (
            {"templates": (Template(name="T", side=DV, filter="name eq 'x'", values={"fax": "1"}),)},
            ("unknown_column", "templates.T"),
        ),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, tuple) else "",
)
def test_what_is_wrong_with_a_standard_mapping_is_named(change: dict[str, Any], expected: tuple[str, str]) -> None:
    code, member = expected
    assert (code, member or "fields.displayName:name") in found(CUSTOMER.model_copy(update=change))


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        ((line(),), {"may_be_too_long"}),
        (TRUNCATING, set()),
        ((line(transformations=[UPPER]),), {"may_be_too_long", "transformation_loses"}),
        ((line(transformations=[UPPER], direction=Direction.TO_INTEGRATION_TABLE),), set()),
    ],
)
def test_what_is_unwise_is_a_warning(lines: tuple[FieldMapping, ...], codes: set[str]) -> None:
    mapping = CUSTOMER.model_copy(update={"fields": lines, "enabled": False})
    warnings = [one.code for one in all_found(mapping) if one.warning and one.code != "no_field_mapping"]
    assert set(warnings) == codes


# Conversions ----------------------------------------------------------------------------------------------------------

GUID = "37fe3458-93e1-ef11-9344-6045bde9ca09"
SAMPLES: dict[ColumnKind, tuple[Value, ...]] = {
    ColumnKind.TEXT: ("12", "-1.5"),
    ColumnKind.CODE: ("12", "7"),
    ColumnKind.GUID: (GUID,),
    ColumnKind.LOOKUP: (GUID,),
    ColumnKind.CHOICE: (1,),
    ColumnKind.ENUM: ("1",),
    ColumnKind.INTEGER: (1, -3),
    ColumnKind.DECIMAL: (Decimal("1.5"),),
    ColumnKind.BOOLEAN: (True,),
    ColumnKind.DATE: ("2026-01-31",),
    ColumnKind.DATETIME: (datetime(2026, 1, 31, tzinfo=UTC),),
}


def is_canonical(kind: ColumnKind, value: Value) -> bool:
    """Whether a value is one that a column of this kind holds, as the table in `core.tables` says."""
    match kind:
        case ColumnKind.TEXT | ColumnKind.CODE | ColumnKind.ENUM:
            return isinstance(value, str)
        case ColumnKind.GUID | ColumnKind.LOOKUP:
            return value == GUID
        case ColumnKind.CHOICE:
            return type(value) is int
        case ColumnKind.INTEGER | ColumnKind.DECIMAL:
            whole = kind is ColumnKind.INTEGER
            return type(value) is int or (isinstance(value, Decimal) and (not whole or value % 1 != 0))
        case ColumnKind.BOOLEAN:
            return isinstance(value, bool)
        case ColumnKind.DATE:
            return isinstance(value, str) and len(value) == 10 and value[4] == "-"
        case _:
            return isinstance(value, datetime)


NEEDS_NUMBERS = {(one, ColumnKind.INTEGER) for one in (ColumnKind.TEXT, ColumnKind.CODE, ColumnKind.ENUM)}
FORBIDDEN = {
    (ColumnKind.GUID, ColumnKind.LOOKUP): "an id of one system means nothing in the other",
    (ColumnKind.LOOKUP, ColumnKind.GUID): "an id of one system means nothing in the other",
    (ColumnKind.CODE, ColumnKind.CODE): None,
    (ColumnKind.GUID, ColumnKind.CODE): "an id is no code",
    (ColumnKind.LOOKUP, ColumnKind.CODE): "an id is no code",
    (ColumnKind.GUID, ColumnKind.ENUM): "an id is no option",
    (ColumnKind.LOOKUP, ColumnKind.ENUM): "an id is no option",
    (ColumnKind.DATE, ColumnKind.CODE): "a date is no code",
    (ColumnKind.DATE, ColumnKind.ENUM): "a date is no option",
    (ColumnKind.DECIMAL, ColumnKind.INTEGER): "a fraction would be refused",
}


@pytest.mark.parametrize(("source", "destination"), list(product(ColumnKind, ColumnKind)), ids=str)
def test_what_converts_is_what_the_transfer_makes_a_value_of(source: ColumnKind, destination: ColumnKind) -> None:
    left, right = Column(name="a", kind=source), Column(name="b", kind=destination)
    tables = {
        side: Table(name="t", side=side, caption="T", entity_set="t", key="id", columns=(column,))
        for side, column in ((BC, left), (DV, right))
    }
    one = FieldMapping(business_central="a", dataverse=("b",))
    made = [carry(one, BC, {"a": value}, tables, {}) for value in SAMPLES[source]]
    fits = all(isinstance(values, dict) and is_canonical(destination, values["b"]) for values in made)
    if FORBIDDEN.get((source, destination)):
        assert destination not in CONVERTS[source]
    else:
        assert (destination in CONVERTS[source]) == fits, made


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (ColumnKind.TEXT, ["x", 1, True], ["x" * 6]),
        (ColumnKind.CODE, ["X"], [1, True, "x" * 6]),
        (ColumnKind.ENUM, ["Gold"], ["Iron", 1, True]),
        (ColumnKind.CHOICE, [1], [2, "1", True]),
        (ColumnKind.INTEGER, [1, "12"], ["1.5", "x", True]),
        (ColumnKind.DECIMAL, [1, "1.5"], ["x", True, "NaN"]),
        (ColumnKind.BOOLEAN, [True, False], [1, "true"]),
        (ColumnKind.GUID, [GUID], ["x", 1]),
        (ColumnKind.LOOKUP, [GUID], ["x"]),
        (ColumnKind.DATE, ["2026-01-31"], ["31.01.2026", 1, "20260131"]),
        (ColumnKind.DATETIME, [], ["2026-01-31T00:00:00Z"]),
    ],
)
def test_a_constant_must_fit_its_column(kind: ColumnKind, good: list[Any], bad: list[Any]) -> None:
    column = Column(name="c", kind=kind, max_length=5, members=("Gold",), options={1: "One"})
    assert [one for one in good if complaint_about(column, one) is not None] == []
    assert [one for one in bad if complaint_about(column, one) is None] == []


# Beside each other ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "demands"),
    [
        ("", {}),
        ("statecode eq 0 and customertypecode eq 3", {"statecode": {0}, "customertypecode": {3}}),
        ("name in ('A', 'b')", {"name": {"a", "b"}}),
        ("name in ('A', 'b') and name eq 'B'", {"name": {"b"}}),
        ("name eq 'a' and name eq 'b'", {"name": set()}),
        ("_parent_value eq null", {"parent": {None}}),
        ("statecode eq 0 or customertypecode eq 3", {}),
        ("statecode eq 0 and (name eq 'a' or name eq 'b')", {"statecode": {0}}),
        ("not statecode eq 0 and revenue gt 5 and statecode ne 1", {}),
        ("blocked eq false and contains(name,'x')", {"blocked": {False}}),
        ("blocked eq ' '", {"blocked": {None}}),
    ],
)
def test_a_filter_demands_what_all_its_conditions_demand(expression: str, demands: dict[str, set[object]]) -> None:
    assert demands_of(expression) == demands


def twin(**changes: Any) -> Mapping:
    return CUSTOMER.model_copy(update={"name": "TWIN", **changes})


def accounts(condition: str) -> MappingTable:
    return MappingTable(table="account", filter=condition)


def test_two_mappings_may_share_a_table_while_their_filters_exclude_each_other() -> None:
    assert found(twin(), STANDARD) == [("same_tables", "dataverse.table")]
    blocked = MappingTable(table="customers", filter="blocked eq 'All'")
    apart = twin(dataverse=accounts("customertypecode eq 1"), business_central=blocked)
    assert found(apart, STANDARD) == []
    in_doubt = twin(dataverse=accounts("customertypecode ne 3"), business_central=blocked)
    assert "column_owned_twice" in {code for code, _ in found(in_doubt, STANDARD)}
    same_customers = twin(dataverse=accounts("customertypecode eq 1"))
    assert ("column_owned_twice", "fields.displayName:name") in found(same_customers, STANDARD)


def test_mappings_get_in_each_others_way_only_while_both_are_enabled() -> None:
    assert found(twin(enabled=False), STANDARD) == []
    idle = tuple(one.model_copy(update={"enabled": False}) for one in STANDARD)
    assert found(twin(), idle) == []
    assert "same_tables" in [one.code for one in all_found(twin(), idle) if one.warning]


def test_a_column_has_two_owners_only_where_both_write_it_again_and_again() -> None:
    contacts = MappingTable(table="contacts")
    other = twin(business_central=contacts, depends_on=(), match_by=(), block_when_inactive=False)

    def codes(**members: Any) -> set[str]:
        return {code for code, _ in found(other.model_copy(update={"fields": (line(**members),)}), (CUSTOMER,))}

    to = Direction.TO_INTEGRATION_TABLE
    one_way = other.model_copy(update={"direction": to, "fields": (line(direction=to),)})
    assert [code for code, _ in found(one_way, (CUSTOMER,))] == ["column_owned_twice"]
    assert "column_owned_twice" not in codes(direction=Direction.FROM_INTEGRATION_TABLE)
    assert "column_owned_twice" not in codes(new_rows_only=True)
    assert "column_owned_twice" not in codes(dataverse="fax")
    assert "column_owned_twice" not in codes(enabled=False)


def test_a_loop_of_lookups_is_none_where_one_of_them_may_fail() -> None:
    reference = {"kind": "coupled_record", "mappings": ["ITEM-PRODUCT"]}
    to_item = {
        "business_central": "code",
        "dataverse": "name",
        "direction": "ToIntegrationTable",
        "reference": reference,
    }
    item = mapping_of(ITEM_PRODUCT)
    waiting = mapping_of({**UOM_MAPPING, "fields": [to_item]})
    failing = mapping_of({**UOM_MAPPING, "fields": [{**to_item, "clear_value_on_failed_sync": True}]})
    disabled = mapping_of({**UOM_MAPPING, "fields": [{**to_item, "enabled": False}]})
    assert "dependency_loop" in {code for code, _ in found(waiting, (item,))}
    assert "dependency_loop" not in {code for code, _ in found(failing, (item,))}
    assert "dependency_loop" not in {code for code, _ in found(disabled, (item,))}
    assert users_of("UOM", (item, waiting)) == ["ITEM-PRODUCT"]
    assert users_of("ITEM-PRODUCT", (item, disabled)) == ["UOM"]
