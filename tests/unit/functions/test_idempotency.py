"""A request that is sent twice under one Idempotency-Key is done once and answered alike."""

from __future__ import annotations

import asyncio

import pytest

from functions.api.operation import Call, NoQuery, Reply, operation
from shared.core.access import Role
from shared.core.failures import Passing
from shared.services.forms.base import Answer, Form
from shared.services.idempotency import KEPT, LONGEST_WORK, TABLE
from shared.services.problems import Problem
from tests.unit.functions.api import Answered, Api


class Order(Form):
    """What is ordered."""

    what: str = "tea"


class Served(Answer):
    """The how manieth order it was, and what it was."""

    number: int
    what: str = ""


class Kitchen:
    """An operation that counts how often it is really done, takes as long as a test lets it, and fails on demand."""

    def __init__(self) -> None:
        self.done = 0
        self.open = asyncio.Event()
        self.open.set()
        self.failure: Exception | None = None

        @operation(Role.OPERATOR, {202: Served}, once=True)
        async def order(call: Call[NoQuery, Order]) -> Reply:
            """Order."""
            await self.open.wait()
            if self.failure:
                raise self.failure
            self.done += 1
            return Reply(
                Served(number=self.done, what=call.body.what), 202, {"Location": call.address(f"orders/{self.done}")}
            )

        self.operation = order.at("POST", "orders")


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen()


async def ask(api: Api, kitchen: Kitchen, key: str | None = "monday", what: str = "tea") -> Answered:
    headers = {"idempotency-key": key} if key else {}
    return await api.call(kitchen.operation, body={"what": what}, headers=headers)


async def test_a_repetition_gets_the_first_answer_and_is_not_done_again(api: Api, kitchen: Kitchen) -> None:
    first, second = await ask(api, kitchen), await ask(api, kitchen)
    assert kitchen.done == 1
    assert (second.status, second.text, second.headers["location"]) == (202, first.text, first.headers["location"])
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("keys", [(None, None), ("monday", "tuesday")])
async def test_without_a_key_or_with_another_one_it_is_done_again(
    api: Api, kitchen: Kitchen, keys: tuple[str | None, str | None]
) -> None:
    numbers = [(await ask(api, kitchen, key)).json["number"] for key in keys]
    assert numbers == [1, 2]


async def test_a_key_is_good_for_one_request_only(api: Api, kitchen: Kitchen) -> None:
    await ask(api, kitchen)
    refused = await ask(api, kitchen, what="coffee")
    assert (refused.status, refused.code, refused.json["field"]) == (422, "idempotency_key_reused", "Idempotency-Key")
    assert kitchen.done == 1


async def test_of_two_at_once_one_is_done_and_the_other_told_to_wait(api: Api, kitchen: Kitchen) -> None:
    kitchen.open.clear()
    first = asyncio.create_task(ask(api, kitchen))
    await asyncio.sleep(0)
    second = await ask(api, kitchen)
    kitchen.open.set()
    assert ((await first).status, second.status, second.code) == (202, 409, "request_in_progress")
    assert int(second.headers["retry-after"]) > 0
    assert (await ask(api, kitchen)).text == (await first).text
    assert kitchen.done == 1


@pytest.mark.parametrize(
    ("failure", "status"),
    [(Problem(409, "mapping_disabled", "no"), 409), (Passing("busy", retry_after=7), 503), (RuntimeError("bug"), 500)],
)
async def test_what_was_refused_or_failed_may_be_asked_for_again(
    api: Api, kitchen: Kitchen, failure: Exception, status: int
) -> None:
    kitchen.failure = failure
    refused = await ask(api, kitchen)
    kitchen.failure = None
    assert (refused.status, (await ask(api, kitchen)).json["number"]) == (status, 1)


async def test_an_answer_is_kept_for_a_day(api: Api, kitchen: Kitchen) -> None:
    await ask(api, kitchen)
    api.world.clock.set(api.world.clock.now() + KEPT)
    assert (await ask(api, kitchen, what="coffee")).json["number"] == 2


async def test_a_first_attempt_that_died_does_not_hold_the_key_for_ever(api: Api, kitchen: Kitchen) -> None:
    kitchen.open.clear()
    dead = asyncio.create_task(ask(api, kitchen))
    await asyncio.sleep(0)
    kitchen.open.set()
    api.world.clock.set(api.world.clock.now() + LONGEST_WORK)
    assert (await ask(api, kitchen)).status == 202
    await dead


async def test_an_answer_longer_than_a_document_may_be_is_kept_as_well(api: Api, kitchen: Kitchen) -> None:
    teas = ", ".join(f"tea number {number}" for number in range(30_000))
    first, second = await ask(api, kitchen, what=teas), await ask(api, kitchen, what=teas)
    assert (first.text, kitchen.done, len(first.text) > 400_000) == (second.text, 1, True)


async def test_work_that_is_done_is_answered_though_the_answer_cannot_be_kept(
    api: Api, kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    kitchen.open.clear()
    asked = asyncio.create_task(ask(api, kitchen))
    await asyncio.sleep(0)

    async def down(*_: object) -> dict[str, str]:
        raise Passing("storage is busy")

    with monkeypatch.context() as patch:
        patch.setattr(api.world.state, "transact", down)
        kitchen.open.set()
        assert (await asked).status == 202
    assert (await ask(api, kitchen)).code == "request_in_progress"


async def test_old_answers_are_tidied_away_while_new_ones_come(api: Api, kitchen: Kitchen) -> None:
    for day in range(3):
        for number in range(40):
            await ask(api, kitchen, key=f"{day} {number}")
        api.world.clock.set(api.world.clock.now() + KEPT)
    kept = await api.world.state.scan(TABLE, "default")
    assert 40 <= len(kept) < 80
