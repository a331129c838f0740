"""What people do all the time, on both sides, and what they ask the app for."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from shared.core.jobs import Trigger
from shared.core.sides import Side
from shared.core.tables import Value, Values
from shared.memory.clock import START
from shared.memory.rows import Refusal
from shared.services.context import Services
from shared.services.mapping_settings import enabled_mappings
from shared.services.requests import request_synchronization
from tests.simulation.faults import Fault
from tests.simulation.kinds import BC, CURRENCY, CUSTOMER, DV, KINDS, LOCAL, PERSON, Field, Kind
from tests.simulation.ledger import Story
from tests.simulation.town import Town

LATE_BY = (1.0, 420.0)  # seconds between an edit's time stamp and its visibility; with the lag below the overlap
CODES = ("USD", "DKK", "NOK")
MOST_RECORDS = 4  # of a kind, for a world that stays small


async def ask_for_all(services: Services) -> None:
    """Somebody presses the button."""
    await request_synchronization(services, enabled_mappings(await services.mappings.all()), Trigger.PERSON)


class People:
    """Everybody who works in the town."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._values = count(1)
        self._tags = count(1)
        self._typed: list[str] = []

    def found_the_company(self, records: int) -> None:
        """What there is at first."""
        draw = self._town.plan.random("company")
        self.make_currency(draw)
        for _ in range(records):
            for side in Side:
                self.make_customer(draw, side)
                if draw.random() < 0.6:
                    self.make_person(draw, side)

    def plan_deeds(self, minutes: float, deeds: int) -> None:
        """Spread what people will do over the time: mostly alone, sometimes several things at once."""
        town = self._town
        when = town.plan.random("when")
        moments = [when.random() * minutes * 60 for _ in range(max(1, deeds // 2))]
        for number in range(deeds):
            at = town.time.seconds + moments[number % len(moments)] + when.random() * 5
            if number not in town.plan.skipped:
                town.scheduler.at(at, lambda number=number: self.do(number))  # type: ignore[misc]

    def do(self, number: int) -> None:
        """One deed; the number decides which."""
        draw = self._town.plan.random(f"deed {number}")
        deed = draw.choices([each for each, _ in self._deeds()], [weight for _, weight in self._deeds()])[0]
        try:
            deed(draw)
        except Refusal as refusal:
            self._town.scheduler.tell("people", f"refused: {refusal}")

    def _deeds(self) -> list[tuple[Callable[[random.Random], None], float]]:
        return [
            (self.edits, 6),
            (self.edits_both_sides, 2),
            (self.thinks_again, 1),
            (self.makes_something, 3),
            (self.crosses_the_filter, 1.5),
            (self.deletes, 1),
            (self.touches, 0.5),
            (self.asks, 3),
        ]

    # Deeds

    def edits(self, draw: random.Random) -> None:
        """One field of one record on one side."""
        if (chosen := self._choose(draw)) is not None:
            story, side = chosen
            self.edit(draw, story, side, draw.choice(sorted(story.kind.fields)))

    def edits_both_sides(self, draw: random.Random) -> None:
        """The same field on both sides, or two different ones."""
        if (chosen := self._choose(draw)) is not None:
            story, _ = chosen
            names = sorted(story.kind.fields)
            name = draw.choice(names)
            for side in Side:
                self.edit(draw, story, side, name if draw.random() < 0.6 else draw.choice(names))

    def thinks_again(self, draw: random.Random) -> None:
        """Edits, and takes it back a little later."""
        if (chosen := self._choose(draw)) is not None:
            story, side = chosen
            name = draw.choice([name for name, each in sorted(story.kind.fields.items()) if each.reference is None])
            before = story.now[side][name].value
            self.edit(draw, story, side, name)
            self._town.scheduler.after(draw.random() * 90, lambda: self._type(story, side, name, before))

    def makes_something(self, draw: random.Random) -> None:
        """A customer, a person, a currency."""
        side = draw.choice(list(Side))
        draw.choices([self.make_customer, self.make_person, lambda draw, _: self.make_currency(draw)], [3, 2, 1])[0](
            draw, side
        )

    def crosses_the_filter(self, draw: random.Random) -> None:
        """Blocked or deactivated, and mostly active again after a while."""
        if (chosen := self._choose(draw, [kind for kind in KINDS if kind.outside])) is None:
            return
        story, side = chosen
        if self._town.scenario.by_hand and not self._town.is_coupled(story):
            return  # what is outside is compared with nothing, and rightly made once more
        if side in story.kind.outside:
            story.crossed = True
            self._write(story, side, story.kind.outside[side])
            if draw.random() < 0.7:
                back = story.kind.inside[side]
                self._town.scheduler.after(draw.random() * 300, lambda: self._write(story, side, back))

    def deletes(self, draw: random.Random) -> None:
        """A person, or a customer whom nobody belongs to; sometimes on both sides."""
        if (chosen := self._choose(draw, [CUSTOMER, PERSON])) is None:
            return
        story, side = chosen
        if story.kind is CUSTOMER and self.is_referred_to(story.tag):
            return
        for each in Side if draw.random() < 0.3 else (side,):
            if (record_id := self._town.ledger.id_of(story, each)) is not None:
                self._town.remove(story.kind, each, record_id)

    def touches(self, draw: random.Random) -> None:
        """Saved without a change."""
        if (chosen := self._choose(draw)) is not None:
            story, side = chosen
            self._write(story, side, {story.kind.tag_column(side): story.tag})

    def asks(self, draw: random.Random) -> None:
        """For a synchronization of everything."""
        if hosts := self._town.well_hosts():
            host = draw.choice(hosts)
            host.spawn(ask_for_all(host.services), "is asked to synchronize everything")

    # How they do it

    def make_customer(self, draw: random.Random, side: Side) -> None:
        """A customer or account."""
        self._make(draw, CUSTOMER, side, {})

    def make_twin(self, draw: random.Random, story: Story) -> None:
        """What stands on one side is entered on the other, too, by somebody who does not know the first."""
        (side,) = (each for each in Side if each not in story.now)
        given: Values = {}
        if story.kind is PERSON:
            companies = self._companies(side)
            if not companies:
                return
            given = {PERSON.fields["company"].column(side): companies[draw.choice(sorted(companies))]}
        self._make(draw, story.kind, side, given, story.tag)

    def make_person(self, draw: random.Random, side: Side) -> None:
        """Somebody in a company that is known on this side."""
        companies = self._companies(side)
        if companies:
            column = PERSON.fields["company"].column(side)
            self._make(draw, PERSON, side, {column: companies[draw.choice(sorted(companies))]})

    def make_currency(self, draw: random.Random) -> None:
        """In Business Central."""
        known = {tag for tag, _ in self._town.ledger.rows_of(CURRENCY, BC).values()}
        if left := [code for code in CODES if code not in known]:
            values: Values = {"code": left[0], "displayName": self._value(draw), "symbol": left[0][0]}
            self._town.put(CURRENCY, BC, values)
            self._town.scheduler.tell("people", f"{BC}: new currency {left[0]}")

    def _make(self, draw: random.Random, kind: Kind, side: Side, given: Values, twin: str = "") -> None:
        if not twin and sum(1 for of, _ in self._town.ledger.stories if of == kind.name) >= MOST_RECORDS:
            return
        tag = twin or f"{kind.name.lower()} {next(self._tags)}"
        values: Values = {pair[0 if side is BC else 1]: tag for pair in kind.tags}
        values |= kind.inside[side] | kind.only[side] | given
        if kind is CUSTOMER and side is DV:
            values["transactioncurrencyid"] = self._currencies(DV)[LOCAL]
        for each in kind.fields.values():
            if each.column(side) not in values and each.reference is None and draw.random() < 0.7:
                values[each.column(side)] = next(self._values) if each.number else self._value(draw)
        values.setdefault(kind.fields["name"].column(side), self._value(draw))
        if twin:
            self._put(kind, side, values, tag)
        else:
            self._at_once_or_late(draw, side, lambda: self._put(kind, side, values, tag))

    def _put(self, kind: Kind, side: Side, values: Values, tag: str) -> None:
        record_id = self._town.put(kind, side, values)
        self._town.scheduler.tell("people", f"{side}: new {tag} {record_id[-4:]} {values}")

    def edit(self, draw: random.Random, story: Story, side: Side, name: str) -> None:
        """Type something into a field."""
        if side not in story.now:
            return
        value = self._some_value(draw, story.kind.fields[name], side)
        self._at_once_or_late(draw, side, lambda: self._type(story, side, name, value), story)

    def edit_anew(self, story: Story, side: Side, name: str) -> None:
        """Type what nobody has typed before into a plain field."""
        each, number = story.kind.fields[name], next(self._values)
        self._type(story, side, name, number if each.number else f"v{number}")

    def _at_once_or_late(
        self, draw: random.Random, side: Side, deed: Callable[[], None], story: Story | None = None
    ) -> None:
        """A transaction in Business Central may be stamped long before it commits.

        Nobody else can write a record meanwhile: where somebody did, it began after that.
        """
        town = self._town
        late = draw.random() < 0.5
        if side is not BC or not late or not town.knows(Fault.LATE) or town.scheduler.calm:
            deed()
            return
        stamped, town_time = town.time.seconds, town.time
        town.scheduler.strike(Fault.LATE)

        def commit() -> None:
            began = town_time.seconds if story and self._has_changed_since(story, stamped) else stamped
            town.scheduler.tell("people", f"what was stamped at {began:.0f} s is visible only now")
            with town_time.as_it_was(began):
                deed()

        town.scheduler.after(town.scheduler.between(LATE_BY), commit)

    def _has_changed_since(self, story: Story, stamped: float) -> bool:
        record_id = self._town.ledger.id_of(story, BC)
        if record_id is None:
            return False
        table = story.kind.tables[BC]
        modified = self._town.business_central.rows(table)[record_id][table.modified or ""]
        return isinstance(modified, datetime) and modified > START + timedelta(seconds=stamped)

    def _type(self, story: Story, side: Side, name: str, value: Value) -> None:
        self._write(story, side, {story.kind.fields[name].column(side): value})

    def _write(self, story: Story, side: Side, values: Values) -> None:
        if (record_id := self._town.ledger.id_of(story, side)) is None:
            return
        try:
            self._town.edit(story.kind, side, record_id, values)
        except Refusal as refusal:
            self._town.scheduler.tell("people", f"refused: {refusal}")

    # What they choose from

    def _choose(self, draw: random.Random, kinds: list[Kind] | None = None) -> tuple[Story, Side] | None:
        stories = self._town.ledger.stories.values()
        found = [
            (story, side)
            for story in stories
            for side in Side
            if side in story.now and story.kind in (kinds or KINDS) and story.tag != LOCAL
        ]
        return draw.choice(found) if found else None

    def _some_value(self, draw: random.Random, each: Field, side: Side) -> Value:
        if each.number:
            return next(self._values)
        if each.reference is None:
            return self._value(draw)
        if each is PERSON.fields["company"]:
            companies = self._companies(side)
            return companies[draw.choice(sorted(companies))] if companies else None
        known = self._currencies(side)
        code = draw.choice(sorted({*known, LOCAL}))
        return known.get(code)

    def _value(self, draw: random.Random) -> str:
        if self._typed and draw.random() < self._town.scenario.repeats:
            return draw.choice(self._typed)
        self._typed.append(f"v{next(self._values)}")
        return self._typed[-1]

    def _currencies(self, side: Side) -> dict[str, str]:
        rows = self._town.ledger.rows_of(CURRENCY, side)
        return {tag: key for key, (tag, _) in rows.items()}

    def _companies(self, side: Side) -> dict[str, str]:
        """What stands in the company field of a person, by tag: the company contact's number, or the account's id."""
        if side is DV:
            return {tag: key for key, (tag, _) in self._town.ledger.rows_of(CUSTOMER, DV).items()}
        existing = {tag for tag, _ in self._town.ledger.rows_of(CUSTOMER, BC).values()}
        rows = self._town.business_central.rows(PERSON.tables[BC]).values()
        return {
            str(row["website"]): str(row["number"])
            for row in rows
            if row["type"] == "Company" and row["website"] in existing
        }

    def is_referred_to(self, tag: str) -> bool:
        """Whether somebody belongs to this customer."""
        stories = (story for story in self._town.ledger.stories.values() if story.kind is PERSON)
        return any(entry.value == tag for story in stories for now in story.now.values() for entry in [now["company"]])
