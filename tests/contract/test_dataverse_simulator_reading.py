"""What the Dataverse simulator answers to queries, and which ones it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.dataverse_simulator_client import Client, error_of, multipart, operation, parts_of, simulator

ROWS: dict[str, dict[str, Any]] = {
    "Alpha GmbH": {"accountnumber": "A_1", "numberofemployees": 10, "address1_city": "Århus", "creditlimit": 100},
    "alpine 50% [x]": {"accountnumber": "AB1", "numberofemployees": 20, "telephone1": "20", "fax": "20"},
    "Beta O'Brien": {"numberofemployees": 30, "donotemail": True, "address1_city": "ÅRHUS"},
    "Gamma": {"customertypecode": 3, "description": "two\nlines", "telephone1": "1", "fax": "2"},
}


@pytest.fixture(scope="module")
async def dataverse() -> AsyncIterator[Client]:
    async with simulator() as client:
        for name, values in ROWS.items():
            await client.create("accounts", name=name, **values)
        alpha = (await client.rows("accounts?$filter=accountnumber eq 'A_1'"))[0]["accountid"]
        parent = {"parentcustomerid_account@odata.bind": f"accounts({alpha})"}
        anna = await client.create("contacts", firstname="Anna", lastname="Ask", **parent)
        await client.create("contacts", firstname="Bo", lastname="Berg", birthdate="1980-02-29", **parent)
        await client("PATCH", f"accounts({alpha})", {"primarycontactid@odata.bind": f"/contacts({anna})"})
        yield client


ALPHA, ALPINE, BETA, GAMMA = ROWS


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("name eq 'ALPHA gmbh'", [ALPHA]),
        ("name eq 'Beta O''Brien'", [BETA]),
        ("name ne 'gamma' and not startswith(name,'al')", [BETA]),
        ("(numberofemployees gt 10 and numberofemployees le 30) or name eq 'Gamma'", [BETA, GAMMA, ALPINE]),
        ("numberofemployees gt 10 and numberofemployees le 20 or name eq 'Gamma'", [GAMMA, ALPINE]),
        ("10 lt numberofemployees", [BETA, ALPINE]),
        ("numberofemployees eq 99999999999999999999", []),
        ("creditlimit ge 99.5", [ALPHA]),
        ("donotemail eq true", [BETA]),
        ("customertypecode eq 3", [GAMMA]),
        ("accountnumber eq null", [BETA, GAMMA]),
        ("accountnumber ne null", [ALPHA, ALPINE]),
        # A missing value is not equal to anything, and its negation holds.
        ("accountnumber ne 'A_1'", [BETA, GAMMA, ALPINE]),
        ("not (accountnumber eq 'A_1')", [BETA, GAMMA, ALPINE]),
        ("not contains(accountnumber,'A')", [BETA, GAMMA]),
        ("address1_city eq 'århus'", [ALPHA, BETA]),
        ("startswith(address1_city,'ÅR')", [ALPHA, BETA]),
        # Wildcards act in the text functions only.
        ("accountnumber eq 'A_1'", [ALPHA]),
        ("startswith(accountnumber,'A_1')", [ALPHA, ALPINE]),
        ("startswith(accountnumber,'A[_]1')", [ALPHA]),
        ("contains(name,'50[%]')", [ALPINE]),
        ("contains(name,'[[]x')", [ALPINE]),
        ("contains(name,'al%mb')", [ALPHA]),
        ("endswith(name,'[^n]')", [ALPHA, GAMMA, ALPINE]),
        ("startswith(name,'[a-b]')", [ALPHA, BETA, ALPINE]),
        ("endswith(name,'GMBH')", [ALPHA]),
        ("contains(description,'two')", [GAMMA]),
        ("telephone1 eq fax", [ALPINE]),
        ("telephone1 ne fax and telephone1 ne null", [GAMMA]),
        ("primarycontactid/fullname eq 'anna ask'", [ALPHA]),
        ("primarycontactid/parentcustomerid_account/name eq 'alpha gmbh'", [ALPHA]),
        ("contact_customer_accounts/any(c:c/firstname eq 'Bo' and c/birthdate lt 1980-03-01)", [ALPHA]),
        ("contact_customer_accounts/any()", [ALPHA]),
        ("contact_customer_accounts/all(c:startswith(c/lastname,'A')) and accountnumber ne null", [ALPINE]),
        ("contact_customer_accounts/any(c:c/parentcustomerid_account/primarycontactid/lastname eq 'Ask')", [ALPHA]),
        ("Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=['gamma','\"x\"'])", [GAMMA]),
        (
            "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=[\"'Beta O''Brien'\",\"Gamma\"])",
            [BETA, GAMMA],
        ),
        (
            "Microsoft.Dynamics.CRM.NotIn(PropertyName='numberofemployees',PropertyValues=['10','20'])",
            [BETA, GAMMA],
        ),
        (
            'Microsoft.Dynamics.CRM.Between(PropertyName=\'numberofemployees\',PropertyValues=["10","20"])',
            [ALPHA, ALPINE],
        ),
        ("Microsoft.Dynamics.CRM.LastXHours(PropertyName='createdon',PropertyValue=1)", list(ROWS)),
        ("Microsoft.Dynamics.CRM.Today(PropertyName='modifiedon') and name eq 'Gamma'", [GAMMA]),
        ("Microsoft.Dynamics.CRM.OlderThanXDays(PropertyName='createdon',PropertyValue=1)", []),
        ("Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid')", None),
        ("Microsoft.Dynamics.CRM.EqualUserId(PropertyName='_ownerid_value') and name eq 'Gamma'", [GAMMA]),
        ("createdon ge 2020-01-01T00:00:00Z and createdon gt 2020-01-01T01:00:00.5+02:00", list(ROWS)),
        ("createdon lt 2020-01-01", []),
        ("statecode eq 0 and statuscode eq 1 and followemail eq true", list(ROWS)),
    ],
)
async def test_filters(dataverse: Client, expression: str, found: list[str] | None) -> None:
    if found is None:
        answer = await dataverse("GET", f"accounts?$filter={quote(expression)}")
        assert error_of(answer) == (400, "0x0")
        return
    assert await dataverse.filtered(expression) == sorted(found)


async def test_long_filters_are_answered_and_deep_ones_refused(dataverse: Client) -> None:
    many = " or ".join(f"fax eq '{number}'" for number in range(1200))
    body, content_type = multipart([operation("GET", f"accounts?$select=name&$filter={many}")])
    answer = await dataverse("POST", "$batch", body, Content_Type=content_type)
    assert sorted(row["name"] for row in parts_of(answer)[0].json()["value"]) == [GAMMA, ALPINE]
    deep = "(" * 3000 + "name eq 'x'" + ")" * 3000
    assert error_of(await dataverse("GET", f"accounts?$filter={deep}")) == (400, "0x80060888")


async def test_lookups_are_compared_with_quoted_and_bare_guids(dataverse: Client) -> None:
    contact = (await dataverse.rows("contacts?$filter=lastname eq 'Ask'"))[0]
    parent = contact["_parentcustomerid_value"]
    for literal in (parent, f"'{parent}'", parent.upper()):
        assert await dataverse.filtered(f"_parentcustomerid_value eq {literal}", "contacts", "lastname") == [
            "Ask",
            "Berg",
        ]


@pytest.mark.parametrize(
    "query",
    [
        "%24select=name&%24filter=startswith(name,%27Alp%27)+and+numberofemployees+eq+10",
        "$select=name&$filter=name%20eq%20%27Alpha+GmbH%27",
        "$select=name&$filter=name eq @p1 and numberofemployees lt @p2&@p1='Alpha GmbH'&@p2=11",
        "$select=name&$filter=name eq 'Alpha GmbH'&$expand=&$orderby=name asc,createdon desc&$count=false",
    ],
)
async def test_query_options_are_read_in_every_spelling(dataverse: Client, query: str) -> None:
    assert [row["name"] for row in await dataverse.rows(f"accounts?{query}")] == [ALPHA]


@pytest.mark.parametrize(
    ("path", "status", "code", "words"),
    [
        ("Accounts", 404, "0x8006088a", "Resource not found for the segment 'Accounts'."),
        ("account", 404, "0x8006088a", "segment 'account'"),
        ("accounts?$select=Name", 400, "0x0", "Could not find a property named 'Name' on type"),
        ("accounts?$filter=Name eq 'x'", 400, "0x0", "Could not find a property named 'Name' on type"),
        ("accounts?$orderby=nothing", 400, "0x0", "'nothing'"),
        ("accounts?$filter=name eq 'x", 400, "0x0", "unterminated literal at position"),
        ("accounts?$filter=name EQ 'x'", 400, "0x0", "Syntax error"),
        ("accounts?$filter=name eq 5", 400, "0x0", "incompatible types"),
        ("accounts?$filter=numberofemployees eq 'x'", 400, "0x0", "incompatible types"),
        ("accounts?$filter=createdon ge '2024-01-01'", 400, "0x0", "incompatible types"),
        ("accounts?$filter=name eq numberofemployees", 400, "0x0", "incompatible types"),
        ("accounts?$filter=length(name) gt 3", 400, "0x0", "unknown function"),
        ("accounts?$filter=startswith(name,'%25x')", 400, "0x0", "wildcard"),
        ("accounts?$filter=endswith(name,'x%25')", 400, "0x0", "wildcard"),
        ("accounts?$filter=Microsoft.Dynamics.CRM.Nonsense(PropertyName='createdon')", 400, "0x0", "Nonsense"),
        ("accounts?$filter=ownerid/fullname eq 'x'", 400, "0x0", "principal"),
        ("accounts?$skip=1", 400, "0x80060888", "Skip"),
        ("accounts?$search=x", 400, "0x80060888", "$search"),
        ("accounts?$format=json", 400, "0x80060888", "$format"),
        ("accounts?$Filter=name eq 'x'", 400, "0x80060888", "$Filter"),
        ("accounts?$top=-1", 400, "0x0", "$top"),
        ("accounts?$expand=contact_customer_accounts($top=1;$expand=ownerid)", 400, "0x80060888", "$expand"),
        ("accounts?$expand=contact_customer_accounts/$ref", 400, "0x80060888", "$ref"),
        ("accounts?$expand=nothing", 400, "0x0", "nothing"),
        ("accounts?$expand=ownerid($select=fullname)", 400, "0x0", "principal"),
        ("accounts?$expand=" + ",".join(["primarycontactid"] * 16), 400, "0x80060888", "15"),
        ("accounts(00000000-0000-0000-0000-000000000001)", 404, "0x80040217", "Does Not Exist"),
        ("accounts(accountnumber='X')", 400, "0x80060890", "is not valid for resource"),
        ("systemusers(systemuserid=00000000-0000-0000-0000-000000000001)", 400, "0x80060890", "is not valid"),
        ("accounts/Microsoft.Dynamics.CRM.CreateMultiple", 404, "", "No HTTP resource"),
        ("NoSuchFunction()", 404, "0x8006088a", "NoSuchFunction"),
        ("accounts?$filter=name eq '" + "x" * 33_000 + "'", 400, "0x80060888", "Invalid URI"),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    dataverse: Client, path: str, status: int, code: str, words: str
) -> None:
    answer = await dataverse("GET", path)
    assert error_of(answer) == (status, code)
    assert words in answer.json()["error"]["message"]


async def test_select_brings_the_key_and_money_its_currency(dataverse: Client) -> None:
    row = (await dataverse.rows("accounts?$select=creditlimit&$top=1"))[0]
    assert set(row) == {"@odata.etag", "creditlimit", "_transactioncurrencyid_value", "accountid"}
    whole = (await dataverse.rows("accounts?$top=1"))[0]
    assert {"name", "accountnumber", "_ownerid_value", "versionnumber", "creditlimit_base"} <= set(whole)


async def test_annotations_come_on_request_only(dataverse: Client) -> None:
    path = "contacts?$select=_parentcustomerid_value,createdon,statecode,donotemail&$filter=lastname eq 'Ask'"
    plain = (await dataverse.rows(path))[0]
    assert not [name for name in plain if "@" in name and name != "@odata.etag"]
    some = 'odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname"'
    row = (await dataverse.rows(path, prefer=some))[0]
    assert [name for name in row if "@" in name] == [
        "@odata.etag",
        "_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname",
    ]
    row = (await dataverse.rows(path, prefer='odata.include-annotations="*"'))[0]
    formatted = {
        name.partition("@")[0]: text
        for name, text in row.items()
        if name.endswith("@OData.Community.Display.V1.FormattedValue")
    }
    assert formatted["_parentcustomerid_value"] == ALPHA
    assert (formatted["statecode"], formatted["donotemail"]) == ("Active", "Allow")
    navigation = "_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty"
    assert row[navigation] == "parentcustomerid_account"


async def test_expansions_show_related_rows(dataverse: Client) -> None:
    path = (
        "accounts?$select=name&$filter=name eq 'alpha gmbh'&$expand=primarycontactid($select=lastname),"
        "contact_customer_accounts($select=lastname;$orderby=lastname desc;$filter=lastname ne 'X'),"
        "owninguser($select=fullname),parentaccountid($select=name)"
    )
    row = (await dataverse.rows(path))[0]
    assert row["primarycontactid"]["lastname"] == "Ask"
    assert [one["lastname"] for one in row["contact_customer_accounts"]] == ["Berg", "Ask"]
    assert row["owninguser"]["systemuserid"] == row["owninguser"]["ownerid"]
    assert row["parentaccountid"] is None
    children = await dataverse.rows(row["contact_customer_accounts@odata.nextLink"])
    assert [one["lastname"] for one in children] == ["Berg", "Ask"]
    nested = "accounts?$filter=name eq 'alpha gmbh'&$expand=contact_customer_accounts($expand=parentcustomerid_account)"
    row = (await dataverse.rows(nested))[0]
    assert {one["parentcustomerid_account"]["name"] for one in row["contact_customer_accounts"]} == {ALPHA}
    owned = (await dataverse.rows("accounts?$filter=name eq 'alpha gmbh'&$expand=ownerid"))[0]
    assert owned["ownerid"] == {"@odata.type": "#Microsoft.Dynamics.CRM.systemuser", "ownerid": owned["_ownerid_value"]}
    reference = (await dataverse.rows("accounts?$filter=name eq 'alpha gmbh'&$expand=primarycontactid/$ref"))[0]
    assert reference["primarycontactid"]["@odata.id"].startswith(f"{dataverse.root}contacts(")


async def test_paths_lead_to_properties_and_related_rows(dataverse: Client) -> None:
    alpha = (await dataverse.rows("accounts?$filter=name eq 'alpha gmbh'"))[0]
    address = f"accounts({alpha['accountid']})"
    assert (await dataverse.row(f"{address}/name"))["value"] == ALPHA
    assert (await dataverse("GET", f"{address}/name/$value")).text == ALPHA
    assert (await dataverse("GET", f"{address}/fax")).status_code == 204
    assert (await dataverse.row(f"{address}/primarycontactid?$select=lastname"))["lastname"] == "Ask"
    assert (await dataverse("GET", f"{address}/parentaccountid")).status_code == 204
    assert (await dataverse("GET", f"{address}/contact_customer_accounts/$count")).text == "2"
    assert (await dataverse("GET", "accounts/$count")).text == "4"
    assert (await dataverse.row(f"accounts(accountid={alpha['accountid']})?$select=name"))["name"] == ALPHA


async def test_a_row_is_answered_with_its_etag_and_304_where_it_is_known(dataverse: Client) -> None:
    row_id = (await dataverse.rows("accounts?$filter=name eq 'gamma'"))[0]["accountid"]
    answer = await dataverse("GET", f"accounts({row_id})?$select=name,versionnumber")
    tag = answer.headers["ETag"]
    assert tag == answer.json()["@odata.etag"] == f'W/"{answer.json()["versionnumber"]}"'
    assert (await dataverse("GET", f"accounts({row_id})", If_None_Match=tag)).status_code == 304
    assert (await dataverse("GET", f"accounts({row_id})", If_None_Match="null")).status_code == 200
    expanded = await dataverse("GET", f"accounts({row_id})?$expand=primarycontactid", If_None_Match=tag)
    assert expanded.status_code == 200


@pytest.mark.parametrize(
    ("apply", "rows"),
    [
        ("aggregate($count as n,numberofemployees with sum as total)", [{"n": 4, "total": 60}]),
        ("filter(numberofemployees ge 20)/aggregate(numberofemployees with max as most)", [{"most": 30}]),
        (
            "groupby((donotemail),aggregate($count as n))&$orderby=n desc",
            [{"donotemail": False, "n": 3}, {"donotemail": True, "n": 1}],
        ),
    ],
)
async def test_aggregates(dataverse: Client, apply: str, rows: list[dict[str, Any]]) -> None:
    assert (await dataverse("GET", f"accounts?$apply={apply}")).json()["value"] == rows


FETCHES = [
    ('<filter type="or"><condition attribute="name" operator="eq" value="gamma"/>'
     '<condition attribute="numberofemployees" operator="gt" value="20"/></filter>', [BETA, GAMMA]),
    ('<filter><condition attribute="accountnumber" operator="in"><value>A_1</value><value>x</value></condition>'
     "</filter>", [ALPHA]),
    ('<filter><condition attribute="name" operator="not-like" value="al%"/></filter>', [BETA, GAMMA]),
    ('<filter><condition attribute="createdon" operator="last-x-days" value="2"/></filter>', sorted(ROWS)),
    ('<link-entity name="contact" from="contactid" to="primarycontactid"><filter>'
     '<condition attribute="lastname" operator="eq" value="Ask"/></filter></link-entity>', [ALPHA]),
    ('<link-entity name="contact" from="contactid" to="primarycontactid" link-type="outer"/>', sorted(ROWS)),
]  # fmt: skip


@pytest.mark.parametrize(("inside", "found"), FETCHES)
async def test_fetchxml(dataverse: Client, inside: str, found: list[str]) -> None:
    fetch = f'<fetch><entity name="account"><attribute name="name"/>{inside}</entity></fetch>'
    rows = await dataverse.rows(f"accounts?fetchXml={quote(fetch)}")
    assert sorted(row["name"] for row in rows) == sorted(found)


async def test_the_service_describes_itself(dataverse: Client) -> None:
    document = (await dataverse("GET", "")).json()
    assert {"name": "accounts", "kind": "EntitySet", "url": "accounts"} in document["value"]
    csdl = (await dataverse("GET", "$metadata")).text
    assert '<NavigationProperty Name="parentcustomerid_account" Type="mscrm.account">' in csdl
    who = await dataverse.row("WhoAmI")
    user = await dataverse.row(f"systemusers({who['UserId']})?$select=applicationid,fullname")
    assert user["applicationid"] == "00000000-0000-0000-0000-0000000000c1"
    count = await dataverse.row("RetrieveTotalRecordCount(EntityNames=['account','contact'])")
    assert count["EntityRecordCountCollection"]["Values"] == [4, 2]


async def test_metadata_can_be_asked_for(dataverse: Client) -> None:
    tracked = await dataverse.rows("EntityDefinitions?$select=LogicalName&$filter=ChangeTrackingEnabled eq true")
    assert {"account", "contact", "systemuser", "transactioncurrency"} <= {row["LogicalName"] for row in tracked}
    path = (
        "EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
        "?$select=LogicalName&$expand=OptionSet($select=Options)"
    )
    choices = {row["LogicalName"]: row["OptionSet"]["Options"] for row in await dataverse.rows(path)}
    assert [one["Value"] for one in choices["paymenttermscode"]] == [1, 2, 3, 4]
    name = await dataverse.row("EntityDefinitions(LogicalName='account')/Attributes(LogicalName='name')")
    assert (name["MaxLength"], name["RequiredLevel"]["Value"]) == (160, "ApplicationRequired")
    missing = await dataverse("GET", "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='nothing')")
    assert missing.status_code == 404
    assert await dataverse.rows("EntityDefinitions?$filter=LogicalName eq 'nothing'") == []


@pytest.mark.parametrize(("table", "available"), [("account", 1), ("contact", 1), ("systemuser", 0)])
async def test_bulk_messages_can_be_probed(dataverse: Client, table: str, available: int) -> None:
    path = (
        "sdkmessagefilters?$select=sdkmessagefilterid&$filter=sdkmessageid/name eq @message and "
        f"primaryobjecttypecode eq @table&@message='UpsertMultiple'&@table='{table}'"
    )
    assert len(await dataverse.rows(path)) == available
