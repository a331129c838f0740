"""Messages that the queue has set aside: which run each belongs to, whether that run still waits for it, and again.

A run whose message is lost is woken by the timer, too; so to resubmit one is never necessary, only quicker, and never
does harm: a slice that was done already is not done again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.ports import DeadLetter
from shared.services.connections import Connections
from shared.services.job_message import FOREIGN, trouble_with
from shared.services.problems import Problem

MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """A dead letter and what it points to; `waited_for` says whether its slice of the run is still to be done.

    `trouble` says why it cannot be worked off, however often it is sent; empty when nothing is known against it.
    """

    letter: DeadLetter
    connection: str | None
    mapping: str | None
    run: str | None
    slice: int | None
    waited_for: bool
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class DeadMessages:
    """A page of them in the order of their numbers, and what to hand in to get the next ones (None at the end)."""

    messages: list[DeadMessage]
    continuation: str | None


async def dead_messages(
    connections: Connections, *, of: str | None = None, after: str | None = None, limit: int
) -> DeadMessages:
    """What was set aside; of one connection only, if `of` names it. Raises Problem (400), Passing, NeedsPerson."""
    if after is not None and not (after.isascii() and after.isdigit()):
        text = "continuation: must be that of an answer before."
        raise Problem(400, "invalid_value", text, field="continuation")
    letters, continuation = await _letters(connections, of, int(after) if after else None, limit)
    return DeadMessages(await _explained(connections, letters), continuation)


async def resubmit(connections: Connections, number: str) -> DeadMessage:
    """Send one to the queue again. Raises Problem (404), Passing, NeedsPerson."""
    known = number.isascii() and number.isdigit()
    moved = await connections.default.dead_letters.resubmit([int(number)]) if known else []
    if not moved:
        raise Problem(404, "unknown_message", f"There is no dead letter with the sequence number {number}.")
    return (await _explained(connections, moved))[0]


async def resubmit_all(connections: Connections, *, of: str | None = None) -> DeadMessages:
    """Send the first hundred again; with a continuation when there are more: ask again then."""
    letters, continuation = await _letters(connections, of, None, MOST_AT_ONCE)
    numbers = [letter.number for letter in letters]
    moved = await connections.default.dead_letters.resubmit(numbers) if numbers else []
    return DeadMessages(await _explained(connections, moved), continuation)


async def _letters(
    connections: Connections, of: str | None, after: int | None, limit: int
) -> tuple[list[DeadLetter], str | None]:
    """The next ones, and where to go on. There is one queue for all connections, so others' are passed over."""
    found: list[DeadLetter] = []
    while True:
        letters = await connections.default.dead_letters.page(after, limit)
        for letter in letters:
            after = letter.number
            found += [letter] if of in (None, letter.message.body.get("connection")) else []
            if len(found) == limit:
                return found, str(after)
        if len(letters) < limit:
            return found, None


async def _explained(connections: Connections, letters: Sequence[DeadLetter]) -> list[DeadMessage]:
    return [await _explain(connections, letter) for letter in letters]


async def _explain(connections: Connections, letter: DeadLetter) -> DeadMessage:
    body = letter.message.body
    name, mapping, run_id, number = (body.get(member) for member in ("connection", "mapping", "run", "slice"))
    foreign = DeadMessage(letter, None, None, None, None, False, FOREIGN)
    if not (isinstance(name, str) and isinstance(mapping, str) and isinstance(run_id, str) and isinstance(number, int)):
        return foreign
    trouble = trouble_with(body)
    if trouble == FOREIGN:
        return foreign
    services = connections.find(name)
    if services is None or trouble:
        return DeadMessage(letter, name, mapping, run_id, number, False, trouble or connections.unknown(name))
    run = await services.runs(mapping).get(run_id)
    waited_for = run is not None and not run.ended and (number, body.get("turn", run.delays)) == (run.slice, run.delays)
    return DeadMessage(letter, services.connection, mapping, run_id, number, waited_for)
