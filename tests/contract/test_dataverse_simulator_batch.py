"""`$batch` of the Dataverse simulator: order, change sets, references, line ends, limits."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract.dataverse_simulator_client import Client, error_of, multipart, operation, parts_of, simulator


@pytest.fixture(scope="module")
async def dataverse() -> AsyncIterator[Client]:
    async with simulator() as client:
        yield client


ACCOUNTS = "/api/data/v9.2/accounts"
CONTACTS = "/api/data/v9.2/contacts"


async def batch(
    dataverse: Client, *parts: str | Sequence[str], prefer: str = "", line_end: str = "\r\n"
) -> httpx.Response:
    body, content_type = multipart(parts, line_end=line_end)
    return await dataverse("POST", "$batch", body, prefer=prefer, Content_Type=content_type)


def account(name: str, **headers: str) -> str:
    return operation("POST", ACCOUNTS, {"name": name}, **headers)


TOO_LONG = "x" * 161
CONTINUE = "odata.continue-on-error"


async def test_operations_are_answered_in_order_as_on_their_own(dataverse: Client) -> None:
    row_id = uuid4()
    answer = await batch(
        dataverse,
        account("one"),
        operation("PATCH", f"{dataverse.root}accounts({row_id})", {"name": "two"}),
        operation("GET", f"accounts({row_id})?$select=name"),
        operation("GET", f"{ACCOUNTS}?$select=name&$filter=name eq 'two' and statecode eq 0&$top=5"),
        operation("PUT", f"{ACCOUNTS}({row_id})/name", {"value": "three"}),
        operation("PATCH", f"{ACCOUNTS}({row_id})?$select=name", {"name": "four"}, Prefer="return=representation"),
        operation("DELETE", f"{ACCOUNTS}({row_id})", If_Match="*"),
    )
    assert answer.status_code == 200
    parts = parts_of(answer)
    assert [part.status_code for part in parts] == [204, 204, 200, 200, 204, 200, 204]
    for part in parts[:2]:
        assert part.headers["OData-EntityId"] == part.headers["Location"]
        assert "ETag" not in part.headers
    assert parts[1].headers["OData-EntityId"].endswith(f"({row_id})")
    assert parts[2].json()["name"] == parts[3].json()["value"][0]["name"] == "two"
    assert "OData-EntityId" not in {**parts[4].headers, **parts[6].headers}
    assert (parts[5].json()["name"], parts[5].headers["ETag"]) == ("four", parts[5].json()["@odata.etag"])


async def test_the_first_failure_ends_a_batch_unless_told_otherwise(dataverse: Client) -> None:
    parts = [account("before the failure"), account(TOO_LONG), account("behind the failure")]
    answer = await batch(dataverse, *parts)
    assert answer.status_code == 400
    assert [part.status_code for part in parts_of(answer)] == [204, 400]
    assert await dataverse.filtered("contains(name,'the failure')") == ["before the failure"]
    answer = await batch(dataverse, *parts, prefer=CONTINUE)
    assert answer.status_code == 200
    assert [part.status_code for part in parts_of(answer)] == [204, 400, 204]
    assert error_of(parts_of(answer)[1]) == (400, "0x80044331")


async def test_a_change_set_is_all_or_nothing_and_names_the_culprit(dataverse: Client) -> None:
    change_set = [account("set 1"), account("set 2"), account(TOO_LONG), account("set 4")]
    answer = await batch(dataverse, change_set, account("behind the set"), prefer=CONTINUE)
    assert answer.status_code == 200
    failed, behind = parts_of(answer)
    assert (failed.headers["Content-ID"], *error_of(failed)) == ("3", 400, "0x80044331")
    assert "changesetresponse_" in answer.text
    assert behind.status_code == 204
    assert await dataverse.filtered("startswith(name,'set ')") == []
    assert (await batch(dataverse, change_set)).status_code == 400


async def test_later_operations_of_a_set_refer_to_earlier_ones(dataverse: Client) -> None:
    answer = await batch(
        dataverse,
        [
            account("referred"),
            operation("POST", CONTACTS, {"lastname": "Ref", "parentcustomerid_account@odata.bind": "$1"}),
            operation("PATCH", "$1", {"primarycontactid@odata.bind": "$2"}, If_Match="*"),
            operation("PUT", "$2/firstname", {"value": "Rita"}),
            operation("PUT", "$1/parentaccountid/$ref", {"@odata.id": "$1"}),
        ],
        [account("second set")],
    )
    assert [part.status_code for part in parts_of(answer)] == [204] * 6
    assert [part.headers.get("Content-ID") for part in parts_of(answer)] == ["1", "2", "3", "4", "5", "1"]
    row = (await dataverse.rows("accounts?$filter=name eq 'referred'&$expand=primarycontactid,parentaccountid"))[0]
    assert row["primarycontactid"]["fullname"] == "Rita Ref"
    assert row["primarycontactid"]["_parentcustomerid_value"] == row["accountid"] == row["parentaccountid"]["accountid"]


@pytest.mark.parametrize(
    ("change_set", "code"),
    [
        ([operation("PATCH", "$1", {"name": "x"})], "0x80060888"),
        ([operation("POST", CONTACTS, {"parentcustomerid_account@odata.bind": "$2"}), account("late")], "0x80060888"),
        # The answer of the first has no address that $1 could mean.
        ([account("shown", Prefer="return=representation"), operation("PATCH", "$1", {"name": "x"})], "0x80060888"),
        ([operation("GET", ACCOUNTS)], "0x80060888"),
    ],
)
async def test_what_a_change_set_cannot_hold(dataverse: Client, change_set: list[str], code: str) -> None:
    answer = await batch(dataverse, change_set)
    assert answer.status_code == 400
    assert error_of(parts_of(answer)[0]) == (400, code)
    assert await dataverse.filtered("name eq 'late' or name eq 'shown'") == []


async def test_references_end_with_their_change_set(dataverse: Client) -> None:
    answer = await batch(dataverse, [account("of the first")], [operation("DELETE", "$1")], prefer=CONTINUE)
    assert [part.status_code for part in parts_of(answer)] == [204, 400]


async def test_a_refused_version_fails_its_set(dataverse: Client) -> None:
    row_id = await dataverse.create("accounts", name="versioned")
    change = operation("PATCH", f"{ACCOUNTS}({row_id})", {"name": "x"}, If_Match='W/"1"')
    answer = await batch(dataverse, [account("with it"), change])
    assert answer.status_code == 412
    assert error_of(parts_of(answer)[0]) == (412, "0x80060882")
    assert await dataverse.filtered("name eq 'with it'") == []


async def test_bare_line_feeds_make_a_body_unreadable(dataverse: Client) -> None:
    answer = await batch(dataverse, account("line feeds"), line_end="\n")
    assert answer.status_code == 400
    assert error_of(parts_of(answer)[0]) == (400, "0x80048d19")
    assert "Stream was not readable." in answer.text
    mended = account("line feeds").replace("\r\n", "\n") + "\n\n"
    assert (await batch(dataverse, mended, line_end="\n")).status_code == 200
    reading = operation("GET", f"{ACCOUNTS}?$top=1")
    assert (await batch(dataverse, reading, line_end="\n")).status_code == 200


async def test_a_batch_holds_a_thousand_operations(dataverse: Client) -> None:
    reading = operation("GET", f"{ACCOUNTS}?$select=name&$top=1")
    answer = await batch(dataverse, *[reading] * 1000)
    assert len(parts_of(answer)) == 1000
    refused = await batch(dataverse, *[reading] * 1001)
    assert error_of(refused) == (400, "0x80060888")
    inner = multipart([reading])[0].decode()
    nested = operation("POST", "/api/data/v9.2/$batch") + inner
    assert error_of(parts_of(await batch(dataverse, nested))[0]) == (400, "0x80060888")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", json.dumps({"requests": []})),
        ("multipart/mixed", "--b\r\n\r\n--b--\r\n"),
        ("multipart/mixed; boundary=b", "--b\r\nContent-Type: application/http\r\n\r\nGET /x HTTP/1.1\r\n"),
    ],
)
async def test_what_is_no_batch_gets_a_plain_error(dataverse: Client, content_type: str, body: str) -> None:
    answer = await dataverse("POST", "$batch", body.encode(), Content_Type=content_type)
    assert answer.status_code == 400
    assert "error" in answer.json()


async def test_bulk_messages_work_inside_a_batch(dataverse: Client) -> None:
    name = "Microsoft.Dynamics.CRM."
    targets = [{"@odata.type": f"{name}account", "name": f"bulk in batch {number}"} for number in range(3)]
    answer = await batch(dataverse, operation("POST", f"{ACCOUNTS}/{name}CreateMultiple", {"Targets": targets}))
    body: dict[str, Any] = parts_of(answer)[0].json()
    assert len(body["Ids"]) == 3
