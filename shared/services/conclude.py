"""Storing what became of a chunk: new, changed and ended couplings, and the creates that are still in doubt."""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.coupling import Coupling
from shared.core.guard import total
from shared.services.full_run import unsettled
from shared.services.pass_context import Slice
from shared.services.settled import Settled
from shared.services.touches import noted, noted_create, noted_end


async def conclude(work: Slice, chunk: Sequence[Settled]) -> None:
    """Store the end of each pair. Raises StateConflict when somebody else has changed one of these couplings."""
    await _store_creates(work, chunk)
    kept = [noted(work, one, coupling) for one in chunk if (coupling := one.kept or _still_attempted(one))]
    if kept:
        await work.couplings.save(kept)
    removed = [noted_end(work, one, one.removed) for one in chunk if one.removed is not None]
    if removed:
        await work.couplings.remove(removed)
    work.run.unsettled += unsettled(chunk) if work.run.full is not None else 0
    work.run.damage += total(one.damage for one in chunk if not one.is_cut)


async def _store_creates(work: Slice, chunk: Sequence[Settled]) -> None:
    made = [one for one in chunk if one.creation is not None]
    done = [one for one in made if one.added is not None]
    doubtful = [one.doubt for one in made if one.doubt is not None]
    certain = [one.creation.intent for one in made if one.creation and not (one.added or one.doubt or one.is_cut)]
    if done:
        intents = [one.creation.intent for one in done if one.creation]
        await work.couplings.add([noted_create(work, one, one.added) for one in done if one.added], intents)
    if doubtful:
        await work.couplings.begin(doubtful)
    if certain:
        await work.couplings.give_up(certain)
    for one in made:
        if one.creation and not one.is_cut:
            work.intents.pop((one.creation.intent.source, one.creation.intent.source_id), None)
    work.intents |= {(intent.source, intent.source_id): intent for intent in doubtful}


def _still_attempted(one: Settled) -> Coupling | None:
    """A coupling whose attempt is announced and not settled by what came after it."""
    coupling = one.pair.coupling
    is_open = one.is_attempted and not one.is_cut and one.removed is None
    return coupling if is_open and coupling is not None and coupling.attempt is not None else None
