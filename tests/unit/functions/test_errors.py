"""The errors over HTTP: the list with its columns, filters and order, the causes, and what is refused for whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.core.mapping import DeletionConflictResolution
from shared.core.reasons import Reason
from shared.core.sides import Direction, Side
from shared.core.web_client import WebClient
from shared.services.repositories.work_items import WorkItem
from tests.unit.functions.api import Answered, Api
from tests.world import ACCOUNT, CURRENCIES, CUSTOMERS, World

WEB = WebClient("https://bc.example", "Contoso", "https://org.example")
TO, RESTORE = Direction.TO_INTEGRATION_TABLE, DeletionConflictResolution.RESTORE_RECORDS
NOBODY = "CUSTOMER|dataverse|00000000-0000-4000-8000-000000000000"


class Scene:
    """Coupled pairs by name, and what has become of them."""

    def __init__(self) -> None:
        self.api = Api()
        self.world = self.api.world
        self.world.services = replace(self.world.services, web_client=WEB)

    async def coupled(self, *names: str) -> None:
        """Pairs in step."""
        await self.world.open_all()
        for name in names:
            self.world.account(name=name, telephone1="1", emailaddress1=f"{name}@x.example")
        await self.world.synchronize("CUSTOMER")
        await self.world.synchronize("CUSTOMER")

    def customer(self, name: str) -> str:
        rows = self.world.business_central.rows(CUSTOMERS)
        return next(key for key, row in rows.items() if row["displayName"] == name)

    def account(self, name: str) -> str:
        return next(key for key, row in self.world.dataverse.rows(ACCOUNT).items() if row["name"] == name)

    def conflict(self, *names: str) -> None:
        """The phone number is edited on both sides."""
        for name in names:
            self.world.business_central.edit(CUSTOMERS, self.customer(name), {"phoneNumber": "2"})
            self.world.dataverse.edit(ACCOUNT, self.account(name), {"telephone1": "3"})

    async def rows(self, query: str = "") -> dict[str, Any]:
        """The rows of the list by title."""
        answer = await self.api.call("list_errors", query=query)
        assert answer.status == 200, answer.text
        return {row["title"]: row for row in answer.json["errors"]}

    async def act(self, operation: str, **body: Any) -> Answered:
        """Ask for an action and let its jobs be done."""
        answer = await self.api.call(operation, body=body)
        await self.world.work_off()
        return answer


@pytest.fixture
async def scene() -> Scene:
    """A conflict, a record deleted on each side, and a record that fits nowhere."""
    scene = Scene()
    await scene.coupled("Conflict", "No customer", "No account", "In step")
    scene.conflict("Conflict")
    scene.world.business_central.remove(CUSTOMERS, scene.customer("No customer"))
    scene.world.dataverse.remove(ACCOUNT, scene.account("No account"))
    scene.world.account(name="x" * 101)
    await scene.world.synchronize("CUSTOMER")
    return scene


def refusals(answer: Answered) -> dict[str, str]:
    return {one["id"]: one["refusal"]["code"] for one in answer.json["refused"]}


async def test_a_row_has_both_records_with_links_and_what_can_be_done(scene: Scene) -> None:
    row = (await scene.rows())["Conflict"]
    number = scene.world.row(CUSTOMERS, scene.customer("Conflict"))["number"]
    account = scene.account("Conflict")
    assert (row["table"], row["description"], row["record_exists"]) == ("Customer", f"{number} Conflict", True)
    assert (row["coupled_table"], row["coupled_to"], row["coupled_record_exists"]) == ("Account", "Conflict", True)
    assert row["address"].startswith("https://bc.example/?company=Contoso&page=21&filter=")
    assert (
        row["coupled_address"] == f"https://org.example/main.aspx?etn=account&pagetype=entityrecord&id=%7B{account}%7D"
    )
    assert (row["error"], row["failed_on"]) == (row["message"], row["last_at"])
    assert row["fields"] == [{"field": "phoneNumber", "business_central": "2", "dataverse": "3"}]
    assert row["id"] == f"CUSTOMER|{row['key']}"


async def test_what_exists_decides_what_is_offered_and_linked(scene: Scene) -> None:
    rows = await scene.rows()
    deleted = rows["No account"]
    assert (deleted["record_exists"], deleted["coupled_record_exists"], deleted["coupled_address"]) == (
        True,
        False,
        None,
    )
    assert deleted["actions"] == [
        "restore",
        "delete_records",
        "delete_coupling",
        "set_up_coupling",
        "synchronization_log",
    ]
    assert rows["No customer"]["actions"] == ["restore", "delete_records", "delete_coupling"]
    assert rows["No customer"]["description"].endswith(" No customer")
    uncoupled = rows["x" * 101]
    assert (uncoupled["coupled"], uncoupled["description"], uncoupled["coupled_to"]) == (False, None, "x" * 101)


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("reason=update_conflict", {"Conflict"}),
        ("source=dataverse&reason=deletion_conflict", {"No customer"}),
        ("text=ACCOUNT", {"No account"}),
        ("skipped=true", set()),
        ("since=2027-01-01T00:00:00Z", set()),
        ("since=2026-01-01T00:00:00Z&reason=value_refused", {"x" * 101}),
        ("mapping=vendor", set()),
    ],
)
async def test_the_list_can_be_narrowed(scene: Scene, query: str, titles: set[str]) -> None:
    assert set(await scene.rows(query)) == titles


@pytest.mark.parametrize(
    ("sort", "of"),
    [
        ("newest", lambda row: (-row["minute"],)),
        ("oldest", lambda row: (row["first_at"],)),
        ("next", lambda row: (row["next_at"],)),
        ("attempts", lambda row: (-row["attempts"],)),
        ("number", lambda row: (row["number"] is None, row["number"])),
        ("title", lambda row: (row["title"].casefold(),)),
    ],
)
async def test_the_list_is_sorted_and_paged_by_places_in_that_order(sort: str, of: Any) -> None:
    api = Api()
    items = [_item(api.world, at) for at in range(23)]
    await api.world.services.work_items("CUSTOMER").put(items)
    found: list[dict[str, Any]] = []
    after = ""
    while after is not None:
        page = (await api.call("list_errors", query=f"limit=2&sort={sort}&continuation={after}")).json
        assert page["count"] == len(items)
        found += page["errors"]
        after = page["continuation"]
    for row in found:
        row["minute"] = int(row["last_at"][14:16])
    assert found == sorted(found, key=lambda row: (*of(row), row["key"]))
    assert len({row["key"] for row in found}) == len(items)


def _item(world: World, at: int) -> WorkItem:
    """An error; no two orders put these into the same one."""
    now = world.clock.now()
    return WorkItem(
        "CUSTOMER", Side.DATAVERSE, f"{NOBODY[-36:-2]}{at * 7 % 23:02}", Reason.VALUE_REFUSED, "It is.", "job",
        first_at=now + timedelta(minutes=at * 5 % 23), last_at=now + timedelta(minutes=at * 3 % 23),
        next_at=now + timedelta(minutes=at * 11 % 23), attempts=1 + at * 13 % 23,
        number=f"{at * 17 % 23:02}" if at % 4 else None, title=f"{'aB'[at % 2]}ö{at * 19 % 23:02}",
    )  # fmt: skip


async def test_a_place_from_elsewhere_is_refused() -> None:
    answer = await Api().call("list_errors", query="continuation=somewhere")
    assert (answer.status, answer.code, answer.json["field"]) == (400, "invalid_value", "continuation")


async def test_asked_to_verify_the_list_tells_what_exists_now(scene: Scene) -> None:
    scene.world.dataverse.remove(ACCOUNT, scene.account("Conflict"))
    assert (await scene.rows())["Conflict"]["coupled_record_exists"]
    row = (await scene.rows("verify=true"))["Conflict"]
    assert (row["record_exists"], row["coupled_record_exists"]) == (True, False)
    assert "restore" in row["actions"]


async def test_looking_at_a_row_without_any_record_changes_nothing_and_the_next_try_removes_it(scene: Scene) -> None:
    customer = scene.customer("No account")
    scene.world.business_central.remove(CUSTOMERS, customer)
    stored = scene.world.state.calls["transact"]
    row = (await scene.rows("verify=true"))["No account"]
    assert (row["record_exists"], row["coupled_record_exists"], row["actions"]) == (False, False, ["delete_coupling"])
    assert scene.world.state.calls["transact"] == stored
    scene.world.clock.advance(hours=1)
    await scene.world.synchronize("CUSTOMER")
    assert not await scene.world.services.couplings("CUSTOMER").find(Side.BUSINESS_CENTRAL, [customer])
    assert "No account" not in await scene.rows()


async def test_one_cause_is_found_with_all_that_it_holds_and_the_call_that_cures_it() -> None:
    scene = Scene()
    await scene.world.open_all()
    await scene.world.change("CURRENCY", synch_only_coupled_records=True)
    await scene.world.change("CURRENCY", create_new_in=tuple(Side))
    currency = scene.world.business_central.put(CURRENCIES, {"code": "XYZ", "displayName": "Xyz"})
    for at in range(4):
        scene.world.customer(displayName=f"C{at}", currencyId=currency)
    await scene.world.synchronize()
    answer = (await scene.api.call("list_causes")).json
    (cause,) = answer["causes"]
    assert cause["sentence"] == "Currency XYZ Xyz is not coupled: holds 4 records of CUSTOMER."
    assert (cause["count"], cause["mappings"], cause["is_error"], len(cause["samples"])) == (
        4,
        {"CUSTOMER": 4},
        False,
        3,
    )
    fix = cause["fixes"][0]
    assert (fix["method"], fix["path"]) == ("POST", "couple")
    assert len(await scene.rows(f"waiting=true&cause={cause['id']}")) == 4
    assert (await scene.act("couple", **fix["body"])).status == 202
    await scene.world.synchronize("CUSTOMER")
    assert (await scene.api.call("list_causes")).json["causes"] == []


async def test_causes_name_what_they_hold_and_lead_out(scene: Scene) -> None:
    causes = {one["reason"]: one for one in (await scene.api.call("list_causes")).json["causes"]}
    assert set(causes) == {"update_conflict", "deletion_conflict", "value_refused"}
    assert causes["deletion_conflict"]["count"] == 1  # one by one: where the record is left is where it was
    assert causes["value_refused"]["sentence"].startswith("Values do not fit displayName in Business Central: holds 1")
    fixes = {fix["path"]: fix["body"] for fix in causes["update_conflict"]["fixes"]}
    assert fixes["errors/synchronize"]["filter"] == {"mapping": "CUSTOMER", "cause": causes["update_conflict"]["id"]}
    assert (await scene.act("synchronize_errors", **fixes["errors/synchronize"])).json["scheduled"] == 1
    assert "Conflict" not in await scene.rows()


# For each action: the rows it is done for, and why not for the others.
CASES: list[tuple[str, dict[str, Any], set[str], dict[str, str]]] = [
    ("retry_errors", {}, {"Conflict", "Long"},
     {"No customer": "coupled_to_deleted_record", "No account": "coupled_to_deleted_record"}),
    ("synchronize_errors", {"choice": "get"}, {"Conflict"},
     {"No customer": "coupled_to_deleted_record", "No account": "coupled_to_deleted_record", "Long": "not_coupled"}),
    ("restore_records", {}, {"No customer", "No account"}, {"Conflict": "both_records_exist", "Long": "not_coupled"}),
    ("delete_records", {}, {"No customer", "No account"}, {"Conflict": "both_records_exist", "Long": "not_coupled"}),
    ("delete_couplings", {}, {"No customer", "No account", "Conflict"}, {"Long": "not_coupled"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "more", "done", "refused", "by"),
    [*((*case, "ids") for case in CASES), (*CASES[1], "errors"), (*CASES[2], "filter")],
)
async def test_of_a_mixed_selection_the_possible_is_done_and_the_rest_named(
    scene: Scene, operation: str, more: dict[str, Any], done: set[str], refused: dict[str, str], by: str
) -> None:
    rows = await scene.rows()
    rows["Long"] = rows.pop("x" * 101)
    selections: dict[str, Any] = {
        "ids": [*(row["id"] for row in rows.values()), NOBODY],
        "errors": [{"mapping": "customer", "key": row["key"]} for row in rows.values()],
        "filter": {"mapping": "CUSTOMER"},
    }
    answer = await scene.act(operation, **{by: selections[by]}, **more)
    expected = {rows[name]["id"]: code for name, code in refused.items()} | (
        {NOBODY: "unknown_error"} if by == "ids" else {}
    )
    assert (answer.status, answer.json["scheduled"], refusals(answer)) == (202, len(done), expected)
    assert answer.json["refused_count"] == len(expected)
    left = await scene.rows()
    cured = operation != "retry_errors"
    assert {name for name in done if name in left} == (set() if cured else {"Conflict"})


async def test_where_nothing_can_be_done_nothing_is_started(scene: Scene) -> None:
    rows = await scene.rows()
    answer = await scene.act("restore_records", ids=[rows["Conflict"]["id"]])
    assert (answer.status, answer.json["id"], answer.json["jobs"], answer.json["scheduled"]) == (200, None, [], 0)


async def test_what_has_vanished_meanwhile_is_told_by_name(scene: Scene) -> None:
    rows = await scene.rows()
    scene.world.dataverse.remove(ACCOUNT, scene.account("Conflict"))
    scene.world.dataverse.remove(ACCOUNT, scene.account("x" * 101))
    scene.world.business_central.remove(CUSTOMERS, scene.customer("No account"))
    answer = await scene.act("synchronize_errors", ids=[rows["Conflict"]["id"]], choice="send")
    assert refusals(answer) == {rows["Conflict"]["id"]: "coupled_to_deleted_record"}
    answer = await scene.act("restore_records", ids=[rows["Conflict"]["id"], rows["No account"]["id"]])
    assert (answer.json["scheduled"], refusals(answer)) == (1, {rows["No account"]["id"]: "record_gone"})
    answer = await scene.act("retry_errors", ids=[rows["x" * 101]["id"]])
    assert refusals(answer) == {rows["x" * 101]["id"]: "record_gone"}


async def test_a_record_edited_since_its_error_was_looked_at_is_not_deleted(scene: Scene) -> None:
    row, customer = (await scene.rows())["No account"], scene.customer("No account")
    scene.world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "7"})
    answer = await scene.act("delete_records", ids=[row["id"]])
    assert refusals(answer) == {row["id"]: "edited_meanwhile"}
    assert customer in scene.world.business_central.rows(CUSTOMERS)


async def test_nothing_of_a_disabled_mapping_is_tried_again(scene: Scene) -> None:
    await scene.world.change("CUSTOMER", enabled=False)
    answer = await scene.act("retry_all_errors")
    assert (answer.status, set(refusals(answer).values())) == (200, {"mapping_disabled"})


async def test_retry_all_takes_everything_whatever_became_of_the_records(scene: Scene) -> None:
    answer = await scene.act("retry_all_errors")
    assert (answer.json["scheduled"], answer.json["refused"]) == (4, [])
    assert {row["attempts"] for row in (await scene.rows()).values()} == {2}


@pytest.mark.parametrize(
    ("operation", "body", "field"),
    [
        ("retry_errors", {}, None),
        ("retry_errors", {"ids": [NOBODY], "filter": {}}, None),
        ("retry_errors", {"filter": {"resaon": "update_conflict"}}, "filter.resaon"),
        ("retry_errors", {"ids": ["x"] * 1001}, "ids"),
        ("synchronize_errors", {"filter": {}, "fields": {"email": "dataverse"}}, None),
        ("synchronize_errors", {"ids": [NOBODY], "choice": "send", "fields": {"email": "dataverse"}}, None),
        ("set_up_coupling", {"error": {"mapping": "CUSTOMER", "key": "x"}}, None),
    ],
)
async def test_a_selection_must_be_one(operation: str, body: dict[str, Any], field: str | None) -> None:
    answer = await Api().call(operation, body=body)
    assert (answer.status, answer.json["field"]) == (400, field)


@pytest.mark.parametrize(("field", "words"), [("fax", "has no field fax"), ("balance", "has no field")])
async def test_a_field_that_cannot_be_chosen_is_named(scene: Scene, field: str, words: str) -> None:
    row = (await scene.rows())["Conflict"]
    answer = await scene.act("synchronize_errors", ids=[row["id"]], fields={field: "dataverse"})
    assert (answer.status, answer.code, answer.json["field"]) == (400, "unknown_field", f"fields.{field}")
    assert words in answer.json["detail"]


async def test_a_conflict_is_decided_field_by_field(scene: Scene) -> None:
    scene.world.business_central.edit(CUSTOMERS, scene.customer("Conflict"), {"email": "here@x.example"})
    scene.world.dataverse.edit(ACCOUNT, scene.account("Conflict"), {"emailaddress1": "there@x.example", "fax": "9"})
    row = (await scene.rows())["Conflict"]
    half = await scene.act("synchronize_errors", ids=[row["id"]], fields={"phoneNumber": "dataverse"})
    assert refusals(half) == {row["id"]: "update_conflict"}
    assert "email" in half.json["refused"][0]["refusal"]["message"]
    choices = {"phoneNumber": "dataverse", "email": "business_central"}
    assert (await scene.act("synchronize_errors", ids=[row["id"]], fields=choices)).status == 202
    values = scene.world.row(CUSTOMERS, scene.customer("Conflict"))
    assert (values["phoneNumber"], values["email"]) == ("3", "here@x.example")
    assert scene.world.row(ACCOUNT, scene.account("Conflict"))["emailaddress1"] == "here@x.example"
    assert "Conflict" not in await scene.rows()


async def test_one_way_mappings_go_their_own_way_and_never_the_other(scene: Scene) -> None:
    await scene.world.change("CUSTOMER", direction=TO)
    row = (await scene.rows())["Conflict"]
    answer = await scene.act("synchronize_errors", ids=[row["id"]], choice="get")
    assert refusals(answer) == {row["id"]: "direction_forbids"}
    assert (await scene.act("synchronize_errors", ids=[row["id"]])).json["scheduled"] == 1
    assert scene.world.row(ACCOUNT, scene.account("Conflict"))["telephone1"] == "2"


async def test_the_record_of_an_error_gets_another_partner_and_the_error_goes(scene: Scene) -> None:
    row, free = (await scene.rows())["No account"], scene.world.account(name="Free")
    error = {"mapping": "CUSTOMER", "key": row["key"]}
    taken = await scene.act("set_up_coupling", error=error, dataverse_id=scene.account("In step"))
    assert refusals(taken) == {row["id"]: "already_coupled"}
    done = await scene.act(
        "set_up_coupling", error=error, dataverse_id=free, synchronize_after_coupling="business_central_data"
    )
    assert (done.status, done.json["scheduled"]) == (202, 1)
    assert scene.world.row(ACCOUNT, free)["name"] == "No account"
    assert "No account" not in await scene.rows()


async def test_a_lost_partner_is_created_anew_by_setting_up_the_coupling(scene: Scene) -> None:
    row = (await scene.rows())["No account"]
    error = {"mapping": "CUSTOMER", "key": row["key"]}
    assert (await scene.act("set_up_coupling", error=error, create_new=True)).status == 202
    assert scene.account("No account")
    assert "No account" not in await scene.rows()


async def test_an_uncoupled_row_can_be_coupled_from_its_error(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.error_actions.PATIENCE", 0)
    row, customer = (await scene.rows())["x" * 101], scene.world.customer(displayName="Free")
    error = {"mapping": "CUSTOMER", "key": row["key"]}
    wrong = await scene.act("set_up_coupling", error=error, dataverse_id=scene.account("In step"))
    assert (wrong.status, wrong.json["field"]) == (400, "business_central_id")
    assert (await scene.act("set_up_coupling", error=error, business_central_id=customer)).json["scheduled"] == 1
    assert "x" * 101 not in await scene.rows()


async def test_find_for_deleted_marks_what_nobody_has_noticed_and_changes_nothing() -> None:
    scene = Scene()
    await scene.coupled("No customer", "No account", "Neither", "In step")
    await scene.world.change("CUSTOMER", direction=TO, deletion_conflict_resolution=RESTORE)
    scene.world.business_central.remove(CUSTOMERS, scene.customer("No customer"))
    scene.world.dataverse.remove(ACCOUNT, scene.account("No account"))
    scene.world.business_central.remove(CUSTOMERS, scene.customer("Neither"))
    scene.world.dataverse.remove(ACCOUNT, scene.account("Neither"))
    for expected in ((2, 1), (0, 0)):  # looked for again, nothing is new
        started = await scene.api.call("find_deleted", {"mapping": "customer"})
        await scene.world.work_off()
        job = (await scene.api.call("get_job", {"id": started.json["id"]})).json
        assert (job["failed"], job["uncoupled"]) == expected
        rows = await scene.rows()
        assert {name: row["reason"] for name, row in rows.items()} == dict.fromkeys(
            ("No customer", "No account"), "deletion_conflict"
        )
        assert {row["attempts"] for row in rows.values()} == {1}
    assert len(scene.world.business_central.rows(CUSTOMERS)) == 2
    everything = await scene.api.call("find_all_deleted")
    mappings = [stored.mapping.name for stored in await scene.world.services.mappings.all()]
    assert (everything.status, [job["mapping"] for job in everything.json["jobs"]]) == (202, mappings)
