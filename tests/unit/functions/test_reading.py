"""What is wrong with a request is said with a code, the part that is wrong, and what helps; nothing is done then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from functions.api.operation import Reply
from shared.core.failures import NeedsPerson, Passing
from shared.core.sides import Side
from tests.unit.functions.api import BY_NAME, Answered, Api

CUSTOMER = {"mapping": "customer"}
EMPTY_MAPPING = {
    "name": "ITEMS",
    "business_central": {"table": "items"},
    "dataverse": {"table": "product"},
    "direction": "Bidirectional",
    "fields": [],
}


@pytest.fixture
def api() -> Api:
    return Api()


# The operation, what is sent, and the status, code and field of the refusal.
WRONG: list[tuple[str, dict[str, Any], int, str, str | None]] = [
    ("list_jobs", {"query": "limit=0"}, 400, "invalid_value", "limit"),
    ("list_jobs", {"query": "limit=1001"}, 400, "invalid_value", "limit"),
    ("list_jobs", {"query": "limit=1_0"}, 400, "invalid_value", "limit"),
    ("list_jobs", {"query": "limit=ten"}, 400, "invalid_value", "limit"),
    ("list_jobs", {"query": "status=done"}, 400, "invalid_value", "status"),
    ("list_jobs", {"query": "mapping=NOBODY"}, 404, "unknown_mapping", None),
    ("list_jobs", {"query": "mappnig=CUSTOMER"}, 400, "unknown_parameter", "mappnig"),
    ("list_errors", {"query": "waiting=yes"}, 400, "invalid_value", "waiting"),
    ("list_errors", {"query": "since=2026"}, 400, "invalid_value", "since"),
    ("list_errors", {"query": "since=2026-11-21"}, 400, "invalid_value", "since"),
    ("list_errors", {"query": "since=2026-11-21T00:00:00+01:00"}, 400, "invalid_value", "since"),  # a blank, that is
    ("list_jobs", {"query": "until=0001-01-01T00:00:00%2B14:00"}, 400, "invalid_value", "until"),
    ("record_log", {"query": "mapping=CUSTOMER&dataverse_id=K40090"}, 400, "invalid_value", "dataverse_id"),
    (
        "create_mapping",
        {"body": {**EMPTY_MAPPING, "templates": [{"name": "a", "side": "dataverse", "values": {"name": ["x"]}}]}},
        400,
        "invalid_value",
        "templates.0.values.name",
    ),
    (
        "create_mapping",
        {"body": {**EMPTY_MAPPING, "fields": [{"dataverse": ["name"], "direktion": "Bidirectional"}]}},
        400,
        "unknown_member",
        "fields.0.direktion",
    ),
    ("list_errors", {"query": "reason=bad_mood"}, 400, "invalid_value", "reason"),
    ("list_mappings", {"query": "enabled=1"}, 400, "invalid_value", "enabled"),
    ("health", {"query": "verbose=true"}, 400, "unknown_parameter", "verbose"),
    ("get_mapping", {"path": {"mapping": "NOBODY"}}, 404, "unknown_mapping", None),
    ("get_job", {"path": {"id": "8204736192200-c4c90d8d629e"}}, 404, "unknown_job", None),
    ("get_job", {"path": {"id": "8" * 101}}, 400, "invalid_value", "id"),
    ("list_jobs", {"query": f"continuation={'8' * 201}"}, 400, "invalid_value", "continuation"),
    ("delete_older_jobs", {"raw": b""}, 400, "invalid_value", "days"),
    ("change_mapping", {"path": CUSTOMER, "body": {"enabeld": True}}, 400, "unknown_member", "enabeld"),
    ("change_mapping", {"path": CUSTOMER, "body": {"enabled": "true"}}, 400, "invalid_value", "enabled"),
    ("change_mapping", {"path": CUSTOMER, "body": {"enabled": None}}, 400, "invalid_value", "enabled"),
    ("change_mapping", {"path": CUSTOMER, "body": {"guard_percent": 101}}, 400, "invalid_value", "guard_percent"),
    ("change_mapping", {"path": CUSTOMER, "body": [1]}, 400, "invalid_value", None),
    ("change_mapping", {"path": CUSTOMER, "raw": b"{'enabled'"}, 400, "invalid_json", None),
    ("change_mapping", {"path": CUSTOMER, "raw": b"\xff\xfe"}, 400, "invalid_json", None),
    ("change_mapping", {"path": CUSTOMER, "raw": b" " * 1_000_001}, 413, "body_too_large", None),
    (
        "change_mapping",
        {"path": CUSTOMER, "raw": b"{}", "headers": {"content-type": "text/plain"}},
        415,
        "not_json",
        None,
    ),
    ("change_mapping", {"path": CUSTOMER, "raw": b"{}", "headers": {"content-type": ""}}, 415, "not_json", None),
    (
        "change_mapping",
        {"path": CUSTOMER, "body": {"dataverse_filter": "name gt"}},
        400,
        "invalid_filter",
        "dataverse_filter",
    ),
    ("synchronize_all", {"headers": {"idempotency-key": "ä"}}, 400, "invalid_value", "Idempotency-Key"),
    ("synchronize_all", {"headers": {"idempotency-key": "x" * 201}}, 400, "invalid_value", "Idempotency-Key"),
]


@pytest.mark.parametrize(("operation", "sent", "status", "code", "field"), WRONG)
async def test_what_is_wrong_is_named(
    api: Api, operation: str, sent: Mapping[str, Any], status: int, code: str, field: str | None
) -> None:
    refused = await api.call(operation, **sent)
    problem = refused.json
    assert (refused.status, problem["code"], problem["field"]) == (status, code, field)
    assert refused.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["remedy"]
    assert field is None or problem["detail"].startswith(f"{field}: ")


async def test_all_that_is_wrong_is_named_at_once(api: Api) -> None:
    wrong = {"enabled": "true", "guard_percent": 101, "templates": [{"name": 1, "values": {}}], "colour": "red"}
    refused = await api.call("change_mapping", CUSTOMER, body=wrong)
    named = [problem["field"] for problem in refused.json["problems"]]
    assert set(named) == {"enabled", "guard_percent", "colour", "templates.0.name", "templates.0.side"}
    assert refused.json["field"] == named[0]


async def test_too_many_ids_are_counted(api: Api) -> None:
    refused = await api.call("retry_errors", body={"ids": ["x"] * 1001})
    assert refused.json["detail"] == "ids: may have at most 1000 items, and has 1001."


@pytest.mark.parametrize("operation", ["retry_all_errors", "pause_all", "resume_all", "start_full_synchronization"])
async def test_a_body_of_which_no_member_is_needed_may_be_left_out(api: Api, operation: str) -> None:
    assert (await api.call(operation, raw=b"", headers={"content-type": ""})).status in (200, 202)


async def test_a_body_may_begin_as_windows_writes_it(api: Api) -> None:
    raw = b'\xef\xbb\xbf{"enabled": true}'
    assert (await api.call("change_mapping", CUSTOMER, raw=raw)).status == 200


BRACES = "{2A601998-480D-51E2-B41A-32326D131495}"  # what getId() of a form in Dataverse answers


async def test_an_id_may_be_written_as_forms_of_dataverse_write_it(api: Api) -> None:
    """In capitals and in braces: in a query, in an address and in a body."""
    log = await api.call("record_log", query=f"mapping=CUSTOMER&dataverse_id={BRACES}")
    ribbon = await api.call("ribbon", {"table": "account", "id": BRACES})
    couple = await api.call(
        "couple", body={"mapping": "CUSTOMER", "pairs": [{"dataverse_id": BRACES, "create_new": True}]}
    )
    assert log.status == 200
    assert ribbon.code == "unknown_record"
    assert couple.json["pairs"][0]["dataverse"]["id"] == BRACES.strip("{}").lower()


@pytest.mark.parametrize(
    ("failure", "status", "code", "wait"),
    [
        (Passing("Busy.", side=Side.DATAVERSE, code="0x80072322", retry_after=7), 503, "service_unavailable", "7"),
        (NeedsPerson("No company.", side=Side.BUSINESS_CENTRAL, code="Internal_X"), 502, "service_refuses", None),
        (Passing("Away.", code="storage_unavailable"), 503, "storage_unavailable", "30"),
        (NeedsPerson("No queue.", code="queue_missing"), 502, "queue_missing", None),
    ],
)
async def test_a_service_in_trouble_is_told_with_a_code_of_this_app(
    api: Api, failure: Passing | NeedsPerson, status: int, code: str, wait: str | None
) -> None:
    async def fails(call: object) -> Reply:
        raise failure

    told = await api.call(replace(BY_NAME["list_connections"], handler=fails))
    assert (told.status, told.code, told.headers.get("retry-after")) == (status, code, wait)
    assert told.json["remedy"]


async def test_nothing_is_done_when_something_is_wrong(api: Api) -> None:
    before = (await api.call("get_mapping", CUSTOMER)).text
    wrong = {"enabled": False, "guard_percent": 101}
    assert (await api.call("change_mapping", CUSTOMER, body=wrong)).status == 400
    assert (await api.call("get_mapping", CUSTOMER)).text == before


@pytest.mark.parametrize("mapping", ["CUSTOMER", "NOBODY"])
async def test_no_answer_is_kept_on_the_way_or_taken_for_something_else(api: Api, mapping: str) -> None:
    headers = (await api.call("get_mapping", {"mapping": mapping})).headers
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


async def test_a_key_in_the_address_is_the_hosts_affair(api: Api) -> None:
    assert (await api.call("list_jobs", query="code=local-key")).status == 200


async def test_json_may_be_declared_with_its_charset(api: Api) -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    assert (await api.call("change_mapping", CUSTOMER, body={"enabled": True}, headers=headers)).status == 200


async def pages(api: Api, operation: str, member: str, query: str = "") -> list[list[Any]]:
    """All pages of two."""
    found: list[list[Any]] = []
    after = ""
    while True:
        page: Answered = await api.call(operation, query=f"limit=2&{query}&continuation={after}")
        assert page.status == 200, page.text
        found.append(page.json[member])
        after = page.json["continuation"]
        if after is None:
            return found


async def test_mappings_come_in_pages_and_can_be_filtered(api: Api) -> None:
    await api.call("change_mapping", CUSTOMER, body={"enabled": False})
    all_pages = await pages(api, "list_mappings", "mappings")
    names = [one["name"] for page in all_pages for one in page]
    assert names == sorted(names)
    assert [len(page) for page in all_pages] == [2, 2, 1]
    assert [one["name"] for page in await pages(api, "list_mappings", "mappings", "enabled=false") for one in page] == [
        "CUSTOMER"
    ]


async def test_errors_come_in_pages_the_newest_first_and_each_once(api: Api) -> None:
    await api.world.open_all()
    for length in range(101, 106):
        api.world.account(name="x" * length)
        await api.world.synchronize("CUSTOMER")
        api.world.clock.advance(minutes=1)
    all_pages = await pages(api, "list_errors", "errors", "mapping=customer&reason=value_refused")
    times = [one["last_at"] for page in all_pages for one in page]
    records = {one["record_id"] for page in all_pages for one in page}
    assert [len(page) for page in all_pages] == [2, 2, 1]
    assert times == sorted(times, reverse=True)
    assert len(records) == 5
    assert (await api.call("list_errors", query="reason=update_conflict")).json == {
        "errors": [],
        "count": 0,
        "continuation": None,
    }


async def test_null_is_refused_where_it_is_no_value_whatever_the_version(api: Api) -> None:
    headers = {"if-match": 'W/"an old one"'}
    refused = await api.call("change_mapping", CUSTOMER, body={"templates": None}, headers=headers)
    assert (refused.status, refused.json["field"]) == (400, "templates")
    assert (await api.call("change_mapping", CUSTOMER, body={"interval_minutes": None})).status == 200


async def test_a_mapping_is_changed_only_over_the_version_that_was_read(api: Api) -> None:
    etag = (await api.call("get_mapping", CUSTOMER)).headers["etag"]
    first = await api.call("change_mapping", CUSTOMER, body={"enabled": False}, headers={"if-match": etag})
    second = await api.call("change_mapping", CUSTOMER, body={"enabled": True}, headers={"if-match": etag})
    assert (first.status, second.status, second.code) == (200, 412, "mapping_changed")
    assert (await api.call("change_mapping", CUSTOMER, body={"enabled": True})).status == 200


async def test_long_work_answers_where_to_ask_and_who_asked(api: Api) -> None:
    started = await api.call("synchronize_mapping", CUSTOMER)
    assert (started.status, started.headers["retry-after"]) == (202, "2")
    assert started.headers["location"] == f"https://sync.example/api/jobs/{started.json['id']}"
    waiting = await api.call("get_job", {"id": started.json["id"]})
    assert (waiting.status, waiting.json["kind"]) == (202, "request")
    await api.world.work_off()
    ended = await api.call("get_job", {"id": started.json["id"]})
    assert (ended.status, ended.json["status"]) == (200, "succeeded")
    job = await api.call("get_job", {"id": ended.json["jobs"][0]["id"]})
    assert (job.json["kind"], job.json["requested_by"], job.json["errors"]) == ("job", "function key", [])


async def test_a_disabled_mapping_is_not_synchronized(api: Api) -> None:
    await api.call("change_mapping", CUSTOMER, body={"enabled": False})
    refused = await api.call("synchronize_mapping", CUSTOMER)
    assert (refused.status, refused.code) == (409, "mapping_disabled")
