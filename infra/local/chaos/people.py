"""People who go on working meanwhile. Every edit that was acknowledged to them is remembered, to be asked for later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.chaos.company import KINDS, PERSON, Company, Where
from infra.local.chaos.plan import Plan
from infra.local.functions_host.stopping import Stop

FIELDS = {"phone": "+49 30 {:07d}", "address 2": "Floor {}", "web site": "https://www.edit-{}.example"}
"""What people change, and what they write: every value is another one."""
COLUMNS = {"phone": "phone", "address 2": "address_line2", "web site": "website"}
CONTESTED = 20
"""One record of so many is changed on both sides in the same field: a conflict, unless a run comes between."""
EAGER = 0.3  # share of the edits that go to contested records
SETTLED = 0.3  # share of those edits that give both sides the same values
BORDER = 200  # edits after which people look again who is where

type Spot = tuple[int, str]
"""A record's number and a field."""


@dataclass(frozen=True)
class Edit:
    """What somebody wrote, and where."""

    where: Where
    value: str


class People:
    """Those who edit, in both systems."""

    def __init__(self, plan: Plan, company: Company) -> None:
        self.edits: dict[Spot, list[Edit]] = defaultdict(list)
        """All edits that were acknowledged, in their order."""
        self.count = 0
        self._plan = plan
        self._company = company
        self._chance = plan.chance("people")
        self._ids: dict[Where, dict[int, str]] = {}

    def contested(self, number: int) -> bool:
        """Whether people of both sides change this record in the same field."""
        return number % CONTESTED == 7

    async def work(self, over: Stop) -> None:
        """Edit records wherever they are found until it is over, and enter some new ones."""
        newcomers = 0
        while not over.is_requested:
            if self.count % BORDER == 0:
                self._ids = {where: await self._company.ids(where) for where in Where}
            await self._edit()
            if newcomers < self._plan.newcomers and self._chance.random() < 0.05:
                newcomers += 1
                await self._company.welcome()
            await over.within(self._chance.expovariate(self._plan.edits_a_second))

    async def _edit(self) -> None:
        """Change one field of one record where it is found, or settle a contested one on both sides."""
        where = self._chance.choice(list(Where))
        number = self._chance.choice(self._records(where))
        field = self._chance.choice(self.fields(number, where))
        settled = self.contested(number) and number in self._ids[where.other] and self._chance.random() < SETTLED
        self.count += 1
        for side, fields in ((where, FIELDS), (where.other, FIELDS)) if settled else ((where, [field]),):
            await self._write(number, side, {name: FIELDS[name].format(self.count) for name in fields})

    def _records(self, where: Where) -> list[int]:
        """Those that may be edited: now and then the contested ones only, which are few."""
        known = list(self._ids[where])
        contested = [number for number in known if self.contested(number)]
        return contested if contested and self._chance.random() < EAGER else known

    async def _write(self, number: int, where: Where, values: Mapping[str, str]) -> None:
        kind = KINDS[where]
        columns = {meaning: column for column, meaning in kind.fields.items()}
        changes = {columns[COLUMNS[name]]: value for name, value in values.items()}
        await self._company.systems[where].edit(PERSON, kind.table, self._ids[where][number], changes)
        for name, value in values.items():
            self.edits[number, name].append(Edit(where, value))

    def fields(self, number: int, where: Where) -> list[str]:
        """Each field of a record is one side's own affair; of a contested one all are everybody's."""
        if self.contested(number):
            return list(FIELDS)
        return [field for place, field in enumerate(FIELDS) if (place + number // 2) % 2 == list(Where).index(where)]
