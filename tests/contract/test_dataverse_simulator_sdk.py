"""Microsoft's Dataverse SDK for Python against the simulator: a client that nobody here has written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.filters import col
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from tests.contract.parts import part_running

TOKEN = "token-of-the-sdk"


class FixedToken:
    """A credential that always has the simulator's token."""

    def get_token(self, *_: str, **__: object) -> AccessToken:
        return AccessToken(TOKEN, int((datetime.now(UTC) + timedelta(hours=1)).timestamp()))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with part_running("dataverse", "--token", TOKEN) as facts:
        settings = {"keys": {"account": [["accountnumber"]]}}
        httpx.post(f"{facts['url']}/_simulator/settings", json=settings).raise_for_status()
        yield facts["url"]


@pytest.fixture
def client(url: str) -> Iterator[DataverseClient]:
    # The constructor insists on https; the address is read at the first call only.
    client = DataverseClient("https://simulator.example", FixedToken())
    client._base_url = url
    with client:
        yield client


@pytest.fixture
def mark() -> str:
    """A word that the rows of one test share."""
    return uuid4().hex[:8]


def test_a_row_is_created_read_changed_and_deleted(client: DataverseClient) -> None:
    row_id = client.records.create("account", {"name": "Vértice Ñandú", "creditlimit": 1000.5, "donotemail": True})
    row = client.records.retrieve("account", row_id, select=["name", "creditlimit", "donotemail", "statecode"])
    assert row is not None
    assert (row["name"], row["creditlimit"], row["donotemail"], row["statecode"]) == ("Vértice Ñandú", 1000.5, True, 0)
    client.records.update("account", row_id, {"name": "Vértice"})
    row = client.records.retrieve("account", row_id, select=["name"])
    assert row is not None
    assert row["name"] == "Vértice"
    client.records.delete("account", row_id)
    assert client.records.retrieve("account", row_id, select=["name"]) is None


def test_a_contact_is_bound_to_its_company_and_expanded(client: DataverseClient, mark: str) -> None:
    account = client.records.create("account", {"name": f"Parent {mark}"})
    contact = client.records.create(
        "contact", {"lastname": mark, "parentcustomerid_account@odata.bind": f"/accounts({account})"}
    )
    row = client.records.retrieve(
        "contact",
        contact,
        select=["fullname", "_parentcustomerid_value"],
        expand=["parentcustomerid_account"],
        include_annotations="*",
    )
    assert row is not None
    assert row["_parentcustomerid_value"] == account
    assert row["parentcustomerid_account"]["name"] == f"Parent {mark}"
    assert row["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "account"


def test_many_rows_are_created_changed_and_read_page_by_page(client: DataverseClient, mark: str) -> None:
    ids = client.records.create("account", [{"name": f"{mark} {number:02}"} for number in range(25)])
    assert len(set(ids)) == 25
    client.records.update("account", ids, {"telephone1": "+45 1234"})
    pages = list(
        client.records.list_pages(
            "account",
            filter=f"startswith(name,'{mark}') and telephone1 eq '+45 1234'",
            select=["name"],
            orderby=["name desc"],
            page_size=10,
        )
    )
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [row["name"] for page in pages for row in page] == [f"{mark} {number:02}" for number in range(24, -1, -1)]


def test_the_query_builder_filters_and_sorts(client: DataverseClient, mark: str) -> None:
    client.records.create("account", [{"name": f"{mark} {size}", "numberofemployees": size} for size in (5, 50, 500)])
    query = (
        client.query.builder("account")
        .select("name", "numberofemployees")
        .where((col("name").like(f"{mark}%")) & (col("numberofemployees") > 5))
        .order_by("numberofemployees", descending=True)
        .top(5)
    )
    assert [row["numberofemployees"] for row in query.execute()] == [500, 50]


def test_rows_are_upserted_by_alternate_key(client: DataverseClient, mark: str) -> None:
    item = UpsertItem(alternate_key={"accountnumber": mark}, record={"name": "first"})
    client.records.upsert("account", [item])
    client.records.upsert("account", [UpsertItem(alternate_key={"accountnumber": mark}, record={"name": "second"})])
    several = [
        UpsertItem(alternate_key={"accountnumber": f"{mark}{number}"}, record={"name": f"{mark} many"})
        for number in range(3)
    ]
    client.records.upsert("account", several)
    client.records.upsert("account", several)
    found = client.records.list("account", filter=f"startswith(accountnumber,'{mark}')", select=["name"])
    assert sorted(row["name"] for row in found) == [f"{mark} many"] * 3 + ["second"]


def test_bulk_deletion_is_a_job_that_ends_a_little_later(client: DataverseClient, mark: str) -> None:
    ids = client.records.create("account", [{"name": mark} for _ in range(5)])
    job = client.records.delete("account", ids[:4])
    assert job
    deadline = time.monotonic() + 5
    while len(client.records.list("account", filter=f"name eq '{mark}'", select=["name"])) > 1:
        assert time.monotonic() < deadline, "the job never ran"
        time.sleep(0.05)
    row = client.records.retrieve("asyncoperation", job, select=["statecode", "statuscode"])
    assert row is not None
    assert (row["statecode"], row["statuscode"]) == (3, 30)
    client.records.delete("account", ids[4:], use_bulk_delete=False)
    assert not client.records.list("account", filter=f"name eq '{mark}'", select=["name"])


def test_a_batch_holds_single_operations_and_change_sets(client: DataverseClient, mark: str) -> None:
    batch = client.batch.new()
    with batch.changeset() as together:
        account = together.records.create("account", {"name": f"{mark} a"})
        together.records.create("contact", {"lastname": mark, "parentcustomerid_account@odata.bind": account})
        together.records.update("account", account, {"telephone1": "1"})
    batch.records.create("account", {"name": f"{mark} b"})
    batch.records.list("account", filter=f"startswith(name,'{mark} ')", select=["name", "telephone1"], top=5)
    result = batch.execute()
    assert [one.status_code for one in result.responses] == [204, 204, 204, 204, 200]
    rows = result.responses[4].data["value"]
    assert sorted((row["name"], row["telephone1"]) for row in rows) == [(f"{mark} a", "1"), (f"{mark} b", None)]


def test_a_failed_change_set_leaves_nothing_and_the_rest_goes_on(client: DataverseClient, mark: str) -> None:
    batch = client.batch.new()
    with batch.changeset() as together:
        together.records.create("account", {"name": mark})
        together.records.create("account", {"name": mark * 30})
    batch.records.create("account", {"name": f"{mark} after"})
    result = batch.execute(continue_on_error=True)
    assert [one.status_code for one in result.responses] == [400, 204]
    assert result.responses[0].error_code == "0x80044331"
    found = client.records.list("account", filter=f"startswith(name,'{mark}')", select=["name"])
    assert [row["name"] for row in found] == [f"{mark} after"]


def test_fetchxml_is_answered_in_pages(client: DataverseClient, mark: str) -> None:
    client.records.create("account", [{"name": f"{mark} {number}"} for number in range(7)])
    fetch = f"""<fetch count="3"><entity name="account"><attribute name="name" /><order attribute="name" />
        <filter><condition attribute="name" operator="like" value="{mark}%" /></filter></entity></fetch>"""
    rows = list(client.query.fetchxml(fetch).execute())
    assert [row["name"] for row in rows] == [f"{mark} {number}" for number in range(7)]


def test_sql_is_answered(client: DataverseClient, mark: str) -> None:
    client.records.create("account", [{"name": f"{mark} {number}"} for number in range(4)])
    rows = client.query.sql(f"SELECT TOP 3 name FROM account WHERE name LIKE '{mark}%' ORDER BY name DESC")
    assert [row["name"] for row in rows] == [f"{mark} {number}" for number in (3, 2, 1)]


def test_sql_joins_groups_and_skips(client: DataverseClient, mark: str) -> None:
    accounts = client.records.create("account", [{"name": f"{mark} {number}"} for number in range(3)])
    for number, account in enumerate(accounts):
        people = [{"lastname": mark, "parentcustomerid_account@odata.bind": f"/accounts({account})"}] * number
        if people:
            client.records.create("contact", people)
    grouped = client.query.sql(
        "SELECT a.name, COUNT(c.contactid) as people FROM account a LEFT JOIN contact c "
        f"ON a.accountid = c.parentcustomerid WHERE a.name LIKE '{mark}%' GROUP BY a.name ORDER BY people DESC"
    )
    assert [(row["name"], row["people"]) for row in grouped] == [(f"{mark} 2", 2), (f"{mark} 1", 1), (f"{mark} 0", 0)]
    distinct = client.query.sql(
        f"SELECT DISTINCT c.lastname FROM account a JOIN contact c ON c.parentcustomerid = a.accountid "
        f"WHERE a.name LIKE '{mark}%' AND (c.lastname = '{mark}' OR c.lastname IS NULL)"
    )
    assert [row["lastname"] for row in distinct] == [mark]
    skipped = client.query.sql(
        f"SELECT name FROM account WHERE name LIKE '{mark}%' ORDER BY name OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY"
    )
    assert [row["name"] for row in skipped] == [f"{mark} 1"]


def test_tables_columns_and_keys_are_described(client: DataverseClient) -> None:
    table = client.tables.get("account")
    assert table is not None
    assert (table.entity_set_name, table.primary_name_attribute) == ("accounts", "name")
    assert client.tables.get("no_such_table") is None
    assert {"account", "contact"} <= {one["LogicalName"] for one in client.tables.list()}
    assert client.tables.get_column("account", "no_such_column") is None
    column = client.tables.get_column("account", "name")
    assert column is not None
    assert column["AttributeType"] == "String"
    typed = client.tables.get_column("account", "name", typed=True)
    assert typed is not None
    assert typed["MaxLength"] == 160
    relationship = client.tables.get_relationship("contact_customer_accounts")
    assert relationship is not None
    assert relationship.referencing_entity == "contact"
    key = client.tables.create_alternate_key("contact", "contact_email", ["emailaddress1"])
    assert [one.schema_name for one in client.tables.get_alternate_keys("contact")] == ["contact_email"]
    client.tables.delete_alternate_key("contact", key.metadata_id)
    assert client.tables.get_alternate_keys("contact") == []


def test_choices_can_be_written_by_their_labels(client: DataverseClient) -> None:
    row_id = client.records.create("account", {"name": "labels", "customertypecode": "Vendor"})
    row = client.records.retrieve("account", row_id, select=["customertypecode"])
    assert row is not None
    assert row["customertypecode"] == 11


@pytest.mark.parametrize(
    ("row", "status", "code"),
    [
        ({"name": "x" * 161}, 400, "0x80044331"),
        ({"numberofemployees": -1}, 400, "0x8004432f"),
        ({"creditlimit": -1}, 400, "0x80044330"),
        ({"customertypecode": 99}, 400, "0x8004431a"),
        ({"no_such_column": "x"}, 400, "0x80048d19"),
    ],
)
def test_refusals_keep_their_status_and_code(
    client: DataverseClient, row: dict[str, object], status: int, code: str
) -> None:
    with pytest.raises(HttpError) as refusal:
        client.records.create("account", row)
    assert refusal.value.status_code == status
    assert refusal.value.details["service_error_code"] == code
    assert refusal.value.details["service_request_id"]


def test_throttling_is_told_as_transient(client: DataverseClient, url: str) -> None:
    fault = {"route": "accounts", "status": 429, "headers": {"Retry-After": "7"}}
    body = {"error": {"code": "0x80072322", "message": "Number of requests exceeded the limit"}}
    httpx.post(f"{url}/_simulator/faults", json={"refuse": [fault | {"body": body}]}).raise_for_status()
    with pytest.raises(HttpError) as refusal:
        client.records.list("account", top=1)
    assert refusal.value.is_transient
    assert refusal.value.details["retry_after"] == 7
