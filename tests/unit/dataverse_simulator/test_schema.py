"""The tables of the Dataverse simulator as data: what is written down must fit together."""

from __future__ import annotations

import pytest

from infra.local.dataverse.schema.catalog import BY_SET, TABLES, relationships_to
from infra.local.dataverse.schema.model import Kind, OnDelete, Required, Table


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_table_fits_together(table: Table) -> None:
    assert table.columns[table.id].kind is Kind.GUID
    assert table.primary_name in table.columns
    assert BY_SET[table.set_name] is table
    for column in table.columns.values():
        assert not column.kind.is_text or column.length > 0, column.name
        assert column.default is None or not column.options or column.default in column.options, column.name
        assert set(column.targets) <= TABLES.keys(), column.name
        assert set(column.relationships) == set(column.targets), column.name
    for one in table.money:
        assert table.columns[f"{one.name}_base"].base_of == one.name
    for statuses in table.statuses.values():
        assert set(statuses) <= table.columns["statuscode"].options.keys()
    # A name in a body is either a column, a lookup or a collection.
    assert not relationships_to(table.name).keys() & (table.by_wire.keys() | table.navigations.keys())
    assert not table.by_wire.keys() & table.navigations.keys()


LENGTHS = {
    "account": {"name": 160, "accountnumber": 20, "telephone1": 50, "emailaddress1": 100, "websiteurl": 200,
                "description": 2000, "address1_line1": 250, "address1_city": 80, "address1_postalcode": 20},
    "contact": {"firstname": 50, "lastname": 50, "fullname": 160, "jobtitle": 100, "mobilephone": 50,
                "address1_country": 80},
    "systemuser": {"domainname": 1024, "firstname": 256, "internalemailaddress": 100, "mobilephone": 64},
    "transactioncurrency": {"isocurrencycode": 5, "currencyname": 100, "currencysymbol": 10},
}  # fmt: skip


@pytest.mark.parametrize(("table", "lengths"), LENGTHS.items())
def test_lengths_are_those_of_the_service(table: str, lengths: dict[str, int]) -> None:
    assert {name: TABLES[table].columns[name].length for name in lengths} == lengths


def test_navigation_properties_are_those_of_the_service() -> None:
    contact, account = TABLES["contact"], TABLES["account"]
    assert {"parentcustomerid_account", "parentcustomerid_contact", "ownerid"} <= contact.navigations.keys()
    assert {"primarycontactid", "parentaccountid", "transactioncurrencyid"} <= account.navigations.keys()
    assert "parentcustomerid" not in contact.navigations
    assert relationships_to("account")["contact_customer_accounts"].on_delete is OnDelete.CASCADE
    assert account.columns["transactioncurrencyid"].on_delete is OnDelete.RESTRICT


def test_only_some_tables_have_bulk_messages_and_required_columns() -> None:
    assert {name for name, table in TABLES.items() if table.bulk} == {"account", "contact", "product"}
    currency = TABLES["transactioncurrency"].columns
    required = {name for name, column in currency.items() if column.required is Required.SYSTEM}
    assert required == {
        "isocurrencycode",
        "currencyname",
        "currencysymbol",
        "currencyprecision",
        "exchangerate",
        "currencytype",
    }
