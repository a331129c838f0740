"""Full synchronization: the review that starts it line by line, and the run of one mapping beside it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from shared.core.access import Caller
from shared.core.full_synchronization import LineStatus
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.forms.full_synchronization import FullRunForm, LineForm, StartForm
from shared.services.full_review import (
    answer_question,
    exclude_line,
    restart_line,
    start_all,
    start_line,
    synchronize_in_full,
)
from shared.services.full_synchronization import reviews
from tests.simulation.kinds import CURRENCY, DV, KINDS, Kind
from tests.simulation.leave import Asked, Leave
from tests.simulation.ledger import Broken
from tests.simulation.scheduler import drive
from tests.simulation.town import Town
from tests.simulation.wishes import Wish


def in_full(draw: random.Random, town: Town) -> Wish | None:
    """Everything, or one mapping; sometimes once more, sometimes leaving one out."""
    kind = draw.choice(KINDS)
    ways = [_everything, _everything, _line, _line, _again, _leaves_out, _answer, _beside]
    return draw.choice(ways)(draw, town, kind)


def _everything(draw: random.Random, town: Town, kind: Kind) -> Wish:
    form = StartForm(do=draw.choice([None, "full_synchronization"]))

    async def work(services: Services, anna: Caller) -> None:
        await start_all(services, form, anna)

    return Wish("synchronize all in full", work, lambda asked: _leaves(asked, KINDS))


def _line(draw: random.Random, town: Town, kind: Kind) -> Wish:
    form = _form(draw, kind)

    async def work(services: Services, anna: Caller) -> None:
        await start_line(services, kind.name, form, anna)

    return Wish("synchronize a line in full", work, lambda asked: _leaves(asked, [kind]))


def _again(draw: random.Random, town: Town, kind: Kind) -> Wish:
    form = _form(draw, kind)

    async def work(services: Services, anna: Caller) -> None:
        await restart_line(services, kind.name, form, anna)

    return Wish("restart a line", work, lambda asked: _leaves(asked, [kind]))


def _leaves_out(draw: random.Random, town: Town, kind: Kind) -> Wish:
    excluded = draw.random() < 0.5

    async def work(services: Services, anna: Caller) -> None:
        await exclude_line(services, kind.name, excluded=excluded)

    return Wish("leave a line out" if excluded else "take a line in", work)


def _answer(draw: random.Random, town: Town, kind: Kind) -> Wish:
    """The closing question: the mapping stays as it is."""

    async def work(services: Services, anna: Caller) -> None:
        await answer_question(services, kind.name, anna, only_coupled=True)

    return Wish("answer the closing question", work)


def _beside(draw: random.Random, town: Town, kind: Kind) -> Wish:
    """One mapping as it is set up, outside the review."""
    unconditional = kind is CURRENCY and draw.random() < 0.5

    async def work(services: Services, anna: Caller) -> Sequence[str]:
        request = await synchronize_in_full(services, kind.name, FullRunForm(unconditional=unconditional), anna)
        return request.jobs

    return Wish("synchronize in full", work)


def _form(draw: random.Random, kind: Kind) -> LineForm:
    unconditional = kind is CURRENCY and draw.random() < 0.5
    return LineForm(do=draw.choice([None, "full_synchronization"]), unconditional=unconditional)


def _leaves(asked: Asked, kinds: Sequence[Kind]) -> list[Leave]:
    """No conflict is left to a person: Business Central wins, whatever the mapping says; what is missing is made."""
    wins = [Leave(asked, kind.name, DV, in_conflicts=True) for kind in kinds]
    return wins + [Leave(asked, kind.name, side, makes=True) for kind in kinds for side in Side]


def check_review(town: Town) -> None:
    """Each line has come to its end, or waits for one that has not been started or has failed. Raises Broken."""
    review = drive(reviews(town.judge).get()).value
    for line in review.lines.values():
        if line.status is LineStatus.IN_PROCESS:
            raise Broken("every full synchronization ends", f"{line.mapping} is in process")
        parents = (review.line(name) for name in town.mapping_named(line.mapping).depends_on)
        waits = [each.mapping for each in parents if not each.excluded and not each.satisfies]
        if line.status is LineStatus.WAITING and not waits:
            raise Broken("every full synchronization ends", f"{line.mapping} waits for nothing")
        if line.status is LineStatus.FINISHED and line.run:
            run = drive(town.judge.runs(line.mapping).get(line.run))
            if run is not None and not run.ended:
                raise Broken("every full synchronization ends", f"{line.mapping} has ended before its run")
