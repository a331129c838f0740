"""One seed: bad luck for some minutes, then rest, and the verdict."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta

from shared.core.sides import Side
from shared.ports import JobMessage
from shared.services.requests import enqueue_due
from tests.simulation import verdict
from tests.simulation.coupling_wishes import Couplers
from tests.simulation.error_wishes import Minders
from tests.simulation.faults import Fault
from tests.simulation.full_wishes import check_review, in_full
from tests.simulation.kinds import KINDS
from tests.simulation.ledger import Broken, Story
from tests.simulation.people import People, ask_for_all
from tests.simulation.preview_wishes import Lookers
from tests.simulation.scenario import Plan, Scenario, scenario_of
from tests.simulation.scheduler import Endless, drive
from tests.simulation.tasks import Tasks
from tests.simulation.town import Town
from tests.simulation.wishes import Family, Wishes

OUTAGE = (10.0, 300.0)
RESTS = (1000.0, 1000.0, 7200.0, 7200.0, 7200.0, 7200.0, 7200.0, 7200.0)  # seconds between the ticks of a calm world
LARGE = 1000  # records of a page in a world at rest
ENOUGH = 3  # rests that there are in any case: what was given up wakes only then


@dataclass
class Outcome:
    """What came of a seed: the broken law if there is one, and what happened on the way."""

    plan: Plan
    broken: Broken | None = None
    happened: Counter[str] = field(default_factory=Counter)
    story: list[tuple[float, str, str]] = field(default_factory=list)
    steps: int = 0

    @property
    def law(self) -> str:
        """The name of the broken law, empty when every law holds."""
        return self.broken.law if self.broken is not None else ""


def play(plan: Plan, *, tell: bool = False) -> Outcome:
    """Play one seed to its end. With `tell` its story is written down."""
    outcome = Outcome(plan)
    simulation = _Simulation(plan, scenario_of(plan))
    if tell:
        scheduler = simulation.town.scheduler
        scheduler.say = lambda who, what: outcome.story.append((scheduler.time.seconds, who, what))
    try:
        simulation.play()
    except Broken as broken:
        outcome.broken = broken
    except Endless as endless:
        outcome.broken = Broken("everything comes to rest", str(endless))
    finally:
        simulation.town.scheduler.say = None
        simulation.town.scheduler.loop.close()
    town = simulation.town
    outcome.steps = town.scheduler.steps
    outcome.happened = town.ledger.happened + Counter({str(k): n for k, n in town.scheduler.struck.items()})
    return outcome


class _Simulation:
    def __init__(self, plan: Plan, scenario: Scenario) -> None:
        self.scenario = scenario
        self.town = Town(plan, scenario)
        self.people = People(self.town)
        self.tasks = Tasks(self.town)
        families: dict[str, Family] = {
            "errors": Minders(self.people),
            "couplings": Couplers(self.people),
            "full": in_full,
            "previews": Lookers(),
        }
        self.wishes = Wishes(self.town, families)
        self._over = False

    def play(self) -> None:
        """Raises Broken."""
        self.people.found_the_company(self.scenario.records)
        if self.scenario.in_step:
            self._ask()
        self._trouble()
        self._rest()
        verdict.check(self.town)
        self.tasks.check(verdict.jobs_of(self.town))
        self.wishes.check(verdict.jobs_of(self.town))
        check_review(self.town)
        self._nothing_is_written_any_more()
        self._further_edits_arrive()

    # Trouble

    def _trouble(self) -> None:
        town, scheduler = self.town, self.town.scheduler
        end = town.time.seconds + self.scenario.minutes * 60
        scheduler.calm = False
        self.people.plan_deeds(self.scenario.minutes, self.scenario.deeds)
        self.tasks.plan(self.scenario.deeds, self.scenario.tasks, self.scenario.minutes)
        self.wishes.plan(self.scenario.deeds + self.scenario.tasks, self.scenario.wishes, self.scenario.minutes)
        self._plan_accidents(end)
        scheduler.after(1.0, self._tick)
        scheduler.at(end, self._stop)
        self._run(until_stopped=True)
        scheduler.calm = True
        scheduler.down.clear()
        scheduler.tell("world", "no more trouble")

    def _stop(self) -> None:
        self._over = True

    def _tick(self) -> None:
        """The timer, on one of the instances."""
        if self._over:
            return
        town = self.town
        times = 1
        if town.knows(Fault.TIMER) and town.chance.random() < 0.4:
            town.scheduler.strike(Fault.TIMER)
            times = town.chance.choice([0, 2])
        hosts = town.well_hosts()
        for _ in range(times if hosts else 0):
            host = town.chance.choice(hosts)
            host.spawn(enqueue_due(host.services), "timer")
        town.scheduler.after(self.scenario.tick, self._tick)

    def _plan_accidents(self, end: float) -> None:
        town = self.town
        draw = town.plan.random("accidents")
        begin = town.time.seconds
        for fault, deed in ((Fault.OUTAGE, self._outage), (Fault.TWICE, self._twice), (Fault.GONE, self._gone)):
            times = draw.randrange(1, 4)
            moments = [begin + draw.random() * (end - begin) for _ in range(times)]
            if town.knows(fault):
                for moment in moments:
                    town.scheduler.at(moment, deed)

    def _outage(self) -> None:
        town = self.town
        if self._over:
            return
        name = town.chance.choice(["BC", "Dataverse", "storage", "queue"])
        town.scheduler.strike(Fault.OUTAGE)
        town.scheduler.down[name] = town.time.seconds + town.scheduler.between(OUTAGE)
        town.scheduler.tell("world", f"{name} is down for {town.scheduler.down[name] - town.time.seconds:.0f} s")

    def _twice(self) -> None:
        town = self.town
        if town.taken:
            message = town.chance.choice(town.taken[-5:])
            again = JobMessage(f"{message.id}:again:{town.scheduler.steps}", message.session, message.body)
            town.scheduler.strike(Fault.TWICE)
            town.scheduler.tell("world", f"message {message.id} comes again")
            drive(town.queue.send(again))

    def _gone(self) -> None:
        delivery = self.town.queue.receive()
        if delivery is not None:
            self.town.scheduler.strike(Fault.GONE)
            self.town.scheduler.tell("world", f"message {delivery.message.id} is gone")
            self.town.queue.complete(delivery)

    # Rest

    def _run(self, *, until_stopped: bool = False) -> None:
        town = self.town
        town.scheduler.loop.run((lambda: self._over) if until_stopped else (lambda: False))
        if town.defects:
            error = town.defects[0]
            if isinstance(error, Broken):
                raise error
            raise Broken("use cases fail as they say", f"{type(error).__name__}: {error}") from error

    def _rest(self) -> None:
        """The timer goes on; after a while nothing changes any more."""
        self._run()
        policy = self.scenario.policy
        self.town.cut_runs(replace(policy, page_size=LARGE, slice_time=timedelta(minutes=2)))
        before: object = None
        for number, seconds in enumerate(RESTS):
            self.town.time.seconds += seconds
            self._calm_tick()
            now = self._what_stands()
            if number >= ENOUGH - 1 and now == before:
                self.town.cut_runs(policy)
                return
            before = now
        raise Broken("everything comes to rest", "after twelve hours without trouble things still change")

    def _calm_tick(self) -> None:
        host = self.town.chance.choice(self.town.well_hosts())
        host.spawn(enqueue_due(host.services), "timer")
        self._run()

    def _ask(self) -> None:
        host = self.town.chance.choice(self.town.well_hosts())
        host.spawn(ask_for_all(host.services), "is asked to synchronize everything")
        self._run()
        self.town.time.seconds += 30
        verdict.check_runs(self.town)  # without any help of the timer

    def _what_stands(self) -> object:
        items = {(kind.name, item.key, item.reason) for kind in KINDS for item in verdict.items_of(self.town, kind)}
        return items, self._written()

    def _written(self) -> Counter[tuple[str, str]]:
        return self.town.business_central.written + self.town.dataverse.written

    def _nothing_is_written_any_more(self) -> None:
        before = self._written()
        self._ask()
        if self._written() != before:
            raise Broken("a settled world is left alone", f"a further run wrote {self._written() - before}")

    def _further_edits_arrive(self) -> None:
        """What everything rests on for the next day: an edit of a pair in step goes over, and clashes with nothing."""
        town, draw = self.town, self.town.plan.random("further edits")
        edited = []
        for story in list(town.ledger.stories.values()):
            held = {
                i for item in verdict.items_of(town, story.kind) for i in (item.business_central_id, item.dataverse_id)
            }
            ids = {town.ledger.id_of(story, side) for side in Side}
            names = [name for name, each in sorted(story.kind.fields.items()) if each.reference is None]
            side = draw.choice([each for each in Side if story.kind.direction.allows(each)])
            if None in ids or ids & held or not self._is_active(story) or not verdict.must_be_in_step(town, story):
                continue
            name = draw.choice([name for name in names if story.kind.fields[name].direction.allows(side)])
            self.people.edit_anew(story, side, name)
            edited.append((story, name))
        self._ask()
        for story, name in edited:
            if story.now[Side.BUSINESS_CENTRAL][name].value != story.now[Side.DATAVERSE][name].value:
                reasons = [item.reason for item in verdict.items_of(town, story.kind)]
                raise Broken("a further edit arrives", f"{story.tag}: {name} did not; held are {reasons}", story.tag)

    def _is_active(self, story: Story) -> bool:
        return all(verdict.is_inside(self.town, story, side, str(self.town.ledger.id_of(story, side))) for side in Side)
