"""A month of a company, from Monday to Monday, on a virtual clock: what the documentation says of schedules holds.

People edit on working days; nights and weekends are idle. Once Dataverse is away for hours, once a mapping is paused,
once a record is held, once two people contradict each other, once a customer is deleted. The use cases are the real
ones, driven as the timer and the queue drive them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest

from shared.core.access import Caller
from shared.core.jobs import Job, Trigger
from shared.core.mapping import Mapping
from shared.core.retention import Retention
from shared.core.schedule import ScheduleStatus
from shared.core.sides import Side
from shared.core.tables import Table
from shared.memory.clock import START
from shared.memory.notifier import MemoryNotifier
from shared.memory.rows import MemoryRows
from shared.services.context import Policy
from shared.services.forms.schedules import HoldRequest, ReleaseRequest
from shared.services.held_records import hold, release
from shared.services.pausing import pause
from shared.services.repositories.jobs import JOB
from shared.services.retention import remove_what_is_old
from shared.services.run_slice import run_slice
from shared.services.scheduling import standing_of
from shared.services.ticking import tick
from tests.world import ACCOUNT, CUSTOMERS, World

BC, DV = Side.BUSINESS_CENTRAL, Side.DATAVERSE
ADA = Caller("Ada")
EVERY = 15  # minutes between two runs
TICK = timedelta(minutes=EVERY)  # between two points of the grid nothing can fall due but messages
HOURS = range(9, 17)  # half past each of these hours of a working day somebody edits a customer
CUSTOMERS_THERE = 8
PHONE = {BC: "phoneNumber", DV: "telephone1"}
NAMES = [f"Customer {number}" for number in range(CUSTOMERS_THERE)]


def at(day: int, clock: str) -> datetime:
    """A time of day; the first day is the Monday on which everything begins."""
    hour, minute = map(int, clock.split(":"))
    return START.replace(hour=hour, minute=minute) + timedelta(days=day)


@dataclass
class Month:
    """The world, what happens in it when, and what was seen at each moment."""

    world: World = field(default_factory=lambda: World(POLICY, MAPPINGS))
    notifier: MemoryNotifier = field(default_factory=MemoryNotifier)
    plan: dict[datetime, list[Callable[[], object]]] = field(default_factory=dict)
    calls: dict[datetime, Counter[str]] = field(default_factory=dict)
    stands: dict[datetime, ScheduleStatus] = field(default_factory=dict)
    log: dict[str, Job] = field(default_factory=dict)
    under_way: dict[tuple[Side, str, str], datetime] = field(default_factory=dict)
    delays: Counter[timedelta] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.world.services = replace(self.world.services, notifier=self.notifier)

    # What people do

    def side(self, side: Side) -> tuple[MemoryRows, Table]:
        return (self.world.business_central, CUSTOMERS) if side is BC else (self.world.dataverse, ACCOUNT)

    def find(self, side: Side, name: str) -> str:
        """The id of a customer."""
        rows, table = self.side(side)
        title = "displayName" if side is BC else "name"
        return next(key for key, row in rows.rows(table).items() if row[title] == name)

    def edit(self, side: Side, name: str, column: str, value: str) -> None:
        rows, table = self.side(side)
        rows.edit(table, self.find(side, name), {column: value})

    def shows(self, side: Side, name: str, column: str) -> object:
        rows, table = self.side(side)
        return rows.rows(table)[self.find(side, name)][column]

    def daily_edit(self, day: int, hour: int) -> None:
        """Somebody changes a telephone number, by turns in one system and in the other."""
        side = BC if hour % 2 else DV
        name = NAMES[2 + (day + hour) % (CUSTOMERS_THERE - 2)]
        value = f"{day}-{hour}"
        self.edit(side, name, PHONE[side], value)
        self.under_way[side.other, name, value] = self.world.clock.now()

    def away(self, side: Side, hours: float) -> None:
        self.side(side)[0].throttle(hours * 3600)

    # What the app does

    async def pass_by(self, until: datetime) -> None:
        """Tick after tick."""
        clock = self.world.clock
        while clock.now() < until:
            now = clock.now() + TICK
            await self._work_off(now)
            clock.set(now)
            for deed in self.plan.pop(now, ()):
                found = deed()
                if found is not None:
                    await found  # type: ignore[misc]
            await tick(self.world.services)
            if (now.hour, now.minute) == (3, 15):
                await remove_what_is_old(self.world.services)
            await self._work_off(now)
            await self._note(now)

    async def _work_off(self, until: datetime) -> None:
        """Deliver what falls due until then."""
        queue, clock = self.world.queue, self.world.clock
        while (due := queue.next_due()) is not None and due <= until:
            clock.set(max(due, clock.now()))
            delivery = queue.receive()
            assert delivery is not None
            await run_slice(self.world.services, delivery.message.body)
            queue.complete(delivery)

    async def _note(self, now: datetime) -> None:
        self._see_what_arrived(now)
        business_central, dataverse = self.world.business_central, self.world.dataverse
        self.calls[now] = business_central.calls + dataverse.calls
        business_central.calls.clear()
        dataverse.calls.clear()
        services = self.world.services
        state = await services.runs("CUSTOMER").state()
        self.stands[now] = (await standing_of(services, MAPPINGS[0], state)).status
        if self.calls[now]["changes"] or self.stands[now] is ScheduleStatus.LATE:
            rows = await self.world.state.scan("jobs", "default", limit=4)
            self.log |= {row.key: JOB.unpack(row.body) for row in rows}

    def _see_what_arrived(self, now: datetime) -> None:
        for (side, name, value), since in list(self.under_way.items()):
            if self.shows(side, name, PHONE[side]) == value:
                self.delays[now - since] += 1
                del self.under_way[side, name, value]

    # What was seen

    def between(self, first: datetime, last: datetime) -> Counter[str]:
        """The calls to both services after the one moment, up to the other."""
        return sum((calls for now, calls in self.calls.items() if first < now <= last), Counter())

    def looked_for_deletions(self, first: datetime, last: datetime) -> list[datetime]:
        """When a deletion in Business Central would have been seen."""
        return [now for now, calls in self.calls.items() if first < now <= last and (calls["ids"] or calls["count"])]

    def stood(self, first: datetime, last: datetime) -> set[ScheduleStatus]:
        return {status for now, status in self.stands.items() if first < now <= last}

    def jobs(self, **members: object) -> list[Job]:
        """The jobs of the month, oldest first."""
        found = [job for job in self.log.values() if all(getattr(job, name) == one for name, one in members.items())]
        return sorted(found, key=lambda job: job.requested_at)


POLICY = Policy(
    interval=timedelta(minutes=EVERY),
    schedule="0 */15 * * * *",
    retention=Retention(jobs=timedelta(days=14), idle_jobs=timedelta(days=2)),
)
MAPPINGS: tuple[Mapping, ...] = tuple(
    mapping.model_copy(update={"depends_on": ()}) for mapping in World().mappings if mapping.name == "CUSTOMER"
)


@pytest.fixture(scope="module")
async def month() -> Month:
    """The month as it went."""
    month = Month()
    await month.world.open_all()
    for name in NAMES:
        month.world.customer(displayName=name)
    await month.world.synchronize()
    month.world.clock.set(at(0, "08:00"))
    for day in range(28):
        for hour in HOURS if day % 7 < 5 else ():
            when(month, day, f"{hour:02}:30", partial(month.daily_edit, day, hour))
    for deed in (an_outage, a_pause, a_held_record, a_conflict, a_deletion):
        deed(month)
    await month.pass_by(at(28, "08:00"))
    return month


def when(month: Month, day: int, clock: str, deed: Callable[[], object]) -> None:
    month.plan.setdefault(at(day, clock), []).append(deed)


OUTAGE = (at(2, "11:00"), at(2, "15:00"))


def an_outage(month: Month) -> None:
    """On the first Wednesday Dataverse asks for a pause of four hours."""
    when(month, 2, "11:00", lambda: month.away(DV, 4))


PAUSE = (at(8, "10:00"), at(8, "16:00"))


def a_pause(month: Month) -> None:
    """On the second Tuesday a person pauses the mapping until four."""
    services = month.world.services
    when(month, 8, "10:00", lambda: pause(services, ["CUSTOMER"], ADA.label, "Migration", PAUSE[1]))


def a_held_record(month: Month) -> None:
    """From the second Thursday to the third Monday a customer is held; both its records are edited meanwhile."""
    services, name = month.world.services, NAMES[0]

    async def keep() -> None:
        request = HoldRequest(mapping="CUSTOMER", business_central_ids=(month.find(BC, name),), reason="Lawsuit")
        await hold(services, request, ADA)

    async def let_go() -> None:
        await release(services, ReleaseRequest(mapping="CUSTOMER", business_central_ids=(month.find(BC, name),)))

    when(month, 10, "09:00", keep)
    when(month, 10, "10:00", lambda: month.edit(BC, name, "city", "Rostock"))
    when(month, 11, "10:00", lambda: month.edit(DV, name, "websiteurl", "https://c0.example"))
    when(month, 14, "09:00", let_go)


def a_conflict(month: Month) -> None:
    """On the third Wednesday two people contradict each other; on Thursday one gives way."""
    name = NAMES[1]
    when(month, 16, "10:00", lambda: month.edit(BC, name, "city", "Kiel"))
    when(month, 16, "10:00", lambda: month.edit(DV, name, "address1_city", "Bremen"))
    when(month, 17, "10:00", lambda: month.edit(DV, name, "address1_city", "Kiel"))


def a_deletion(month: Month) -> None:
    """On the third Saturday a customer is deleted in Business Central, which tells nobody; on Monday its account."""
    name = NAMES[1]
    when(month, 19, "12:30", lambda: month.world.business_central.remove(CUSTOMERS, month.find(BC, name)))
    when(month, 21, "09:00", lambda: month.world.dataverse.remove(ACCOUNT, month.find(DV, name)))


# What is expected


def weekdays() -> list[int]:
    return [day for day in range(28) if day % 7 < 5]


def test_every_edit_arrives_at_the_tick_that_sees_it_unless_something_stands_in_its_way(month: Month) -> None:
    """Those of the outage and of the pause arrive when it is over."""
    edits = len(weekdays()) * len(HOURS)
    outage = [timedelta(hours=hours, minutes=30) for hours in (0, 1, 2, 3)]
    paused = [timedelta(hours=hours, minutes=30) for hours in (0, 1, 2, 3, 4, 5)]
    assert month.under_way == {}
    assert month.delays == Counter({timedelta(0): edits - 10}) + Counter(outage) + Counter(paused)


NIGHTS = [(at(day, "18:00"), at(day + 1, "08:00")) for day in weekdays() if day % 7 < 4 and day not in (16,)]


@pytest.mark.parametrize("night", NIGHTS, ids=str)
def test_at_night_it_is_only_asked_whether_there_is_news(month: Month, night: tuple[datetime, datetime]) -> None:
    """At one of 56 ticks the mapping runs, for its hold is over. There and once an hour a deletion would be seen."""
    calls, looked = month.between(*night), month.looked_for_deletions(*night)
    assert month.stood(*night) == {ScheduleStatus.INACTIVE}
    assert calls == {"has_news": 2 * 55, "count": len(looked) - 1, "changes": 2, "ids": 1}
    gaps = [later - earlier for earlier, later in pairwise([night[0], *looked, night[1]])]
    assert max(gaps) == timedelta(hours=1)
    assert sorted(gaps)[3:] == [timedelta(hours=1)] * (len(gaps) - 3)


def test_a_weekend_costs_five_runs(month: Month) -> None:
    """Of 248 ticks: from 04:45 on Saturday every twelve hours one."""
    friday, monday = at(4, "18:00"), at(7, "08:00")
    looked = month.looked_for_deletions(friday, monday)
    assert month.stood(friday, monday) == {ScheduleStatus.INACTIVE}
    calls = {"has_news": 2 * (248 - 5), "count": len(looked) - 5, "changes": 2 * 5, "ids": 5}
    assert month.between(friday, monday) == calls


def test_who_is_told_what_and_when(month: Month) -> None:
    told = [(card.at, card.kind.value, [one.key for one in card.findings]) for card in month.notifier.cards]
    conflict, deletion = (f"errors|CUSTOMER|{reason}|" for reason in ("update_conflict", "deletion_conflict"))
    assert told == [
        (at(2, "12:15"), "problem", ["stopped|CUSTOMER"]),
        (at(2, "15:15"), "solved", ["stopped|CUSTOMER"]),
        (at(16, "10:30"), "problem", [conflict]),
        (at(17, "10:15"), "solved", [conflict]),
        (at(19, "13:15"), "problem", [deletion]),
        (at(21, "10:00"), "solved", [deletion]),
    ]


def test_while_dataverse_is_away_the_mapping_is_late_and_recovers_by_itself(month: Month) -> None:
    assert month.stood(at(2, "11:45"), at(2, "14:45")) == {ScheduleStatus.LATE}
    assert month.stood(at(2, "15:00"), at(3, "08:00")) <= {ScheduleStatus.READY, ScheduleStatus.INACTIVE}


def test_a_pause_ends_at_its_time(month: Month) -> None:
    assert month.stood(PAUSE[0] - TICK, PAUSE[1] - TICK) == {ScheduleStatus.ON_HOLD}
    assert month.between(PAUSE[0] - TICK, PAUSE[1] - TICK) == {}
    assert month.stands[PAUSE[1]] is not ScheduleStatus.ON_HOLD


def test_what_was_edited_while_a_record_was_held_is_merged(month: Month) -> None:
    assert month.shows(DV, NAMES[0], "address1_city") == "Rostock"
    assert month.shows(BC, NAMES[0], "website") == "https://c0.example"


async def test_in_the_end_nothing_is_open(month: Month) -> None:
    assert await month.world.items("CUSTOMER") == []
    assert len(month.world.business_central.rows(CUSTOMERS)) == CUSTOMERS_THERE - 1
    assert len(month.world.dataverse.rows(ACCOUNT)) == CUSTOMERS_THERE - 1


async def test_old_jobs_are_gone_and_young_ones_are_not(month: Month) -> None:
    now = month.world.clock.now()
    rows = await month.world.state.scan("jobs", "default", limit=10_000)
    kept = {row.key for row in rows}
    yesterday = now - timedelta(days=1)
    young = {job.id for job in month.log.values() if not POLICY.retention.may_go(job, now)}
    assert young <= kept
    assert not any(POLICY.retention.may_go(JOB.unpack(row.body), yesterday) for row in rows)
    assert len(month.log) > 2 * len(kept)


def test_what_woke_a_mapping_was_a_change(month: Month) -> None:
    """A run by rule brings something over, fails or finds a conflict; only the echo of a deed may be nothing new."""
    runs: dict[str, Counter[str]] = {}
    for job in month.jobs(trigger=Trigger.RULE):
        counters = job.counters
        runs.setdefault(job.run, Counter()).update(done=counters.modified + counters.failed + counters.skipped)
    assert len(runs) > 40
    assert sum(1 for done in runs.values() if not done["done"]) <= 3
