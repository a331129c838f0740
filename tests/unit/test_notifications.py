"""What needs a person is told: found in the state of the app, once, and never in the way of synchronization."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.failures import NeedsPerson, Passing
from shared.core.notifications import Card, Kind, Topic
from shared.core.sides import Side
from shared.memory.notifier import MemoryNotifier
from shared.ports import DeadLetter, JobMessage
from shared.services.context import Policy, Services
from shared.services.notifying import notifications_page, notify, send_test
from shared.services.pausing import pause
from shared.services.problems import Problem
from shared.services.run_slice import run_slice
from shared.services.ticking import tick
from tests.world import ACCOUNT, CUSTOMERS, World

EVERYBODY = "CONTACT, CURRENCY, CUSTOMER, SALESPEOPLE, VENDOR"


class Office:
    """A world with somebody who is told. Time passes in ticks of the timer."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.world = World(policy or Policy())
        self.notifier = MemoryNotifier()
        self.services: Services = replace(self.world.services, notifier=self.notifier)
        self.world.services = self.services

    async def wait(self, minutes: int) -> None:
        """Let the timer tick for so long; what is put off for later waits until then."""
        for _ in range(minutes):
            self.world.clock.advance(minutes=1)
            now = self.world.clock.now()
            await tick(self.services)
            while (due := self.world.queue.next_due()) is not None and due <= now + timedelta(seconds=30):
                self.world.clock.set(max(now, due))
                await self.work_off_what_is_due()
            self.world.clock.set(now)

    async def work_off_what_is_due(self) -> None:
        while (delivery := self.world.queue.receive()) is not None:
            await run_slice(self.services, delivery.message.body)
            self.world.queue.complete(delivery)

    @property
    def told(self) -> list[tuple[str, list[str]]]:
        """The kinds of messages, and what they were about."""
        return [(card.kind.value, [one.key for one in card.findings]) for card in self.notifier.cards]

    @property
    def last(self) -> Card:
        return self.notifier.cards[-1]


@pytest.fixture
async def office() -> Office:
    office = Office()
    await office.world.open_all()
    for number in (1, 2):
        office.world.customer(number=f"C{number}", displayName=f"Customer {number}", email=f"c{number}@x.example")
    await office.world.synchronize()
    return office


def conflict(office: Office, number: int) -> None:
    """Both records of a customer are edited in the same field."""
    customers, accounts = office.world.business_central.rows(CUSTOMERS), office.world.dataverse.rows(ACCOUNT)
    (customer,) = (key for key, row in customers.items() if row["number"] == f"C{number}")
    (account,) = (key for key, row in accounts.items() if row["name"] == f"Customer {number}")
    office.world.business_central.edit(CUSTOMERS, customer, {"city": "Rostock"})
    office.world.dataverse.edit(ACCOUNT, account, {"address1_city": "Bremen"})


def solve(office: Office) -> None:
    for key, row in office.world.dataverse.rows(ACCOUNT).items():
        if row["address1_city"] == "Bremen":
            office.world.dataverse.edit(ACCOUNT, key, {"address1_city": "Rostock"})


async def test_where_all_is_well_nobody_is_told_anything(office: Office) -> None:
    await office.wait(120)
    assert office.told == []


async def test_new_errors_are_told_once_by_mapping_and_cause(office: Office) -> None:
    conflict(office, 1)
    await office.wait(60)
    assert office.told == [("problem", ["errors|CUSTOMER|update_conflict|"])]
    assert office.last.findings[0].sentence == "1 record: The same data was edited on both sides."
    conflict(office, 2)
    await office.wait(60)
    assert office.told[1:] == [("problem", ["errors|CUSTOMER|update_conflict|"])]
    assert office.last.findings[0].count == 2
    solve(office)
    await office.wait(60)
    assert office.told[2:] == [("solved", ["errors|CUSTOMER|update_conflict|"])]
    assert office.last.title == "Solved: nothing needs a person any more"


@pytest.mark.parametrize(("wished", "samples"), [(False, ()), (True, ("C1 Customer 1",))])
async def test_records_are_named_only_where_that_is_wished(wished: bool, samples: tuple[str, ...]) -> None:
    office = Office(Policy(notify_records=wished))
    await office.world.open_all()
    office.world.customer(number="C1", displayName="Customer 1")
    await office.world.synchronize()
    conflict(office, 1)
    await office.wait(10)
    assert office.last.findings[0].samples == samples
    assert ("Customer 1" in str(office.last)) is wished


async def test_the_guard_asks_for_its_release(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stop(*args: object, **options: object) -> None:
        raise NeedsPerson("Too much would be lost.", code="guard_tripped")

    monkeypatch.setattr(office.world.dataverse, "changes", stop)
    await office.world.change("CUSTOMER", inactivity_timeout_minutes=None)
    await office.wait(60)
    assert [kind for kind, _ in office.told] == ["problem"]
    (finding,) = office.last.findings
    assert finding.topic is Topic.GUARD
    assert (finding.sentence, finding.mapping) == ("Too much would be lost.", EVERYBODY)
    assert "release_guard" in finding.advice


async def test_an_outage_is_told_once_and_its_end_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*args: object, **options: object) -> None:
        raise Passing("Dataverse is in trouble (503)", side=Side.DATAVERSE)

    for name in ("changes", "has_news"):
        monkeypatch.setattr(office.world.dataverse, name, away)
    await office.wait(4 * 60)
    assert [kind for kind, _ in office.told] == ["problem"]
    mappings = {name for one in office.last.findings for name in str(one.mapping).split(", ")}
    assert ", ".join(sorted(mappings)) == EVERYBODY
    monkeypatch.undo()
    await office.wait(60)
    assert [kind for kind, _ in office.told] == ["problem", "solved"]


async def test_missing_permissions_have_one_cause(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*args: object, **options: object) -> None:
        raise NeedsPerson("The app registration has no user.", side=Side.DATAVERSE, code="user")

    monkeypatch.setattr(office.world.dataverse, "changes", refuse)
    monkeypatch.setattr(office.world.dataverse, "has_news", refuse)
    await office.wait(60)
    (card,) = office.notifier.cards
    (finding,) = card.findings
    assert (finding.sentence, finding.mapping) == ("The app registration has no user.", EVERYBODY)


async def test_a_paused_mapping_is_not_late(office: Office) -> None:
    await pause(office.services, [one.mapping.name for one in await office.services.mappings.all()], "Ada", "", None)
    await office.wait(3 * 60)
    assert office.told == []


class Letters:
    """The dead letters of a queue that two connections share."""

    def __init__(self, *connections: str) -> None:
        self.letters = [
            DeadLetter(number, JobMessage(str(number), "s", {"connection": name}), "r", "d", World().clock.now(), 5)
            for number, name in enumerate(connections, 1)
        ]

    async def page(self, after: int | None, limit: int) -> list[DeadLetter]:
        return self.letters

    async def resubmit(self, numbers: object) -> list[DeadLetter]:
        return []


async def test_dead_letters_of_this_connection_are_told(office: Office) -> None:
    office.services = replace(office.services, dead_letters=Letters("default", "OTHER", "default"))
    await office.wait(60)
    assert office.told == [("problem", ["dead letters"])]
    assert office.last.findings[0].count == 2


async def test_what_cannot_be_delivered_is_tried_again_and_does_no_harm(office: Office) -> None:
    office.notifier.failure = Passing("The receiver of notifications cannot be reached (ConnectError).")
    conflict(office, 1)
    await office.wait(30)
    assert office.notifier.cards == []
    assert office.notifier.tries == 5  # after 2, 3, 5, 9 and 17 minutes
    page = await notifications_page(office.services, after=None, limit=10)
    assert (page.failures, page.trouble, [one.told for one in page.open]) == (5, str(office.notifier.failure), [False])
    assert (await office.services.runs("CUSTOMER").state()).last_message == ""
    office.notifier.failure = None
    await office.wait(30)
    assert [kind for kind, _ in office.told] == ["problem"]
    page = await notifications_page(office.services, after=None, limit=10)
    assert (page.failures, page.trouble, [one.told for one in page.open]) == (0, "", [True])


async def test_a_defect_in_the_telling_does_not_hinder_the_timer(office: Office) -> None:
    office.notifier.failure = None
    office.notifier.send = None  # type: ignore[assignment, method-assign]
    conflict(office, 1)
    await office.wait(5)
    assert [item.reason for item in await office.world.items("CUSTOMER")] == ["update_conflict"]


async def test_of_two_instances_one_tells(office: Office) -> None:
    other = replace(office.services)
    conflict(office, 1)
    await office.wait(2)
    for _ in range(8):
        office.world.clock.advance(minutes=1)
        await notify(office.services)
        await notify(other)
    assert len(office.notifier.cards) == 1


async def test_without_an_address_nothing_is_looked_for(office: Office) -> None:
    office.services = replace(office.services, notifier=None)
    before = office.world.state.calls["get"]
    assert not await notify(office.services)
    assert office.world.state.calls["get"] == before
    with pytest.raises(Problem, match="NOTIFICATION_URL"):
        await send_test(office.services)


async def test_unchanged_errors_are_not_read_again(office: Office) -> None:
    await office.wait(20)  # all mappings are on hold
    before = office.world.state.calls["scan"]
    await office.wait(10)
    mappings = 10 * 2 * 1  # which mappings there are is asked by both halves of a tick
    assert office.world.state.calls["scan"] - before <= mappings + 10 * 1


async def test_a_test_message_is_sent_at_once(office: Office) -> None:
    await send_test(office.services)
    assert (office.last.kind, office.last.connection) == (Kind.TEST, "default")
    office.notifier.failure = NeedsPerson("refused")
    with pytest.raises(Problem, match="refused"):
        await send_test(office.services)
