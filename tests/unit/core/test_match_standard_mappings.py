"""The standard mappings: what they match by, and by which traits their leftovers are compared."""

from __future__ import annotations

import pytest

from shared.core.likeness import trait_fields
from shared.core.mapping import Mapping
from shared.core.match_criteria import criteria_of
from shared.core.match_index import MatchIndex
from shared.core.match_plan import match
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.tables import Table, Values
from shared.defaults import standard_mappings, standard_tables
from tests.unit.core.matching_oracle import bc_id, dv_id
from tests.unit.core.tables import BC, DV

MAPPINGS = {mapping.name: mapping for mapping in standard_mappings()}
ADA = {"firstname": "Ada", "middlename": None, "lastname": "Lovelace", "emailaddress1": "ada@x.example"}


def tables_of(mapping: Mapping) -> dict[Side, Table]:
    return {side: standard_tables()[(side, mapping.table(side).table)] for side in Side}


@pytest.mark.parametrize(
    ("name", "here", "there"),
    [
        ("CURRENCY", {"code": "EUR"}, {"isocurrencycode": "eur"}),
        ("SALESPEOPLE", {"email": "ada@x.example"}, {"internalemailaddress": "ADA@x.example"}),
        ("VENDOR", {"displayName": "Contoso", "postalCode": "1"}, {"name": "CONTOSO", "address1_postalcode": "1"}),
        ("CUSTOMER", {"displayName": "Contoso", "email": "a@x"}, {"name": "contoso", "emailaddress1": "A@x"}),
        ("CONTACT", {"displayName": "Ada  Lovelace", "email": "ada@x.example"}, ADA),
    ],
)  # fmt: skip
def test_records_are_matched_by_the_standard_match_fields(name: str, here: Values, there: Values) -> None:
    mapping = MAPPINGS[name]
    tables = tables_of(mapping)
    criteria = criteria_of(mapping, tables)
    index = {side: MatchIndex(criteria, side, tables) for side in Side}
    index[BC].add([Record(bc_id(1), here)])
    index[DV].add([Record(dv_id(1), there)])
    assert match(index[BC], index[DV]).totals.matched == 1


@pytest.mark.parametrize(
    ("name", "traits"),
    [
        ("CURRENCY", ["name"]),
        ("SALESPEOPLE", ["e_mail", "name", "phone"]),
        ("VENDOR", ["name", "post_code", "phone", "e_mail"]),
        ("CUSTOMER", ["name", "post_code", "phone", "e_mail"]),
        ("CONTACT", ["name", "post_code", "phone", "phone", "e_mail"]),
    ],
)
def test_leftovers_are_compared_by_what_the_standard_mappings_map(name: str, traits: list[str]) -> None:
    mapping = MAPPINGS[name]
    assert [item.trait for item in trait_fields(mapping, tables_of(mapping))] == traits
