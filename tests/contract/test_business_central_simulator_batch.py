"""`$batch` on the Business Central simulator: order, failures, snapshots, forms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.contract.business_central_simulator_client import Client, Row, refusal, simulator

UNKNOWN = "11111111-1111-1111-1111-111111111111"
GOOD: Row = {"method": "POST", "url": "customers", "body": {"displayName": "In a batch"}}
UNREADABLE = [
    "x",
    {"url": "companies"},
    {"method": "GET", "url": "http://[::1"},
    {"method": "GET", "url": "companies", "headers": [1]},
]
BAD: Row = {"method": "PATCH", "url": f"customers({UNKNOWN})", "body": {"city": "x"}}


@pytest.fixture(scope="module")
async def bc() -> AsyncIterator[Client]:
    async with simulator() as client:
        yield client


async def count(bc: Client) -> int:
    return int((await bc.get("customers/$count")).text)


def statuses(answer: httpx.Response) -> list[tuple[str, int]]:
    assert answer.status_code == 200, answer.text
    return [(one["id"], one["status"]) for one in answer.json()["responses"]]


@pytest.mark.parametrize(
    ("headers", "operations", "expected", "kept"),
    [
        ({}, [GOOD, GOOD], [201, 201], 2),
        ({}, [GOOD, BAD, GOOD], [201, 404], 1),
        ({}, [BAD, GOOD], [404], 0),
        ({"Prefer": "odata.continue-on-error"}, [GOOD, BAD, GOOD], [201, 404, 201], 2),
        ({"Prefer": "odata.continue-on-error=true"}, [BAD, GOOD], [404, 201], 1),
        ({"Prefer": "odata.continue-on-error=false"}, [BAD, GOOD], [404], 0),
        ({"Isolation": "snapshot"}, [GOOD, GOOD], [201, 201], 2),
        ({"Isolation": "snapshot"}, [GOOD, BAD, GOOD], [201, 404, 201], 0),
        ({"Isolation": "snapshot"}, [BAD, GOOD], [404], 0),
        ({"Isolation": "snapshot", "Prefer": "odata.continue-on-error"}, [BAD, GOOD], [404, 201], 0),
        ({}, [], [], 0),
    ],
)
async def test_what_a_failure_leaves(
    bc: Client, headers: dict[str, str], operations: list[Row], expected: list[int], kept: int
) -> None:
    before = await count(bc)
    answer = await bc.batch(operations, **headers)
    assert statuses(answer) == [(str(at), status) for at, status in enumerate(expected)]
    assert await count(bc) - before == kept


async def test_what_a_snapshot_reported_as_made_is_not_there(bc: Client) -> None:
    answer = await bc.batch([GOOD, BAD], Isolation="snapshot")
    made = answer.json()["responses"][0]["body"]
    assert (await bc.get(f"customers({made['id']})")).status_code == 404


@pytest.mark.parametrize("isolation", ["", "snapshot"])
async def test_operations_run_in_order_and_see_each_other(bc: Client, isolation: str) -> None:
    number = {"number": f"IN{isolation}", "displayName": "First"}
    condition = f"customers?$filter=number eq 'IN{isolation}'&$select=displayName"
    answer = await bc.batch(
        [{"method": "POST", "url": "customers", "body": number}, {"method": "GET", "url": condition}],
        Isolation=isolation,
    )
    rows = answer.json()["responses"][1]["body"]["value"]
    assert [row["displayName"] for row in rows] == ["First"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 400),
        ({"If-Match": "*"}, 415),
        ({"if-match": "*", "content-type": "application/json"}, 200),
    ],
    ids=["no tag", "no content type", "both, in lower case"],
)
async def test_every_operation_needs_its_own_headers(bc: Client, headers: dict[str, str], status: int) -> None:
    row = await bc.create("customers", displayName="Inner")
    operation = {"method": "PATCH", "url": f"customers({row['id']})", "body": {"city": "x"}, "headers": headers}
    answer = await bc.batch([operation], **{"If-Match": "*"})
    assert [one for _, one in statuses(answer)] == [status]


@pytest.mark.parametrize("amount", [100, 101])
async def test_a_batch_holds_100_operations(bc: Client, amount: int) -> None:
    answer = await bc.batch([{"method": "GET", "url": "customers?$top=1&$select=id"}] * amount)
    if amount == 100:
        assert len(statuses(answer)) == 100
    else:
        assert refusal(answer) == (500, "Unknown")
        assert "'100' query operations" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [{}, {"requests": 1}, *({"requests": [one]} for one in UNREADABLE)])
async def test_an_unreadable_batch_is_400(bc: Client, body: Any) -> None:
    answer = await bc.http.post(f"{bc.running.api}/$batch", json=body, headers={"Accept": "application/json"})
    assert answer.status_code == 400


async def test_a_company_may_be_named_by_a_header_of_the_operation(bc: Client) -> None:
    company = (await bc.http.get(f"{bc.running.api}/companies")).json()["value"][0]["name"]
    requests = [
        {"method": "GET", "url": "customers?$top=1", "headers": {"Company": company}},
        {"id": "b", "method": "GET", "url": f"{bc.running.api}/companies"},
        {"id": "c", "method": "GET", "url": "nothings"},
    ]
    answer = await bc.http.post(
        f"{bc.running.api}/$batch", json={"requests": requests}, headers={"Accept": "application/json"}
    )
    assert [(one["id"], one["status"]) for one in answer.json()["responses"]] == [(None, 200), ("b", 200), ("c", 404)]


async def test_json_comes_back_only_where_accept_asks_for_it(bc: Client) -> None:
    requests = [{"id": "1", "method": "GET", "url": f"companies({bc.running.company_id})/customers?$top=1"}]
    answer = await bc.http.post(f"{bc.running.api}/$batch", json={"requests": requests})
    assert answer.headers["Content-Type"].startswith("multipart/mixed; boundary=")
    assert "HTTP/1.1 200 OK" in answer.text


def part(method: str, url: str, body: str = "", *headers: str) -> str:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary", "", f"{method} {url} HTTP/1.1"]
    return "\r\n".join([*lines, *headers, "", body])


def multipart(boundary: str, *parts: str) -> str:
    return "".join(f"--{boundary}\r\n{one}\r\n" for one in parts) + f"--{boundary}--\r\n"


async def send(bc: Client, *parts: str) -> httpx.Response:
    headers = {"Content-Type": "multipart/mixed; boundary=outer"}
    return await bc.http.post(f"{bc.running.api}/$batch", content=multipart("outer", *parts), headers=headers)


async def test_multipart_in_and_out(bc: Client) -> None:
    url = f"companies({bc.running.company_id})/customers"
    json_type = "Content-Type: application/json"
    create = part("POST", url, '{"displayName": "Über multipart"}', json_type)
    change_set = "Content-Type: multipart/mixed; boundary=inner\r\n\r\n" + multipart("inner", create)
    answer = await send(bc, create, change_set, part("GET", f"{bc.running.api}/companies"), part("GET", url + "(x)"))
    assert answer.status_code == 200
    found = [line for line in answer.text.splitlines() if line.startswith("HTTP/1.1")]
    assert found == ["HTTP/1.1 201 Created", "HTTP/1.1 201 Created", "HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"]
    assert answer.text.count("Über multipart") == 2


async def test_a_change_set_holds_one_operation(bc: Client) -> None:
    create = part("POST", f"companies({bc.running.company_id})/customers", '{"displayName": "X"}')
    change_set = "Content-Type: multipart/mixed; boundary=inner\r\n\r\n" + multipart("inner", create, create)
    answer = await send(bc, change_set)
    assert answer.status_code == 500
    assert "Multiple requests within the same change set" in answer.text


async def test_a_batch_is_counted_with_its_operations_and_what_it_wrote(bc: Client) -> None:
    await bc.http.delete(f"{bc.running.url}/_simulator/stats")
    await bc.batch([GOOD, BAD])
    await bc.batch([GOOD, BAD], Isolation="snapshot")
    stats = (await bc.http.get(f"{bc.running.url}/_simulator/stats")).json()
    assert (stats["by_route"], stats["writes"]) == ({"POST $batch": 2}, 1)
    assert stats["operations_by_route"] == {"POST customers": 2, "PATCH customers(id)": 2}


async def test_an_operation_can_be_made_to_fail(bc: Client) -> None:
    fault = {"method": "POST", "route": "/customers$", "status": 500, "body": {"error": {}}, "operations": True}
    await bc.control("faults", refuse=[fault])
    answer = await bc.batch([GOOD, GOOD], Prefer="odata.continue-on-error")
    assert [one for _, one in statuses(answer)] == [500, 201]
