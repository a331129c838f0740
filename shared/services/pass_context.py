"""What one slice of one run carries along while it works."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from shared.core.actions import Action, Seen, View
from shared.core.causes import Cause
from shared.core.coupling import Coupling
from shared.core.damage import Damage
from shared.core.filters import parse_filter
from shared.core.jobs import passes_of
from shared.core.mapping import Mapping
from shared.core.sides import Side
from shared.core.tables import Table
from shared.core.transfer import References
from shared.services.context import Services
from shared.services.ledger import Ledger
from shared.services.references import ReferenceMemory
from shared.services.repositories.coupling_documents import Intent
from shared.services.repositories.couplings import CouplingRepository
from shared.services.repositories.runs import MappingState, Run
from shared.services.repositories.work_items import WorkItem, held_key
from shared.services.turns import Turns

if TYPE_CHECKING:
    from shared.services.reading_ahead import ReadAhead


@dataclass(slots=True)
class Pair:
    """Two records that belong, or may belong, together, as this slice sees them.

    `coupled_now` marks a pair that this run coupled by its match fields, `agrees_with_held` a new record that agrees in
    them with one that a person keeps out of synchronization.
    """

    views: dict[Side, View]
    coupling: Coupling | None = None
    coupled_now: bool = False
    agrees_with_held: bool = False

    def present(self, side: Side) -> bool:
        """Whether this side's record was read."""
        return self.views[side].seen is Seen.PRESENT

    def id_at(self, side: Side) -> str | None:
        """The record's id on `side`, as far as it is known."""
        if self.coupling is not None:
            return self.coupling.at(side).id
        record = self.views[side].record
        return record.id if record else None


type Choose = Callable[[Pair, References, datetime], Action]
"""The action that a person has chosen for a pair, in place of the decision by the rules."""


@dataclass(slots=True)
class Slice:
    """The work at hand: mapping, tables, the ledger of the run, the open work items by key.

    `intents` are the creates whose outcome is not known, by source side and id. `weighed` is the damage that is done or
    planned, `making` counts the chunks that create something on a side. `turns` says who may write when, and when time
    is up. Where `choose` is given, it decides, and nothing that it decides is held to be implausible; `rules` decides
    in place of the decision table.
    `gone` are records that this slice has found deleted: a page that was read before still shows them. `counted` are
    the BC records that there were when it looked for deleted ones. With
    `is_preview` nothing is written or stored, neither in the services nor of couplings and work items.
    `cured` are causes that turned out to hold nothing up any more. `ahead` has the pages of the feeds that were asked
    for beforehand.
    """

    services: Services
    mapping: Mapping
    tables: dict[Side, Table]
    couplings: CouplingRepository
    ledger: Ledger
    turns: Turns
    references: ReferenceMemory
    ahead: ReadAhead
    items: dict[str, WorkItem] = field(default_factory=dict)
    intents: dict[tuple[Side, str], Intent] = field(default_factory=dict)
    choose: Choose | None = None
    rules: Choose | None = None
    weighed: Damage = field(default_factory=Damage)
    making: Counter[Side] = field(default_factory=Counter)
    gone: set[tuple[Side, str]] = field(default_factory=set)
    counted: int | None = None
    is_preview: bool = False
    cured: set[Cause] = field(default_factory=set)

    @property
    def run(self) -> Run:
        """The run, as it will stand in the next checkpoint."""
        return self.ledger.run

    @property
    def state(self) -> MappingState:
        """How far the mapping has come, as it will stand in the next checkpoint."""
        return self.ledger.state

    @property
    def now(self) -> datetime:
        """The time."""
        return self.services.clock.now()

    @property
    def sources(self) -> tuple[Side, ...]:
        """The source sides of the mapping's passes: To first, then From."""
        return passes_of(self.mapping.direction)

    def asserts(self, pair: Pair) -> bool:
        """Whether this pair's source was read and its data is to be written whatever its other record holds."""
        return self.run.full is not None and self.run.full.unconditional and pair.present(self.sources[0])

    def is_held(self, side: Side, record_id: str | None) -> bool:
        """Whether a person keeps the record, or the pair of this BC record, out of synchronization."""
        return record_id is not None and held_key(side, record_id) in self.items

    def keeps_out(self, pair: Pair) -> bool:
        """Whether nothing may be written for a pair."""
        return pair.agrees_with_held or any(self.is_held(side, pair.id_at(side)) for side in Side)

    def columns(self, side: Side) -> list[str]:
        """The columns that this mapping reads on `side`: mapped, filtered, and those people know a record by."""
        return columns_to_read(self.mapping, self.tables[side], side)


def columns_to_read(mapping: Mapping, table: Table, side: Side) -> list[str]:
    """The columns that a mapping needs of its table, in the table's order."""
    needed = {name for line in mapping.fields if line.enabled for name in line.columns(side)}
    needed |= set(parse_filter(mapping.table(side).filter).columns)
    for template in mapping.templates:
        if template.side is side.other:
            needed |= set(parse_filter(template.filter).columns)
    if mapping.block_when_inactive:
        needed.add("blocked" if side is Side.BUSINESS_CENTRAL else "statecode")
    needed |= {name for name in (table.number, table.title) if name}
    return [column.name for column in table.columns if column.name in needed]
