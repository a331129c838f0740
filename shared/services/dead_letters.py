"""Messages that the queue has set aside: which run each belongs to, whether that run still waits for it, and again.

A run whose message is lost is woken by the timer, too; so to resubmit one is never necessary, only quicker, and never
does harm: a slice that was done already is not done again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.ports import DeadLetter
from shared.services.context import Services
from shared.services.problems import Problem

MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """A dead letter and what it points to; `waited_for` says whether its slice of the run is still to be done."""

    letter: DeadLetter
    mapping: str | None
    run: str | None
    slice: int | None
    waited_for: bool


@dataclass(frozen=True, slots=True)
class DeadMessages:
    """A page of them in the order of their numbers, and what to hand in to get the next ones (None at the end)."""

    messages: list[DeadMessage]
    continuation: str | None


async def dead_messages(services: Services, *, after: str | None, limit: int) -> DeadMessages:
    """What was set aside. Raises Problem (400), Passing, NeedsPerson."""
    if after is not None and not (after.isascii() and after.isdigit()):
        text = "continuation: must be that of an answer before."
        raise Problem(400, "invalid_value", text, field="continuation")
    letters = await services.dead_letters.page(int(after) if after else None, limit)
    continuation = str(letters[-1].number) if len(letters) == limit else None
    return DeadMessages(await _explained(services, letters), continuation)


async def resubmit(services: Services, number: str) -> DeadMessage:
    """Send one to the queue again. Raises Problem (404), Passing, NeedsPerson."""
    known = number.isascii() and number.isdigit()
    moved = await services.dead_letters.resubmit([int(number)]) if known else []
    if not moved:
        raise Problem(404, "unknown_message", f"There is no dead letter with the sequence number {number}.")
    return (await _explained(services, moved))[0]


async def resubmit_all(services: Services) -> DeadMessages:
    """Send the first hundred again; with a continuation when there are more: ask again then."""
    letters = await services.dead_letters.page(None, MOST_AT_ONCE)
    moved = await services.dead_letters.resubmit([letter.number for letter in letters]) if letters else []
    continuation = str(letters[-1].number) if len(letters) == MOST_AT_ONCE else None
    return DeadMessages(await _explained(services, moved), continuation)


async def _explained(services: Services, letters: Sequence[DeadLetter]) -> list[DeadMessage]:
    return [await _explain(services, letter) for letter in letters]


async def _explain(services: Services, letter: DeadLetter) -> DeadMessage:
    body = letter.message.body
    mapping, run_id, number = body.get("mapping"), body.get("run"), body.get("slice")
    if not (isinstance(mapping, str) and isinstance(run_id, str) and isinstance(number, int)):
        return DeadMessage(letter, None, None, None, waited_for=False)
    run = await services.runs(mapping).get(run_id)
    waited_for = run is not None and not run.ended and (number, body.get("turn", run.delays)) == (run.slice, run.delays)
    return DeadMessage(letter, mapping, run_id, number, waited_for)
