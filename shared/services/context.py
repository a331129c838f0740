"""What every use case works with: the ports, and how this app is set up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.core.failures import NeedsPerson
from shared.core.mapping import Mapping as TableMapping
from shared.core.retention import Retention
from shared.core.retry import IN_DOUBT
from shared.core.sides import Side
from shared.core.tables import Table
from shared.core.web_client import WebClient
from shared.ports import (
    BusinessCentralStore,
    Clock,
    DataverseStore,
    DeadLetters,
    Ids,
    JobQueue,
    NoDeadLetters,
    Notifier,
    RowStore,
    StateStore,
)
from shared.services.noticed import Noticed
from shared.services.probes import Probes
from shared.services.read_tables import ReadTables
from shared.services.recent import Recent
from shared.services.repositories.companies import CompanyRepository
from shared.services.repositories.configuration_changes import ConfigurationChangeRepository, Recorder
from shared.services.repositories.couplings import CouplingRepository
from shared.services.repositories.jobs import JobRepository
from shared.services.repositories.mappings import MappingRepository
from shared.services.repositories.runs import RunRepository
from shared.services.repositories.work_items import WorkItemRepository
from shared.services.share_of_budget import Budget


@dataclass(frozen=True, slots=True)
class Policy:
    """How runs are cut and timed. `page_size` records of a side are read at a time, a slice ends after `slice_time`.

    The timer ticks by `schedule` (NCRONTAB); a mapping is due every `interval`. A run that was not touched for
    `abandoned_after` is woken up, one that nobody began after `resend_after`. Deletions in Business Central are looked
    for every `sweep_interval`. A write without an answer may still land for `in_doubt`. Between two notifications at
    least `notify_every` passes; they name records only with `notify_records`.
    """

    page_size: int = 12_000
    slice_time: timedelta = timedelta(minutes=2)
    interval: timedelta = timedelta(minutes=1)
    schedule: str = "0 * * * * *"
    abandoned_after: timedelta = timedelta(minutes=15)
    resend_after: timedelta = timedelta(minutes=2)
    in_doubt: timedelta = IN_DOUBT
    sweep_interval: timedelta = timedelta(hours=1)
    retention: Retention = field(default_factory=Retention)
    notify_every: timedelta = timedelta(minutes=15)
    notify_records: bool = False


class Facts:
    """What hardly ever changes and would be asked again on every page, kept for ten minutes. None is not kept."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, tuple[datetime, str]] = {}

    async def get(self, name: str, load: Callable[[], Awaitable[str | None]]) -> str | None:
        """The fact called `name`, asked for by `load` when it is not known or old."""
        now = self._clock.now()
        if name in self._known and self._known[name][0] > now:
            return self._known[name][1]
        fact = await load()
        if fact is not None:
            self._known[name] = (now + timedelta(minutes=10), fact)
        return fact


@dataclass(frozen=True, slots=True)
class Services:
    """The wired app. State is keyed by `connection`: one pair of a BC company and a Dataverse environment.

    `tables` are those that every connection knows, `read_tables` those that were described for this one. `acting_for`
    names the person who asks; empty: nobody does, the app acts by itself.
    """

    connection: str
    business_central: BusinessCentralStore
    dataverse: DataverseStore
    state: StateStore
    queue: JobQueue
    clock: Clock
    ids: Ids
    tables: Mapping[tuple[str, str], Table]
    standard_mappings: tuple[TableMapping, ...]
    facts: Facts
    recent: Recent = field(default_factory=Recent)
    policy: Policy = field(default_factory=Policy)
    budget: Budget = field(default_factory=Budget)
    probes: Probes = field(default_factory=Probes)
    noticed: Noticed = field(default_factory=Noticed)
    notifier: Notifier | None = None
    dead_letters: DeadLetters = field(default_factory=NoDeadLetters)
    web_client: WebClient = field(default_factory=WebClient)
    read_tables: ReadTables = field(default_factory=ReadTables)
    acting_for: str = ""

    def rows(self, side: Side) -> RowStore:
        """The tables of one side."""
        return self.business_central if side is Side.BUSINESS_CENTRAL else self.dataverse

    def tables_of(self, mapping: TableMapping) -> dict[Side, Table]:
        """Both tables of a mapping."""
        return {side: self.table(side, mapping.table(side).table) for side in Side}

    def table(self, side: Side, name: str) -> Table:
        """A table as this connection knows it. Raises NeedsPerson when it knows none of that name."""
        found = self.known_table(side, name)
        if found is None:
            message = f"The table {name} of {side.product} is not described. Refresh the fields of its mapping."
            raise NeedsPerson(message, side=side, code="table")
        return found

    def known_table(self, side: Side, name: str) -> Table | None:
        """The same, or None: as it was described for this connection, else as every connection knows it."""
        known = self.read_tables.get(side, name)
        return known if known is not None else self.standard_table(side, name)

    def standard_table(self, side: Side, name: str) -> Table | None:
        """A table as every connection knows it, if it does."""
        try:
            return self.tables[(side, name)]
        except KeyError:
            return None

    @property
    def mappings(self) -> MappingRepository:
        """The mappings of this connection."""
        recorder = Recorder(self.changes, self.clock, self.ids, self.acting_for)
        return MappingRepository(self.state, self.connection, self.standard_mappings, self.read_tables, recorder)

    @property
    def changes(self) -> ConfigurationChangeRepository:
        """Who changed what of the configuration of this connection."""
        return ConfigurationChangeRepository(self.state, self.connection)

    @property
    def jobs(self) -> JobRepository:
        """The job log of this connection."""
        return JobRepository(self.state, self.connection)

    @property
    def companies(self) -> CompanyRepository:
        """What is known of company contacts."""
        return CompanyRepository(self.state, self.connection)

    def couplings(self, mapping: str, coupled: int | None = None, milestones: Sequence[str] = ()) -> CouplingRepository:
        """The couplings of a mapping, about `coupled` many, with `milestones` among them."""
        return CouplingRepository(self.state, self.connection, mapping, coupled, milestones)

    def runs(self, mapping: str) -> RunRepository:
        """The state and runs of a mapping."""
        return RunRepository(self.state, self.connection, mapping)

    def work_items(self, mapping: str) -> WorkItemRepository:
        """What is not in step in a mapping."""
        return WorkItemRepository(self.state, self.connection, mapping)
