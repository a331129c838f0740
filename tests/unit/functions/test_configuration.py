"""The configuration as a file: exported, imported into another app, previewed, refused with the line, or done whole."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import pytest

from shared import defaults
from shared.core.mapping import Mapping
from shared.defaults import standard_mappings
from shared.services.configuration_text import read_text
from tests.unit.functions.api import Answered, Api
from tests.world import CUSTOMERS, World

YAML = {"content-type": "application/yaml"}


@pytest.fixture
def api() -> Api:
    return Api()


async def exported(api: Api) -> str:
    answer = await api.call("export_configuration")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/yaml")
    return answer.text


async def ask(api: Api, text: str, query: str = "", **headers: str) -> Answered:
    return await api.call("import_configuration", query=query, raw=text.encode(), headers={**YAML, **headers})


async def preview(api: Api, text: str, query: str = "") -> dict[str, Any]:
    answer = await ask(api, text, query)
    assert answer.status == 200, answer.text
    assert answer.json["applied"] is False
    return dict(answer.json)


async def apply(api: Api, text: str, query: str = "") -> Answered:
    """Look, and then do what was shown."""
    digest = (await preview(api, text, query))["digest"]
    return await ask(api, text, f"{query}&preview=false&digest={digest}")


def planned(answer: dict[str, Any]) -> dict[str, str]:
    return {one["mapping"]: one["action"] for one in answer["mappings"]}


async def mapping(api: Api, name: str) -> Mapping:
    stored = await api.world.services.mappings.get(name)
    assert stored is not None
    return stored.mapping


# The standard set, and copies


async def test_a_fresh_app_exports_the_standard_set_and_importing_it_changes_nothing(api: Api) -> None:
    standard = (files(defaults) / "mappings.json").read_text("utf-8")
    mappings = [Mapping.model_validate(one) for one in read_text((await exported(api)).encode()).value["mappings"]]
    assert sorted(mappings, key=lambda one: one.name) == sorted(standard_mappings(), key=lambda one: one.name)
    for text in (standard, await exported(api)):
        answer = await preview(api, text, "remove_missing=true")
        assert set(planned(answer).values()) == {"unchanged"}
        assert (answer["problems"], len(answer["mappings"])) == ([], len(standard_mappings()))
        assert (await apply(api, text, "remove_missing=true")).json["applied"]
    assert (await api.call("list_configuration_changes")).json["changes"] == []


async def test_yaml_or_json_as_is_asked_for(api: Api) -> None:
    asked = [
        await api.call("export_configuration", query=query, headers=headers)
        for query, headers in (("format=json", {}), ("", {"accept": "application/json"}), ("format=yaml", {}))
    ]
    assert [one.headers["content-type"] for one in asked] == [
        "application/json",
        "application/json",
        "application/yaml",
    ]
    assert asked[0].json == asked[1].json == read_text(asked[2].text.encode()).value
    again = await api.call("import_configuration", body=asked[0].json, headers={"content-type": "application/json"})
    assert set(planned(again.json).values()) == {"unchanged"}


async def customized() -> Api:
    """An app whose configuration differs from the standard in many places."""
    api = Api()
    await api.call(
        "change_mapping",
        {"mapping": "CUSTOMER"},
        body={
            "synch_only_coupled_records": False,
            "update_conflict_resolution": "GetUpdateFromIntegration",
            "conflict_scope": "record",
            "interval_minutes": 7,
            "options": {"paymentTermsId": {"14 DAYS": 1, "no": 2}},
            "templates": [{"name": "DE", "side": "business_central", "values": {"country": "DE", "blocked": "no"}}],
        },
    )
    await api.call("change_mapping", {"mapping": "SALESPEOPLE"}, body={"enabled": False})
    return api


async def test_an_export_imported_into_another_app_makes_it_the_same() -> None:
    one, other = await customized(), Api(World(mappings=()))
    text = await exported(one)
    assert set(planned(await preview(other, text)).values()) == {"created"}
    answer = await apply(other, text)
    assert (answer.status, answer.json["applied"]) == (200, True)
    assert await exported(other) == text
    for api in (one, other):
        api.world.account(name="Contoso", telephone1="1")
        await api.world.synchronize("CUSTOMER")
    rows = [[*api.world.business_central.rows(CUSTOMERS).values()] for api in (one, other)]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 1


# The diff


async def test_the_preview_names_what_differs_and_does_nothing(api: Api) -> None:
    before = await exported(api)
    text = before.replace("name: VENDOR\n", "name: VENDOR\n    guard_percent: 50\n").replace(
        "      - {business_central: website, dataverse: websiteurl}\n", "", 1
    )
    answer = await preview(api, text)
    changed = {one["mapping"]: one["members"] for one in answer["mappings"] if one["action"] == "changed"}
    assert {"member": "guard_percent", "before": 25, "after": 50} in changed["VENDOR"]
    assert [one["member"] for members in changed.values() for one in members if "website" in one["member"]] == [
        "fields.website"
    ]
    assert await exported(api) == before
    assert answer["digest"]


async def test_what_is_applied_is_recorded_as_one_change(api: Api) -> None:
    text = (await exported(api)).replace("inactivity_timeout_minutes: 720", "inactivity_timeout_minutes: 60")
    answer = await apply(api, text)
    assert answer.json["applied"], answer.text
    (told,) = (await api.call("list_configuration_changes")).json["changes"]
    assert (told["occasion"], told["by"]) == ("import", "function key")
    named = {name for name, action in planned(answer.json).items() if action == "changed"}
    assert {one["mapping"] for one in told["edits"]} == named > {"CUSTOMER"}


async def test_mappings_that_are_not_in_the_file_stay_unless_they_are_to_go(api: Api) -> None:
    await api.call("change_mapping", {"mapping": "CONTACT"}, body={"enabled": False})
    document = read_text((await exported(api)).encode()).value
    document["mappings"] = [one for one in document["mappings"] if one["name"] != "CONTACT"]
    text = json.dumps(document)
    assert planned(await preview(api, text))["CONTACT"] == "unchanged"
    assert planned(await preview(api, text, "remove_missing=true"))["CONTACT"] == "removed"
    answer = await apply(api, text, "remove_missing=true")
    assert answer.json["applied"], answer.text
    assert await api.world.services.mappings.get("CONTACT") is None
    (job,) = (await api.call("list_jobs")).json["jobs"]
    assert (job["mapping"], job["requested_by"]) == ("CONTACT", "function key")
    await api.world.work_off()
    assert (await api.call("get_job", {"id": job["id"]})).json["status"] == "succeeded"
    assert await api.world.services.mappings.removal("CONTACT") is None


async def test_a_mapping_that_others_need_does_not_go(api: Api) -> None:
    document = read_text((await exported(api)).encode()).value
    document["mappings"] = [one for one in document["mappings"] if one["name"] != "CUSTOMER"]
    answer = await preview(api, json.dumps(document), "remove_missing=true")
    assert answer["digest"] is None
    assert {one["code"] for one in answer["problems"] if not one["warning"]} >= {"mapping_needed"}


# Doing what was looked at


async def test_without_the_digest_of_a_preview_nothing_is_applied(api: Api) -> None:
    text = (await exported(api)).replace("name: VENDOR\n", "name: VENDOR\n    guard_percent: 50\n")
    assert (await ask(api, text, "preview=false")).code == "digest_missing"
    assert (await ask(api, text, "preview=false&digest=guessed")).code == "configuration_moved"
    assert (await mapping(api, "VENDOR")).guard_percent == 25


async def test_a_digest_is_of_one_file_one_configuration_and_one_choice(api: Api) -> None:
    text = (await exported(api)).replace("name: VENDOR\n", "name: VENDOR\n    guard_percent: 50\n")
    digest = (await preview(api, text))["digest"]
    query = f"preview=false&digest={digest}"
    other = text.replace("guard_percent: 50", "guard_percent: 51")
    assert (await ask(api, other, query)).code == "configuration_moved"
    assert (await ask(api, text, f"{query}&remove_missing=true")).code == "configuration_moved"
    await api.call("change_mapping", {"mapping": "CURRENCY"}, body={"enabled": False})
    assert (await ask(api, text, query)).code == "configuration_moved"
    assert (await mapping(api, "VENDOR")).guard_percent == 25


async def test_who_is_overtaken_at_the_last_moment_changes_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (await exported(api)).replace("inactivity_timeout_minutes: 720", "inactivity_timeout_minutes: 60")
    transact, before = api.world.state.transact, await mapping(api, "CURRENCY")

    async def overtaken(table: str, partition: str, changes: Any) -> Any:
        monkeypatch.setattr(api.world.state, "transact", transact)
        await api.world.change("VENDOR", guard_percent=99)
        return await transact(table, partition, changes)

    digest = (await preview(api, text))["digest"]
    monkeypatch.setattr(api.world.state, "transact", overtaken)
    assert (await ask(api, text, f"preview=false&digest={digest}")).code == "configuration_moved"
    assert await mapping(api, "CURRENCY") == before


# Faulty files: what is replaced in the export, in which line it is told, about which member, and in which words.
FAULTY: dict[str, tuple[str, str, str, str]] = {
    "no version": ("version: 1\n", "", "version", "version must be 1"),
    "a later version": ("version: 1\n", "version: 2\n", "version", "version must be 1"),
    "a member that is unknown": ("version: 1\n", "version: 1\ncolour: blue\n", "colour", "the members are version,"),
    "a list that is none": ("mappings:\n", "mappings: []\nrest:\n", "rest", "rest is unknown"),
    "a flag that is a text": (
        "name: VENDOR\n",
        "name: VENDOR\n    enabled: yes\n",
        "enabled",
        "VENDOR: enabled must be",
    ),
    "a number that is a text": ("name: VENDOR\n", "name: VENDOR\n    guard_percent: '5'\n", "guard_percent", "whole"),
    "a number too large": ("name: VENDOR\n", "name: VENDOR\n    guard_percent: 101\n", "guard_percent", "equal to 100"),
    "a choice that is none": (
        "direction: FromIntegrationTable\n",
        "direction: Sideways\n",
        "direction",
        "'Bidirectional', 'ToIntegrationTable' or",
    ),
    "a mapping twice": ("name: VENDOR\n", "name: CUSTOMER\n", "name", "CUSTOMER is there twice"),
    "a name that is none": ("name: VENDOR\n", "name: two words\n", "name", "A to Z, 0 to 9"),
    "a mapping without a table": (
        "    business_central: {table: vendors, filter: blocked eq ' '}\n",
        "",
        "business_central",
        "VENDOR: business_central is missing",
    ),
    "a table that does not exist": ("table: vendors", "table: sellers", "business_central.table", "no table sellers"),
    "a filter that cannot be read": ("filter: type eq", "filter: type is", "business_central_filter", "."),
    "a filter of an unknown column": (
        "filter: type eq",
        "filter: kind eq",
        "business_central_filter",
        "no column kind",
    ),
    "a column that does not exist": ("dataverse: mobilephone}", "dataverse: telephone9}", "fields", "telephone9"),
    "a line with a member too many": (
        "dataverse: mobilephone}",
        "dataverse: mobilephone, speed: 1}",
        "speed",
        "unknown",
    ),
    "a parent that does not exist": (
        "depends_on: [CURRENCY, SALESPEOPLE]",
        "depends_on: [CURRENCY, NOBODY]",
        "depends_on",
        "no mapping NOBODY",
    ),
    "a match field without a line": (
        "- [email, displayName]",
        "- [email, fax]",
        "match_by",
        "no field mapping for fax",
    ),
    "a mapping that is a text": ("mappings:\n", "mappings:\n  - CUSTOMER\n", "mappings.0", "must have members"),
}


@pytest.mark.parametrize("case", FAULTY)
async def test_a_faulty_file_is_told_with_its_line_and_cannot_be_applied(api: Api, case: str) -> None:
    old, new, member, words = FAULTY[case]
    before = await exported(api)
    assert old in before
    text = before.replace(old, new, 1)
    answer = await preview(api, text)
    wrong = [one for one in answer["problems"] if not one["warning"]]
    told = [one for one in wrong if member in one["member"] and re.search(words, one["message"])]
    assert told, wrong
    assert answer["digest"] is None
    assert all(one["line"] for one in wrong)
    first = before[: before.index(old)].count("\n") + 1
    assert first - 1 <= told[0]["line"] <= first + new.count("\n") + 1
    refused = await ask(api, text, "preview=false&digest=any")
    assert (refused.status, refused.code) == (400, "faulty_configuration")
    assert await exported(api) == before


async def test_what_cannot_be_read_does_not_hide_what_is_wrong_elsewhere(api: Api) -> None:
    """A mapping that can be read is checked beside one that cannot; not for what the other might be to it."""
    text = (await exported(api)).replace("name: CURRENCY\n", "name: CURRENCY\n    guard_percent: many\n")
    text = text.replace("- [email, displayName]", "- [email, fax]").replace(
        "[CURRENCY, SALESPEOPLE]", "[CURRENCY, NEW]"
    )
    problems = (await preview(api, text))["problems"]
    assert {(one["mapping"], one["member"]) for one in problems if not one["warning"]} == {
        ("CURRENCY", "mappings.0.guard_percent"),
        ("CONTACT", "match_by"),
    }


async def test_every_problem_is_named_and_not_only_the_first(api: Api) -> None:
    text = (await exported(api)).replace("version: 1\n", "version: 3\n").replace("Bidirectional", "Both")
    answer = await preview(api, text)
    assert [one["member"].rpartition(".")[2] for one in answer["problems"]] == ["version", *["direction"] * 3]
    refused = await ask(api, text, "preview=false&digest=any")
    assert "And 3 more" in refused.json["detail"]


@pytest.mark.parametrize(
    ("text", "headers", "code"),
    [
        ("a: [", {}, "unreadable_file"),
        ("a: &x 1\nb: *x", {}, "unreadable_file"),
        ("version: 1", {"content-type": "application/json"}, "unreadable_file"),
        ("version: 1", {"content-type": "text/plain"}, "not_yaml"),
        ("x" * 1_000_001, {}, "body_too_large"),
    ],
)
async def test_a_file_that_is_none_is_refused(api: Api, text: str, headers: dict[str, str], code: str) -> None:
    assert (await api.call("import_configuration", raw=text.encode(), headers={**YAML, **headers})).code == code


@pytest.mark.parametrize("text", ["", "[]", "just a text", "{}", "version: 1", "mappings: []", "version: true"])
async def test_a_file_without_what_it_must_have_says_so(api: Api, text: str) -> None:
    answer = await preview(api, text)
    assert answer["digest"] is None
    assert answer["problems"]
    assert answer["mappings"] == []
