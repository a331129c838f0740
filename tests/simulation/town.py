"""The whole world of one seed: both systems, storage and queue, the instances of the app, and the judge of them all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from shared.core.coupling import Coupling
from shared.core.mapping import Mapping
from shared.core.records import Update, Write
from shared.core.sides import Side
from shared.core.tables import Table, Value, Values
from shared.memory.clock import SequentialIds
from shared.memory.dataverse import MemoryDataverse
from shared.memory.queue import MemoryQueue
from shared.memory.rows import MemoryRows, Refusal
from shared.memory.state import MemoryState
from shared.ports import Insert, JobMessage, StateChange
from shared.services.context import Facts, Policy, Services
from shared.services.repositories.work_items import WorkItem
from tests.simulation.clocks import VirtualTime
from tests.simulation.faults import Fault, Luck
from tests.simulation.hosts import RENEWED_EVERY, SESSIONS, Execution, Host
from tests.simulation.job_watch import JobWatch
from tests.simulation.kinds import BC, BY_TABLE, CURRENCY, CUSTOMER, DV, KINDS, LOCAL, PERSON, Dictionary, Kind
from tests.simulation.ledger import Ledger, Shown, Story
from tests.simulation.scenario import Plan, Scenario
from tests.simulation.scheduler import Scheduler, drive
from tests.simulation.systems import ReplicatedBusinessCentral
from tests.world import COMPANY, CONTACTS, TABLES

LAG = (1.0, 110.0)  # seconds that a replica is behind
SKEW = 60.0  # seconds that an instance's clock is wrong at most, besides what all have in common
IN_COMMON = (-60.0, 0.0, 0.0, 60.0)


class Town:
    """See the module. `defects` are exceptions that no use case may raise; `broken` is the first broken law."""

    def __init__(self, plan: Plan, scenario: Scenario) -> None:
        self.plan, self.scenario = plan, scenario
        self.policy = scenario.policy
        self.time = VirtualTime()
        self.chance = plan.random("order")
        self.scheduler = Scheduler(self.time, Luck(scenario.strengths, plan.spared, plan.random("luck")), self.chance)
        self.business_central = ReplicatedBusinessCentral(self.time, SequentialIds(1))
        self.dataverse = MemoryDataverse(self.time, SequentialIds(2))
        self.sides: dict[Side, MemoryRows] = {BC: self.business_central, DV: self.dataverse}
        self.state = MemoryState()
        self.queue = MemoryQueue(self.time)
        self.ids = SequentialIds(3)
        self.mappings: tuple[Mapping, ...] = tuple(
            kind.mapping(**({} if kind is CURRENCY else scenario.settings)) for kind in KINDS
        )
        by_name = {mapping.name: mapping for mapping in self.mappings}
        self.ledger = Ledger(self._look, by_name, self._was_in_doubt, by_hand=scenario.by_hand)
        self.jobs = JobWatch()
        self.defects: list[Exception] = []
        self.taken: list[JobMessage] = []
        self._renewed = 0.0
        self._open_for_business()
        self.hosts = self._start_hosts(plan)
        self.judge = self._services_without_wires()
        self.scheduler.stickiness, self.scheduler.pace = scenario.stickiness, scenario.pace
        self.scheduler.eagerness = scenario.eagerness
        self.scheduler.deliver, self.scheduler.next_message = self._deliver, self._next_message
        self.scheduler.heartbeat = self._renew

    def knows(self, fault: Fault) -> bool:
        """Whether this world has this kind of bad luck."""
        return fault in self.scenario.strengths and fault not in self.plan.spared

    def mapping_of(self, kind: Kind) -> Mapping:
        """The kind's mapping."""
        return self.mapping_named(kind.name)

    def mapping_named(self, name: str) -> Mapping:
        """The mapping of that name."""
        return next(mapping for mapping in self.mappings if mapping.name == name)

    def items_of(self, kind: Kind) -> list[WorkItem]:
        """The open work items of a mapping."""
        return list(drive(self.judge.work_items(kind.name).all()).values())

    def tag_of(self, kind: Kind, side: Side, record_id: str) -> str | None:
        """Whose this record is; None where there is none."""
        shown = self.ledger.rows_of(kind, side).get(record_id)
        return shown[0] if shown is not None else None

    def is_coupled(self, story: Story) -> bool:
        """Whether what there is of this record is coupled, with each other where there are both."""
        return self.coupling_of(story) is not None

    def coupling_of(self, story: Story) -> Coupling | None:
        """The coupling of what there is of this record."""
        ids = {side: one for side in Side if (one := self.ledger.id_of(story, side)) is not None}
        for side, one in ids.items():
            found = drive(self.judge.couplings(story.kind.name).find(side, [one])).get(one)
            if found is None or any(found.at(each).id != key for each, key in ids.items()):
                return None
            return found  # type: ignore[no-any-return]
        return None

    def _open_for_business(self) -> None:
        self.business_central.put(COMPANY, {"displayName": "Contoso", "currencyCode": LOCAL})
        euro: Values = {"isocurrencycode": LOCAL, "currencyname": "Euro", "currencysymbol": "€"}
        self.dataverse.put(CURRENCY.tables[DV], euro)
        self.business_central.remember(0.0)
        self.ledger.looked(CURRENCY, DV, by_person=True)

    def _start_hosts(self, plan: Plan) -> list[Host]:
        draw = plan.random("clocks")
        ahead = draw.choice(IN_COMMON)
        skewed = self.knows(Fault.SKEW)
        if skewed:
            self.scheduler.strike(Fault.SKEW)
        skews = [ahead + draw.uniform(-SKEW, SKEW) if skewed else 0.0 for _ in range(self.scenario.instances)]
        return [Host(self, f"app {number + 1}", skew) for number, skew in enumerate(skews)]

    def _services_without_wires(self) -> Services:
        return Services(
            connection="default",
            business_central=self.business_central,
            dataverse=self.dataverse,
            state=self.state,
            queue=self.queue,
            clock=self.time,
            ids=self.ids,
            tables=TABLES,
            standard_mappings=self.mappings,
            facts=Facts(self.time),
            policy=self.policy,
        )

    # What people do

    def put(self, kind: Kind, side: Side, values: Values) -> str:
        """A person makes a record."""
        return self._by_person(kind, side, lambda: self.sides[side].put(kind.tables[side], values))

    def edit(self, kind: Kind, side: Side, record_id: str, values: Values) -> None:
        """A person edits a record."""
        self.scheduler.tell("people", f"{side}: {kind.name} {record_id[-4:]} {values}")
        self._by_person(kind, side, lambda: self.sides[side].edit(kind.tables[side], record_id, values))

    def remove(self, kind: Kind, side: Side, record_id: str) -> None:
        """A person deletes a record."""
        self.scheduler.tell("people", f"{side}: {kind.name} {record_id[-4:]} deleted")
        self._by_person(kind, side, lambda: self.sides[side].remove(kind.tables[side], record_id))

    def _by_person[T](self, kind: Kind, side: Side, deed: object) -> str:
        assert callable(deed)
        result = deed()
        self._remember(side)
        self.ledger.looked(kind, side, by_person=True)
        return str(result)

    def race(self, name: str, table: Table, write: Write) -> None:
        """A person is quicker than the app: edits what it is about to write, or deletes it."""
        kind, side = BY_TABLE[table.name], BC if name == "BC" else DV
        if not isinstance(write, Update) or write.id not in self.sides[side].rows(table):
            return
        if kind is PERSON and self.chance.random() < 0.2:
            self.remove(kind, side, write.id)
            return
        fields = list(kind.fields.items())
        same = [each for each in fields if each[1].column(side) in write.values and each[1].reference is None]
        plain = [each for each in fields if each[1].reference is None]
        _, each = self.chance.choice(same if same and self.chance.random() < 0.6 else plain)
        number = self.scheduler.steps
        value: Value = number if each.number else f"race {number}"
        try:
            self.edit(kind, side, write.id, {each.column(side): value})
        except Refusal:
            return

    # What the ports tell

    def app_wrote(self, name: str, table: Table) -> None:
        """Rows were written by the app, or were to be."""
        side = BC if name == "BC" else DV
        self._remember(side)
        self.ledger.looked(BY_TABLE[table.name], side, by_person=False)

    def stored(self, table: str, changes: Sequence[StateChange]) -> None:
        """Documents were stored."""
        self.jobs.stored(table, changes)
        if table == "couplings":
            self._coupled({change.key.removeprefix("bc|") for change in changes if isinstance(change, Insert)})

    def _coupled(self, keys: Collection[str]) -> None:
        for story in self.ledger.stories.values():
            if self.ledger.id_of(story, BC) in keys:
                story.coupled_at = self.ledger.edits

    def port_for(self, name: str, fault: Fault | None) -> MemoryRows:
        """The system that answers a reading call."""
        if name != "BC":
            if fault is Fault.EXPIRE:
                self.dataverse.forget_changes()
            return self.dataverse
        if fault is Fault.STALE:
            return self.business_central.as_of(self.time.seconds - self.chance.uniform(*LAG))
        return self.business_central

    def begins(self, execution: Execution) -> None:
        """A slice begins."""
        self.jobs.begins(execution)

    def ended_well(self, execution: Execution) -> None:
        """A slice came to its end and had every answer."""
        self.jobs.ended_well(execution)

    def replace(self, dead: Host, new: Host) -> None:
        """An instance has started again."""
        self.hosts[self.hosts.index(dead)] = new

    def cut_runs(self, policy: Policy) -> None:
        """All instances get this policy: a resting world needs no small pages."""
        self.policy = policy
        for host in self.hosts:
            host.services = replace(host.services, policy=policy)

    def well_hosts(self) -> list[Host]:
        """The instances that can do something."""
        return [host for host in self.hosts if host.is_well]

    def _remember(self, side: Side) -> None:
        if side is BC and Fault.STALE in self.scenario.strengths:
            self.business_central.remember(self.time.seconds)

    def _was_in_doubt(self) -> bool:
        lossy = (Fault.CRASH, Fault.LOST_AFTER, Fault.UNKNOWN, Fault.IN_FLIGHT, Fault.STALL, Fault.LOCK)
        return any(fault in self.scheduler.struck for fault in lossy)

    def _look(self, kind: Kind, side: Side) -> dict[str, Shown]:
        store, table = self.sides[side], kind.tables[side]
        referred = (CURRENCY.tables[side], CONTACTS if side is BC else CUSTOMER.tables[side])
        words = Dictionary(side, {each.name: store.rows(each) for each in referred})
        tag, columns = kind.tag_column(side), [(name, each, each.column(side)) for name, each in kind.fields.items()]
        return {
            key: (str(row[tag]), {name: words.meaning(name, each, row[column]) for name, each, column in columns})
            for key, row in store.rows(table).items()
            if kind.is_one(side, row)
        }

    # The queue

    def _deliver(self) -> bool:
        free = [host for host in self.well_hosts() if len(host.deliveries) < SESSIONS]
        if not free:
            return False
        delivery = self.queue.receive()
        if delivery is None:
            return False
        self.taken.append(delivery.message)
        free[int(self.chance.random() * len(free))].take(delivery)
        return True

    def _renew(self) -> None:
        if self.time.seconds - self._renewed >= RENEWED_EVERY:
            self._renewed = self.time.seconds
            for host in self.hosts:
                host.renew()

    def _next_message(self) -> float | None:
        """When something may be delivered; while instances hold messages, not later than their renewal."""
        now, coming = self.time.now(), [self.queue.next_due(), self.queue.next_unlock()]
        waits = [(at - now).total_seconds() for at in coming if at is not None and at > now]
        if any(host.deliveries for host in self.hosts):
            waits.append(RENEWED_EVERY)
        return self.time.seconds + min(waits) if waits else None
