"""What is made of the services' metadata, told in documents as small as the case."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.adapters.business_central_metadata import Metadata
from shared.adapters.dataverse_metadata import is_name, table_of
from shared.adapters.edm import UnreadableMetadata, read_xml
from shared.adapters.wire import Row
from shared.core.tables import Column, ColumnKind, Table

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;">]><edmx>&b;</edmx>"""
FILE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><edmx>&f;</edmx>"""


@pytest.mark.parametrize(
    "content", [LAUGHS, FILE, b"<!DOCTYPE edmx><edmx/>", b"<edmx>", b"", b"{}", b"<html><br></html>"]
)
def test_what_is_no_metadata_or_declares_entities_is_not_read(content: bytes) -> None:
    with pytest.raises(UnreadableMetadata):
        read_xml(content)


def edmx(properties: str, *, key: str = "id", more: str = "") -> bytes:
    return f"""<?xml version="1.0" encoding="utf-8"?>
    <edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
    <Schema Namespace="Microsoft.NAV" xmlns="http://docs.oasis-open.org/odata/ns/edm">
    <EntityType Name="gift"><Key><PropertyRef Name="{key}"/></Key>
    <Property Name="id" Type="Edm.Guid" Nullable="false"/>{properties}</EntityType>{more}
    <EnumType Name="giftKind"><Member Name="_x0020_" Value="0"/><Member Name="Gift_x0020_Card" Value="1"/></EnumType>
    <EntityContainer Name="NAV"><EntitySet Name="gifts" EntityType="Microsoft.NAV.gift"/>
    <EntitySet Name="givers" EntityType="Microsoft.NAV.giver"/></EntityContainer>
    </Schema></edmx:DataServices></edmx:Edmx>""".encode()


def gifts(properties: str, **more: Any) -> Table:
    table = Metadata(edmx(properties, **more)).table("gifts")
    assert table is not None
    return table


def flags(*annotations: str) -> str:
    inside = "".join(f'<Annotation Term="{one}"/>' for one in annotations)
    return f'<Property Name="note" Type="Edm.String" MaxLength="30">{inside}</Property>'


@pytest.mark.parametrize(
    ("annotations", "read_only", "create_only"),
    [
        ((), False, False),
        (('NAV.AllowEdit" Bool="true',), False, False),
        (('NAV.AllowEdit" Bool="false',), True, False),
        (('NAV.AllowEdit" Bool="false', 'NAV.AllowEditOnCreate" Bool="false'), True, False),
        (('NAV.AllowEdit" Bool="false', 'NAV.AllowEditOnCreate" Bool="true'), False, True),
        (('NAV.AllowEditOnCreate" Bool="false',), False, False),
        (('Microsoft.NAV.AllowEdit" Bool="False',), True, False),
    ],
)
def test_annotations_say_what_may_be_written(annotations: tuple[str, ...], read_only: bool, create_only: bool) -> None:
    note = gifts(flags(*annotations)).column("note")
    assert (note.read_only, note.create_only, note.max_length) == (read_only, create_only, 30)


@pytest.mark.parametrize(
    ("type_name", "kind"),
    [
        ("Edm.String", ColumnKind.TEXT),
        ("Edm.Int32", ColumnKind.INTEGER),
        ("Edm.Int64", ColumnKind.INTEGER),
        ("Edm.Decimal", ColumnKind.DECIMAL),
        ("Edm.Double", ColumnKind.DECIMAL),
        ("Edm.Boolean", ColumnKind.BOOLEAN),
        ("Edm.Date", ColumnKind.DATE),
        ("Edm.DateTimeOffset", ColumnKind.DATETIME),
        ("Edm.Guid", ColumnKind.GUID),
        ("Microsoft.NAV.giftKind", ColumnKind.ENUM),
        ("Edm.Stream", None),
        ("Edm.Duration", None),
        ("Collection(Edm.String)", None),
        ("Microsoft.NAV.unheardOf", None),
    ],
)
def test_the_type_tells_the_kind_and_what_has_no_kind_is_left_out(type_name: str, kind: ColumnKind | None) -> None:
    columns = gifts(f'<Property Name="what" Type="{type_name}"/>').columns
    assert [column.kind for column in columns] == ([kind] if kind else [])


def test_options_are_told_by_their_plain_names_without_the_blank_one() -> None:
    assert gifts('<Property Name="kind" Type="Microsoft.NAV.giftKind"/>').column("kind").members == ("Gift Card",)


def test_the_columns_that_people_and_feeds_go_by_are_found() -> None:
    names = ("code", "description", "systemModifiedAt")
    table = gifts("".join(f'<Property Name="{name}" Type="Edm.String"/>' for name in names))
    assert (table.number, table.title, table.modified) == names
    bare = gifts('<Property Name="colour" Type="Edm.String"/>')
    assert (bare.number, bare.title, bare.modified) == (None, None, None)


def test_a_record_without_a_single_id_cannot_be_mapped() -> None:
    metadata = Metadata(edmx('<Property Name="number" Type="Edm.String"/>', key="number"))
    assert metadata.table("gifts") is None
    assert metadata.tables() == []


def test_a_navigation_with_a_constraint_tells_what_an_id_refers_to() -> None:
    giver = (
        '<EntityType Name="giver"><Key><PropertyRef Name="id"/></Key><Property Name="id" Type="Edm.Guid"/></EntityType>'
    )
    properties = """<Property Name="giverId" Type="Edm.Guid"/>
        <NavigationProperty Name="giver" Type="Microsoft.NAV.giver">
        <ReferentialConstraint Property="giverId" ReferencedProperty="id"/></NavigationProperty>"""
    assert gifts(properties, more=giver).column("giverId").target == "givers"


# Dataverse ------------------------------------------------------------------------------------------------------------

DEFINITION: Row = {
    "LogicalName": "cr_gift",
    "EntitySetName": "cr_gifts",
    "DisplayName": {"UserLocalizedLabel": {"Label": "Gift"}},
    "PrimaryIdAttribute": "cr_giftid",
    "PrimaryNameAttribute": "cr_name",
    "ChangeTrackingEnabled": False,
    "Keys": [
        {"KeyAttributes": ["cr_code"], "EntityKeyIndexStatus": "Active"},
        {"KeyAttributes": ["cr_name"], "EntityKeyIndexStatus": "Pending"},
    ],
    "ManyToOneRelationships": [
        {
            "ReferencingAttribute": "cr_giver",
            "ReferencedEntity": "contact",
            "ReferencingEntityNavigationPropertyName": "cr_Giver_contact",
        },
        {
            "ReferencingAttribute": "cr_giver",
            "ReferencedEntity": "account",
            "ReferencingEntityNavigationPropertyName": "cr_Giver_account",
        },
    ],
}


def attribute(name: str, kind: str, *, create: bool = True, update: bool = True, **more: Any) -> Row:
    rights = {"IsValidForCreate": create, "IsValidForUpdate": update, "IsValidForRead": True}
    return {"LogicalName": name, "AttributeType": kind, "AttributeOf": None, **rights, **more}


ATTRIBUTES = [
    attribute("cr_giftid", "Uniqueidentifier", update=False),
    attribute("cr_name", "String"),
    attribute("cr_code", "String", update=False),
    attribute("cr_giver", "Lookup"),
    attribute("cr_orphan", "Lookup"),
    attribute("cr_givername", "String", AttributeOf="cr_giver"),
    attribute("cr_secret", "String", IsValidForRead=False),
    attribute("cr_colour", "Picklist"),
    attribute("cr_colours", "Virtual"),
    attribute("cr_day", "DateTime"),
    attribute("cr_total", "Money", create=False, update=False),
    attribute("modifiedon", "DateTime", create=False, update=False),
]
BY_CAST: dict[str, list[Row]] = {
    "String": [{"LogicalName": "cr_name", "MaxLength": 50}, {"LogicalName": "cr_code", "MaxLength": 9}],
    "Lookup": [
        {"LogicalName": "cr_giver", "Targets": ["contact", "account"]},
        {"LogicalName": "cr_orphan", "Targets": ["cr_hidden"]},
    ],
    "DateTime": [{"LogicalName": "cr_day", "DateTimeBehavior": {"Value": "DateOnly"}}],
    "Picklist": [
        {
            "LogicalName": "cr_colour",
            "OptionSet": None,
            "GlobalOptionSet": {
                "Options": [{"Value": 7, "Label": {"UserLocalizedLabel": {"Label": "Red"}}}, {"Value": 8, "Label": {}}]
            },
        }
    ],
}


@pytest.fixture(scope="module")
def gift() -> Table:
    async def get(path: str) -> Row:
        if path.startswith("EntityDefinitions?"):
            sets = {"account": "accounts", "contact": "contacts"}
            return {"value": [{"LogicalName": name, "EntitySetName": sets[name]} for name in sets]}
        cast = path.partition("/Attributes/Microsoft.Dynamics.CRM.")[2].partition("AttributeMetadata")[0]
        return {"value": BY_CAST.get(cast, []) if cast else ATTRIBUTES}

    return asyncio.run(table_of(get, DEFINITION))


def column(gift: Table, name: str) -> Column:
    return gift.column(f"cr_{name}")


def test_a_table_is_known_by_its_id_its_key_and_its_name(gift: Table) -> None:
    assert (gift.caption, gift.entity_set, gift.key, gift.tracked) == ("Gift", "cr_gifts", "cr_giftid", False)
    assert (gift.number, gift.title, gift.modified) == ("cr_code", "cr_name", "modifiedon")
    assert gift.alternate_keys == (("cr_code",),)


def test_columns_without_a_value_of_their_own_are_left_out(gift: Table) -> None:
    names = [column.name.removeprefix("cr_") for column in gift.columns]
    assert names == ["name", "code", "giver", "orphan", "colour", "day", "total", "modifiedon"]


def test_what_may_be_written_and_when_is_told(gift: Table) -> None:
    assert [one.name for one in gift.columns if one.read_only] == ["cr_orphan", "cr_total", "modifiedon"]
    assert [one.name for one in gift.columns if one.create_only] == ["cr_code"]
    assert (column(gift, "name").max_length, column(gift, "day").kind) == (50, ColumnKind.DATE)


def test_labels_of_a_shared_choice_are_read_and_a_missing_one_is_blank(gift: Table) -> None:
    assert column(gift, "colour").options == {7: "Red", 8: ""}


def test_of_several_targets_the_account_is_bound_by_its_own_navigation(gift: Table) -> None:
    giver = column(gift, "giver")
    assert (giver.target, giver.navigation, giver.target_set) == ("account", "cr_Giver_account", "accounts")
    assert column(gift, "orphan").target == "cr_hidden"


@pytest.mark.parametrize(("name", "can_be"), [("cr_gift", True), ("account", True), ("x')", False), ("", False)])
def test_only_logical_names_go_into_an_address(name: str, can_be: bool) -> None:
    assert is_name(name) is can_be
