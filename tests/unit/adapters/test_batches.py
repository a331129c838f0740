"""Batches on the wire: what is sent, and answers that are cut short, malformed or not a batch's at all."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from shared.adapters.business_central import BusinessCentral
from shared.adapters.dataverse import Dataverse
from shared.adapters.dataverse_batch import batch_answers
from shared.adapters.gate import RetryPolicy
from shared.adapters.tokens import FixedToken
from shared.adapters.wire import WireError
from shared.core.failures import NeedsPerson, Passing
from shared.core.records import Create, Delete, Refused, Update, Write, WriteResult, Written
from shared.defaults import standard_tables

LOCAL = "http://127.0.0.1:9"
CUSTOMERS = standard_tables()["business_central", "customers"]
ACCOUNT = standard_tables()["dataverse", "account"]
_QUICK = RetryPolicy(patience=0.1, first_wait=0.01)


def key(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def tokens() -> FixedToken:
    return FixedToken("local-token", LOCAL)


async def to_business_central(*replies: httpx.Response, writes: list[Write]) -> tuple[list[WriteResult], list[Any]]:
    """What these replies to batches, in turn, are taken for; and the parts of all batches that were sent."""
    waiting, parts = list(replies), []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Accept-Language"] == "en-US"  # locks are recognized by their English text
        parts.extend(json.loads(request.content)["requests"])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    store = BusinessCentral(LOCAL, "C1", tokens(), client=client, policy=_QUICK)
    return await store.write(CUSTOMERS, writes, ["displayName"]), parts


def summary(results: list[WriteResult]) -> list[str]:
    return [str(result.kind) if isinstance(result, Refused) else f"written {result.record.etag}" for result in results]


def responses(*parts: tuple[str, int, Any]) -> httpx.Response:
    return httpx.Response(
        200, json={"responses": [{"id": id, "status": status, "body": body} for id, status, body in parts]}
    )


async def test_business_central_answers_are_matched_by_id_and_missing_ones_are_in_doubt() -> None:
    body = {"id": key(2), "@odata.etag": "e2", "displayName": "B"}
    reply = responses(("002", 204, None), ("001", 200, body))
    writes: list[Write] = [
        Update(key(1), {"displayName": "A"}, "e1"),
        Update(key(2), {"displayName": "B"}),
        Delete(key(3)),
    ]
    results, parts = await to_business_central(reply, writes=writes)
    assert summary(results) == ["passing", "written e2", "written None"]
    assert [part["headers"]["If-Match"] for part in parts] == ["e1", "*", "*"]
    assert [part["url"] for part in parts] == [f"companies(c1)/customers({key(number)})" for number in (1, 2, 3)]


_STALE = {"error": {"code": "Request_EntityChanged", "message": "?"}}
_MADE = {"id": key(1), "@odata.etag": "e1"}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([("000", 201, _MADE), ("001", 409, _STALE)], ["written e1", "exists", "not_run"]),  # it stopped there
        ([("000", 201, _MADE)], ["written e1", "unknown", "unknown"]),
        ([("000", 409, _STALE), ("002", 201, _MADE)], ["exists", "unknown", "written e1"]),
        ([], ["unknown"] * 3),
    ],
)
async def test_a_create_without_an_answer_is_not_made_only_where_the_service_stopped(
    parts: list[tuple[str, int, Any]], expected: list[str]
) -> None:
    writes: list[Write] = [Create({"displayName": name}) for name in "ABC"]
    results, _ = await to_business_central(responses(*parts), writes=writes)
    assert [one if one != "changed" else "exists" for one in summary(results)] == expected


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"value": []}),
        httpx.Response(500, json={"error": {"code": "Internal_ServerError", "message": "?"}}),
        httpx.Response(504),
    ],
)
async def test_an_unreadable_answer_leaves_creates_unknown_and_the_others_to_repeat(reply: httpx.Response) -> None:
    writes: list[Write] = [Create({"displayName": "A"}), Update(key(1), {"displayName": "B"})]
    results, _ = await to_business_central(reply, writes=writes)
    assert summary(results) == ["unknown", "passing"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (502, "<html>Bad gateway</html>", "unknown"),
        (500, {"error": {"code": "Internal_ServerError", "message": "?"}}, "passing"),
    ],
)
async def test_a_create_that_a_gateway_answered_inside_a_batch_is_unknown(status: int, body: object, kind: str) -> None:
    results, _ = await to_business_central(responses(("000", status, body)), writes=[Create({"displayName": "A"})])
    assert summary(results) == [kind]


async def test_a_record_of_another_write_makes_an_answer_unreadable() -> None:
    writes: list[Write] = [Update(key(1), {"displayName": "A"}), Update(key(2), {"displayName": "B"})]
    bodies = [{"id": key(number), "@odata.etag": f"e{number}", "displayName": "x"} for number in (2, 1)]
    with pytest.raises(Passing):
        await to_business_central(responses(("000", 200, bodies[0]), ("001", 200, bodies[1])), writes=writes)
    rows = [b'HTTP/1.1 200 OK\r\n\r\n{"accountid":"%s"}' % key(number).encode() for number in (2, 1)]
    reply = httpx.Response(200, headers={"Content-Type": "multipart/mixed; boundary=r"}, content=multipart(*rows))
    with pytest.raises(Passing):
        await to_dataverse(reply, [Update(key(1), {"name": "A"}), Update(key(2), {"name": "B"})])


async def test_a_create_without_its_record_in_the_answer_is_unknown() -> None:
    results, _ = await to_business_central(responses(("000", 201, None)), writes=[Create({"displayName": "A"})])
    assert summary(results) == ["unknown"]


async def test_an_envelope_that_is_refused_refuses_each_of_its_writes() -> None:
    refusal = httpx.Response(400, json={"error": {"code": "BadRequest", "message": "malformed"}})
    results, _ = await to_business_central(refusal, writes=[Delete(key(1)), Delete(key(2))])
    assert summary(results) == ["invalid", "invalid"]


async def test_a_firewall_that_answers_in_place_of_a_service_refuses_no_record() -> None:
    refusal = httpx.Response(400, text="<html>Request blocked</html>")
    with pytest.raises(NeedsPerson, match="proxy or firewall between the app and Business Central"):
        await to_business_central(refusal, writes=[Delete(key(1))])
    with pytest.raises(NeedsPerson, match="proxy or firewall between the app and Dataverse"):
        await to_dataverse(refusal, [Delete(key(1))])


async def test_one_refused_chunk_does_not_lose_the_results_of_another() -> None:
    written = responses(*((f"{at:03}", 204, None) for at in range(20)))
    results, _ = await to_business_central(written, httpx.Response(403), writes=[Delete(key(at)) for at in range(40)])
    assert sorted(summary(results)) == ["forbidden"] * 20 + ["written None"] * 20


async def test_a_run_that_no_chunk_of_gets_through_fails_as_a_whole() -> None:
    with pytest.raises(NeedsPerson, match="Microsoft Entra Applications"):
        await to_business_central(httpx.Response(403), writes=[Delete(key(at)) for at in range(40)])
    with pytest.raises(Passing):
        await to_business_central(httpx.Response(503), writes=[Delete(key(at)) for at in range(40)])


def multipart(*parts: bytes, end: bytes = b"\r\n") -> bytes:
    head = b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    body = b"".join(b"--r\r\n" + head + part + b"\r\n" for part in parts) + b"--r--\r\n"
    return body.replace(b"\r\n", end)


_ROW = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"@odata.etag":"e1","name":"\xc3\xa4 --r\\r\\n"}'
_GONE = b"HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n\r\n\r\n"
_BUSY = b'HTTP/1.1 429 Unknown Error\r\nRetry-After: 7\r\n\r\n{"error":{"code":"0x80072322","message":"slow"}}'


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_parts_of_a_multipart_answer_are_read_in_order(end: bytes) -> None:
    answers = batch_answers("multipart/mixed; boundary=r", multipart(_ROW, _GONE, _BUSY, b"nonsense", end=end))
    assert answers == [
        {"@odata.etag": "e1", "name": "ä --r\r\n"},
        {},
        WireError(429, "0x80072322", "slow", 7),
        WireError(500, "", "status 500 without a message"),
    ]


def test_a_failed_change_set_is_read_through_its_nesting() -> None:
    inner = multipart(b'HTTP/1.1 400 Bad Request\r\n\r\n{"error":{"code":"1","message":"no"}}').replace(b"--r", b"--c")
    outer = b"--r\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" + inner + b"\r\n--r--\r\n"
    assert batch_answers("multipart/mixed; boundary=r", outer) == [WireError(400, "1", "no")]


async def to_dataverse(reply: httpx.Response, writes: list[Write]) -> tuple[list[WriteResult], str]:
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return reply

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    store = Dataverse(LOCAL, tokens(), client=client, policy=_QUICK)
    return await store.write(ACCOUNT, writes, ["name"]), sent[0].decode()


async def test_dataverse_parts_carry_their_conditions_and_ask_for_their_rows() -> None:
    writes: list[Write] = [
        Create({"name": "Ä\r\n--batch"}, key(1)),
        Update(key(2), {"fax": None}, 'W/"5"'),
        Delete(key(3)),
    ]
    reply = httpx.Response(
        200, headers={"Content-Type": "multipart/mixed; boundary=r"}, content=multipart(_GONE, _GONE, _GONE)
    )
    results, sent = await to_dataverse(reply, writes)
    assert results == [Written(result.record) for result in results if isinstance(result, Written)]
    assert sent.count("\n") == sent.count("\r\n")
    select = "$select=accountid,name,modifiedon"
    for expected in (
        f"PATCH /api/data/v9.2/accounts({key(1)})?{select} HTTP/1.1\r\n",
        "If-None-Match: *\r\n",
        '{"name":"\\u00c4\\r\\n--batch"}\r\n',
        f"PATCH /api/data/v9.2/accounts({key(2)})?{select} HTTP/1.1\r\n",
        'If-Match: W/"5"\r\n',
        '{"fax":null}\r\n',
        f"DELETE /api/data/v9.2/accounts({key(3)}) HTTP/1.1\r\nIf-Match: *\r\n\r\n\r\n",
    ):
        assert expected in sent


async def test_a_batch_that_stopped_early_did_not_run_the_rest() -> None:
    content = multipart(_GONE, b'HTTP/1.1 404 Not Found\r\n\r\n{"error":{"code":"0x80040217","message":"?"}}')
    reply = httpx.Response(400, headers={"Content-Type": "multipart/mixed; boundary=r"}, content=content)
    results, _ = await to_dataverse(reply, [Delete(key(number)) for number in (1, 2, 3)])
    assert summary(results) == ["written None", "gone", "not_run"]


async def test_a_batch_that_lost_answers_tells_nothing() -> None:
    reply = httpx.Response(200, headers={"Content-Type": "multipart/mixed; boundary=r"}, content=multipart(_GONE))
    with pytest.raises(Passing):
        await to_dataverse(reply, [Delete(key(1)), Delete(key(2))])
    results, _ = await to_dataverse(reply, [Create({"name": "A"}), Create({"name": "B"})])
    assert summary(results) == ["unknown", "unknown"]


@pytest.mark.parametrize(
    ("reply", "kinds"),
    [
        (httpx.Response(400, json={"error": {"code": "0x80060888", "message": "long"}}), ["invalid", "invalid"]),
        (httpx.Response(200, text="<html>"), ["unknown", "passing"]),
    ],
)
async def test_an_answer_that_is_no_batch_is_taken_for_all_of_it(reply: httpx.Response, kinds: list[str]) -> None:
    results, _ = await to_dataverse(reply, [Create({"name": "A"}), Delete(key(1))])
    assert summary(results) == kinds


async def test_reading_all_rows_begins_again_when_the_link_to_a_further_page_died() -> None:
    def page(number: int, **link: str) -> httpx.Response:
        return httpx.Response(200, json={"value": [{"id": key(number), "displayName": f"C{number}"}], **link})

    following = {"@odata.nextLink": f"{LOCAL}/api/v2.0/companies(c1)/customers?aid=FIN&$skiptoken=%27x%27"}
    died = httpx.Response(400, json={"error": {"code": "SkipTokenIsNoLongerValid", "message": "?"}})
    replies = [page(1, **following), died, page(1, **following), page(2)]
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return replies.pop(0)

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    store = BusinessCentral(LOCAL, "C1", tokens(), client=client, policy=_QUICK)
    found = [
        [record.values["displayName"] for record in page] async for page in store.pages(CUSTOMERS, ["displayName"])
    ]
    assert found == [["C1"], [], ["C2"]]
    assert asked[1] == asked[3] == following["@odata.nextLink"]
