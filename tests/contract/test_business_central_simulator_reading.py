"""What a client reads from the Business Central simulator: addresses, filters, pages, expansions, values."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator

import pytest

from tests.contract.business_central_simulator_client import Client, refusal, simulator

ZERO = "00000000-0000-0000-0000-000000000000"
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{0,2}[1-9])?Z")


@pytest.fixture(scope="module")
async def bc() -> AsyncIterator[Client]:
    async with simulator() as client:
        await client.control("seed", seed=7, tables={"customers": 60, "vendors": 5, "contacts": 20})
        given = [
            {"number": "A1", "displayName": "Anders O'Brien", "city": "Ålborg", "creditLimit": 10.5, "blocked": "Ship"},
            {"number": "A2", "displayName": "anders", "city": "Bergen", "currencyCode": "USD"},
            {"number": "A3", "displayName": "Zeno & Söhne", "city": "Ålborg", "paymentTermsId": await _terms(client)},
        ]
        await client.control("seed", rows={"customers": given})
        yield client


async def _terms(client: Client) -> str:
    rows = await client.rows("paymentTerms", filter="code eq 'NET45'")
    return str(rows[0]["id"])


@pytest.mark.parametrize("prefix", ["", "/v2.0/my-tenant/Production"])
async def test_the_root_may_stand_behind_a_tenant_and_an_environment(bc: Client, prefix: str) -> None:
    answer = await bc.http.get(f"{bc.running.url}{prefix}/api/v2.0/companies")
    assert [row["id"] for row in answer.json()["value"]] == [bc.running.company_id]
    assert answer.json()["@odata.context"].startswith(f"{bc.running.url}{prefix}/api/v2.0/$metadata#companies")


async def test_a_company_is_named_in_the_path_or_the_query(bc: Client) -> None:
    name = (await bc.http.get(f"{bc.running.api}/companies")).json()["value"][0]["name"]
    for company in (name, bc.running.company_id):
        answer = await bc.http.get(f"{bc.running.api}/customers/$count", params={"company": company})
        assert (answer.status_code, answer.text) == (200, "63")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"companies({ZERO})/customers", 404, "Internal_CompanyNotFound"),
        ("customers?company=Nobody", 400, "Unknown"),
        ("companies(abc)/customers", 404, "BadRequest_NotFound"),
    ],
)
async def test_a_wrong_company_is_refused(bc: Client, path: str, status: int, code: str) -> None:
    assert refusal(await bc.http.get(f"{bc.running.api}/{path}")) == (status, code)


async def test_an_unknown_set_is_404_without_a_body(bc: Client) -> None:
    answer = await bc.get("nothings")
    assert (answer.status_code, answer.content) == (404, b"")


async def test_without_a_known_token_nothing_is_told(bc: Client) -> None:
    for token in ("", "Bearer wrong"):
        answer = await bc.http.get(f"{bc.running.api}/companies", headers={"Authorization": token})
        assert refusal(answer) == (401, "Authentication_InvalidCredentials")


async def test_the_metadata_describes_the_sets(bc: Client) -> None:
    answer = await bc.http.get(f"{bc.running.api}/$metadata")
    root = ET.fromstring(answer.text)
    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    customer = root.find(f".//{edm}EntityType[@Name='customer']")
    assert customer is not None
    lengths = {one.get("Name"): one.get("MaxLength") for one in customer.iter(f"{edm}Property")}
    assert lengths["displayName"] == "100"
    assert "searchName" not in lengths


async def test_messages_end_with_a_correlation_id(bc: Client) -> None:
    answer = await bc.get(f"customers({ZERO})")
    assert refusal(answer) == (404, "BadRequest_ResourceNotFound")
    assert re.search(r"  CorrelationId:  [0-9a-f-]{36}\.$", answer.json()["error"]["message"])


async def test_every_property_has_a_value(bc: Client) -> None:
    row = (await bc.rows("customers", filter="number eq 'A2'"))[0]
    assert None not in row.values()
    assert (row["paymentTermsId"], row["blocked"], row["balanceDue"], row["website"]) == (ZERO, "_x0020_", 0, "")
    assert row["currencyCode"] == "USD"
    assert row["currencyId"] != ZERO
    assert (await bc.rows("customers", filter="number eq 'A1'"))[0]["currencyCode"] == "EUR"
    contact = (await bc.rows("contacts", top="1"))[0]
    assert contact["lastInteractionDate"] == "0001-01-01"


async def test_the_tag_is_in_the_body_only_and_stays_while_nothing_changes(bc: Client) -> None:
    answers = [await bc.get("customers", top="1", select="id") for _ in range(2)]
    tags = [answer.json()["value"][0]["@odata.etag"] for answer in answers]
    assert tags[0] == tags[1]
    assert tags[0].startswith('W/"')
    assert "etag" not in answers[0].headers


async def test_times_are_steps_of_a_300th_second_without_trailing_zeros(bc: Client) -> None:
    for row in await bc.rows("customers"):
        text = row["lastModifiedDateTime"]
        assert MOMENT.fullmatch(text), text
        assert len(text) < 24 or text[22] in "037"


@pytest.mark.parametrize(
    ("condition", "numbers"),
    [
        ("displayName eq 'Anders O''Brien'", ["A1"]),
        ("startswith(displayName,'Anders')", ["A1"]),
        ("tolower(displayName) eq 'ANDERS'", ["A2"]),
        ("contains(displayName,'Söhne')", ["A3"]),
        ("endswith(displayName,'nders')", ["A2"]),
        ("endswith(displayName,'nders') eq true and number lt 'B'", ["A2"]),
        ("substring(displayName,1) eq 'nders'", ["A2"]),
        ("substring(displayName,1,3) eq 'nde' and startswith(number,'A')", ["A1", "A2"]),
        ("number eq 'a1'", ["A1"]),
        ("number eq 'A1' or number eq 'A3'", ["A1", "A3"]),
        ("startswith(number,'A') and (city eq 'Ålborg' or city eq 'Bergen')", ["A1", "A2", "A3"]),
        ("(number ge 'A2' and number le 'A3') or number eq 'A1'", ["A1", "A2", "A3"]),
        ("blocked eq 'Ship'", ["A1"]),
        ("startswith(number,'A') and blocked eq ' '", ["A2", "A3"]),
        ("startswith(number,'A') and blocked eq '_x0020_'", ["A2", "A3"]),
        ("creditLimit gt 10 and creditLimit le 10.5", ["A1"]),
        (f"startswith(number,'A') and currencyId ne {ZERO}", ["A2"]),
        ("startswith(number,'A') and lastModifiedDateTime gt 2099-01-01T00:00:00+01:00", []),
        ("startswith(number,'A') and lastModifiedDateTime ge 2020-01-01T00:00:00.123Z", ["A1", "A2", "A3"]),
        ("startswith(number,'A') and taxLiable eq false and city ne 'Bergen'", ["A1", "A3"]),
    ],
)
async def test_filters_that_the_server_knows(bc: Client, condition: str, numbers: list[str]) -> None:
    assert [row["number"] for row in await bc.rows("customers", filter=condition)] == numbers


@pytest.mark.parametrize(
    ("condition", "status", "code"),
    [
        ("city eq 'x' or number eq 'A1'", 501, "BadRequest_MethodNotImplemented"),
        ("(city eq 'x' and number eq 'A1') or city eq 'y'", 501, "BadRequest_MethodNotImplemented"),
        ("nothing eq 'x'", 400, "BadRequest"),
        ("searchName eq 'X'", 400, "BadRequest"),
        ("not (number eq 'A1')", 400, "BadRequest"),
        ("number in ('A1','A2')", 400, "BadRequest"),
        ("contains(tolower(displayName),'x')", 400, "BadRequest"),
        ("substringof('x',displayName)", 400, "BadRequest"),
        ("length(displayName) eq 3", 400, "BadRequest"),
        ("creditLimit add 1 eq 2", 400, "BadRequest"),
        ("contactsInformation/any(c: c/contactName eq 'x')", 400, "BadRequest"),
        ("number eq 10000", 400, "BadRequest"),
        (f"id eq '{ZERO}'", 400, "BadRequest"),
        ("lastModifiedDateTime ge '2020-01-01T00:00:00Z'", 400, "BadRequest"),
        ("lastModifiedDateTime ge 2020-01-01T00:00:00", 400, "BadRequest"),
        ("blocked eq 'Perhaps'", 400, "BadRequest"),
        ("displayName eq null", 400, "BadRequest"),
        ("number eq 'A1", 400, "BadRequest"),
        ("number eq 'A1' and", 400, "BadRequest"),
        ("", 400, "BadRequest"),
    ],
)
async def test_filters_that_the_server_refuses(bc: Client, condition: str, status: int, code: str) -> None:
    assert refusal(await bc.get("customers", filter=condition)) == (status, code)


async def test_the_newer_schema_version_knows_in_and_nested_functions(bc: Client) -> None:
    for condition, numbers in {
        "number in ('A1','A3')": ["A1", "A3"],
        "contains(tolower(displayName),'SÖHNE')": ["A3"],
    }.items():
        rows = await bc.rows("customers", filter=condition, schemaversion="2.1")
        assert [row["number"] for row in rows] == numbers


async def test_two_hundred_ids_are_one_call(bc: Client) -> None:
    ids = [row["id"] for row in await bc.rows("customers", select="id")]
    condition = " or ".join(f"id eq {one}" for one in (ids * 4)[:200])
    assert len(await bc.rows("customers", filter=condition)) == len(ids)


@pytest.mark.parametrize(
    ("length", "status"), [(16_500, 400), (40_000, 500)], ids=["beyond the ceiling", "far beyond it"]
)
async def test_long_urls_are_refused_but_never_with_414(bc: Client, length: int, status: int) -> None:
    assert (await bc.get("customers", filter="x" * length)).status_code == status


@pytest.mark.parametrize(
    "options", [{"search": "x"}, {"apply": "groupby((city))"}, {"invented": "1"}, {"levels": "max"}]
)
async def test_unknown_options_are_ignored(bc: Client, options: dict[str, str]) -> None:
    assert len(await bc.rows("customers", **options)) == 63


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"select": "nothing"}, 400),
        ({"orderby": "nothing"}, 400),
        ({"orderby": "length(number)"}, 501),
        ({"orderby": "number upwards"}, 400),
        ({"expand": "nothing"}, 400),
        ({"top": "-1"}, 400),
        ({"top": "many"}, 400),
        ({"skip": "1.5"}, 400),
        ({"count": "perhaps"}, 400),
        ({"skiptoken": "rubbish"}, 400),
        ({"schemaversion": "2.1", "filter": "tolower(" * 1200 + "city" + ")" * 1200 + " eq 'x'"}, 400),
    ],
)
async def test_wrong_options_are_refused(bc: Client, options: dict[str, str], status: int) -> None:
    assert (await bc.get("customers", **options)).status_code == status


async def test_select_leaves_the_tag_and_what_was_asked_for(bc: Client) -> None:
    row = (await bc.rows("customers", select="number,id", top="1"))[0]
    assert set(row) == {"@odata.etag", "number", "id"}


async def test_rows_come_by_number_unless_ordered_otherwise(bc: Client) -> None:
    numbers = [row["number"] for row in await bc.rows("customers", select="number")]
    assert numbers == sorted(numbers)
    cities = [row["city"] for row in await bc.rows("customers", orderby="city desc,number")]
    assert cities == sorted(cities, reverse=True)


@pytest.mark.parametrize("order", ["", "city desc", "displayName,lastModifiedDateTime desc"])
async def test_pages_bring_every_row_once_and_keep_the_options(bc: Client, order: str) -> None:
    options = {"select": "id", "filter": "creditLimit eq 0", "count": "true"} | ({"orderby": order} if order else {})
    answer = await bc.get("customers", {"Prefer": "odata.maxpagesize=25"}, **options)
    pages = []
    while True:
        assert answer.headers["Preference-Applied"] == "odata.maxpagesize=25"
        assert answer.json()["@odata.count"] == 62
        pages.append([row["id"] for row in answer.json()["value"]])
        link = answer.json().get("@odata.nextLink")
        if link is None:
            break
        assert link.startswith(bc.company)
        assert "aid=FIN" in link
        assert "$skiptoken=" in link
        answer = await bc.http.get(link, headers={"Prefer": "odata.maxpagesize=25"})
    assert [len(page) for page in pages] == [25, 25, 12]
    assert len({one for page in pages for one in page}) == 62


async def test_top_within_a_page_never_leads_on_and_beyond_it_carries_the_rest(bc: Client) -> None:
    assert "@odata.nextLink" not in (await bc.get("customers", top="5")).json()
    answer = await bc.get("customers", {"Prefer": "odata.maxpagesize=10"}, top="15", skip="2")
    link = answer.json()["@odata.nextLink"]
    assert "$top=5" in link
    assert "$skip=" not in link
    last = (await bc.http.get(link, headers={"Prefer": "odata.maxpagesize=10"})).json()
    assert len(last["value"]) == 5
    assert "@odata.nextLink" not in last
    everything = [row["number"] for row in await bc.rows("customers")]
    assert [row["number"] for row in (*answer.json()["value"], *last["value"])] == everything[2:17]


async def test_a_page_of_more_than_20000_is_too_much(bc: Client) -> None:
    assert (await bc.get("customers", {"Prefer": "odata.maxpagesize=20001"})).status_code == 413


async def test_count_is_plain_text(bc: Client) -> None:
    answer = await bc.get("customers/$count", filter="startswith(number,'A')")
    assert (answer.text, answer.headers["Content-Type"].split(";")[0]) == ("3", "text/plain")


async def test_expand_brings_single_and_many_targets(bc: Client) -> None:
    expand = (
        "currency($select=code),paymentTerm,contactsInformation($select=contactName;$filter=contactType eq 'Company')"
    )
    rows = await bc.rows("customers", filter="startswith(number,'A')", expand=expand)
    assert [row["currency"] and row["currency"]["code"] for row in rows] == [None, "USD", None]
    assert [row["paymentTerm"] and row["paymentTerm"]["code"] for row in rows] == [None, None, "NET45"]
    assert [[one["contactName"] for one in row["contactsInformation"]] for row in rows] == [
        [row["displayName"]] for row in rows
    ]


@pytest.mark.parametrize("name", ["paymentTerm", "paymentTerms"])
async def test_a_single_navigation_has_two_spellings(bc: Client, name: str) -> None:
    row = (await bc.rows("customers", filter="number eq 'A3'", expand=name))[0]
    assert row[name]["displayName"] == "Net 45"


async def test_a_navigation_has_an_address_of_its_own(bc: Client) -> None:
    rows = await bc.rows("customers", filter="number eq 'A2'")
    assert (await bc.get(f"customers({rows[0]['id']})/currency")).json()["code"] == "USD"
    assert (await bc.get(f"customers({rows[0]['id']})/paymentTerm")).status_code == 204
    assert (await bc.get(f"customers({ZERO})/currency")).status_code == 404
    assert (await bc.get(f"customers({rows[0]['id']})/nothing")).status_code == 404


async def test_contacts_information_needs_a_parent(bc: Client) -> None:
    customer = (await bc.rows("customers", top="1"))[0]["id"]
    assert refusal(await bc.get("contactsInformation")) == (400, "Application_DialogException")
    by_path = await bc.rows(f"customers({customer})/contactsInformation")
    condition = f"relatedId eq {customer} and relatedType eq 'Customer'"
    assert await bc.rows("contactsInformation", filter=condition) == by_path
    assert {row["contactType"] for row in by_path} >= {"Company"}


async def test_customer_contacts_are_the_persons_of_customers_only(bc: Client) -> None:
    rows = await bc.rows("customerContacts")
    persons = await bc.rows("contacts", filter="type eq 'Person' and contactBusinessRelation eq 'Customer'")
    assert {row["id"] for row in rows} == {row["id"] for row in persons}
    names = {row["id"]: row["displayName"] for row in await bc.rows("customers")}
    assert all(row["customerName"] == names[row["customerId"]] for row in rows)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "companies"), ("POST", "customerContacts"), ("PATCH", "customers")]
)
async def test_methods_that_a_set_does_not_take(bc: Client, method: str, path: str) -> None:
    url = f"{bc.running.api}/companies" if path == "companies" else f"{bc.company}/{path}"
    assert refusal(await bc.http.request(method, url, json={})) == (405, "BadRequest_MethodNotAllowed")


async def test_addresses_in_answers_follow_the_host_header(bc: Client) -> None:
    answer = await bc.http.get(
        f"{bc.company}/customers", headers={"Host": "erp.local:8080", "Prefer": "odata.maxpagesize=1"}
    )
    assert answer.json()["@odata.nextLink"].startswith("http://erp.local:8080/api/v2.0/")
