"""Writing down what became of the pairs: counters of the jobs, open work items, sentences for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from shared.core.actions import Change, Hold, Make, Nothing, Remember, Seen
from shared.core.outcome import count
from shared.core.reasons import Reason
from shared.core.references import Unresolved
from shared.core.retry import WAITING, is_skipped, next_attempt
from shared.core.sides import Side
from shared.services.cured_causes import note_cured
from shared.services.feeds import Page
from shared.services.full_run import overwriting
from shared.services.pass_context import Pair, Slice
from shared.services.repositories.job_errors import JobErrorRepository
from shared.services.repositories.work_items import WorkItem
from shared.services.settled import Settled

MOST_MESSAGES = 50  # of one job; the work items hold the rest


async def record_outcomes(work: Slice, page: Page, settled: Sequence[Settled]) -> None:
    """Add the counters to the run (not yet stored), store new and changed work items, remove those that are cured.

    What is unchanged is counted with its page: if time is up within it, it is looked at once more.
    """
    kept: dict[str, WorkItem] = {}
    for one in settled:
        assert one.outcome is not None
        if one.outcome.held is not None:
            item = _work_item(work, one, one.outcome.held)
            kept[item.key] = item
            one.outcome.skips = item.skipped
            _note(work, one.outcome.held)
        _note_what_was_left(work, one)
        _note_what_was_overwritten(work, one)
    kept |= _missing_options(work, settled)
    tried = [one for one in settled if not rests(one) and not one.is_cut]
    cured = {key: one for one in tried for key in keys_of(one.pair) if key in work.items and key not in kept}
    for key, one in cured.items():
        note_cured(work, work.items[key], versions_of(one.pair))
    repository = work.services.work_items(work.mapping.name)
    if kept:
        await repository.put(list(kept.values()))
        await _keep_errors(work, kept.values())
    if cured:
        await repository.remove(sorted(cured))
    work.items = {key: item for key, item in work.items.items() if key not in cured} | kept
    _count(work, page, settled)


async def _keep_errors(work: Slice, items: Iterable[WorkItem]) -> None:
    """Keep what a person has to look at with the jobs that met it, for these tell it also when it is solved."""
    errors = [item for item in items if item.is_error]
    if errors:
        await JobErrorRepository(work.services.state, work.services.connection).put(errors)


def _count(work: Slice, page: Page, settled: Sequence[Settled]) -> None:
    for one in settled:
        assert one.outcome is not None
        for side, counters in count(one.outcome, work.sources).items():
            page.unchanged[side] += counters.unchanged
            counters.unchanged = 0
            work.run.counters[side].add(counters)


async def mark_as_held(work: Slice, settled: Sequence[Settled]) -> None:
    """Store the work items of pairs that are held without having been tried; nothing is counted."""
    items: dict[str, WorkItem] = {}
    for one in settled:
        assert one.outcome is not None
        assert one.outcome.held is not None
        item = replace(_work_item(work, one, one.outcome.held), attempts=1, skipped=False)
        items[item.key] = item
    other = {key for one in settled for key in keys_of(one.pair) if key in work.items and key not in items}
    await work.services.work_items(work.mapping.name).put(list(items.values()))
    await _keep_errors(work, items.values())
    await forget(work, other)
    work.items |= items


async def forget(work: Slice, keys: Iterable[str]) -> None:
    """Remove the items of records that are gone and were never coupled: nobody can do anything about them."""
    gone = sorted(key for key in keys if key in work.items)
    if gone:
        await work.services.work_items(work.mapping.name).remove(gone)
        work.items = {key: item for key, item in work.items.items() if key not in gone}


def _missing_options(work: Slice, settled: Sequence[Settled]) -> dict[str, WorkItem]:
    """One item for each value that has no choice on the other side, however many records have it."""
    now, items = work.services.clock.now(), dict[str, WorkItem]()
    for one in settled:
        if not isinstance(one.action, (Nothing, Remember, Change, Make)):
            continue
        for left in one.action.left:
            job = work.run.jobs.get(left.side) or next(iter(work.run.jobs.values()))
            item = WorkItem(
                mapping=work.mapping.name,
                source=left.side,
                record_id=f"option:{left.line}:{left.value}",
                reason=Reason.OPTION_NOT_MAPPED,
                message=_left_alone(left),
                job=job,
                first_at=now,
                last_at=now,
                next_at=now,
                number=str(left.value),
                title=left.what,
                column=left.line,
            )
            earlier = work.items.get(item.key)
            items[item.key] = replace(item, first_at=earlier.first_at) if earlier else item
    return items


def keys_of(pair: Pair) -> list[str]:
    """The keys under which a pair's work item may be stored."""
    return [f"{side}|{record_id}" for side in Side if (record_id := pair.id_at(side))]


def rests(one: Settled) -> bool:
    """Whether a pair was left alone because it failed before and nothing has changed since."""
    return isinstance(one.action, Nothing) and one.action.reason in (Reason.SKIPPED, Reason.NOT_DUE, Reason.HELD)


def _work_item(work: Slice, one: Settled, held: Hold) -> WorkItem:
    now = work.services.clock.now()
    source = held.source if one.pair.id_at(held.source) else held.source.other
    record_id = one.pair.id_at(source) or ""
    earlier = next((work.items[key] for key in keys_of(one.pair) if key in work.items), None)
    skipped = earlier is not None and is_skipped(held.reason, held.message, earlier.reason, earlier.message)
    attempts = earlier.attempts + 1 if earlier and earlier.reason is held.reason else 1
    number, title = _names(work, one, source)
    other_number, other_title = _names(work, one, source.other)
    return WorkItem(
        mapping=work.mapping.name,
        source=source,
        record_id=record_id,
        reason=held.reason,
        message=held.message,
        job=work.run.jobs.get(source) or next(iter(work.run.jobs.values())),
        first_at=earlier.first_at if earlier else now,
        last_at=now,
        next_at=next_attempt(held.reason, attempts, now),
        attempts=attempts,
        business_central_id=one.pair.id_at(Side.BUSINESS_CENTRAL),
        dataverse_id=one.pair.id_at(Side.DATAVERSE),
        number=number,
        title=title,
        column=(one.refused.column if one.refused else None) or (held.problems[0].column if held.problems else None),
        service_code=one.refused.code if one.refused else "",
        fields=held.fields,
        waits_for=tuple(sorted({name for wait in held.waits for name in wait.mappings})),
        skipped=skipped,
        versions=_versions_decided_on(one),
        waits=held.waits,
        other_number=other_number,
        other_title=other_title,
        missing=tuple(side for side in Side if one.pair.views[side].seen is Seen.GONE),
    )


def versions_of(pair: Pair) -> dict[Side, str | None]:
    """The versions of the records that were read."""
    return {side: record.etag for side in Side if (record := pair.views[side].record) is not None}


def _versions_decided_on(one: Settled) -> dict[Side, str | None]:
    """Those that were read, and those that the coupling remembered of what was not."""
    remembered = one.action.before if isinstance(one.action, Change) else None
    known = {side: remembered.at(side).etag for side in Side} if remembered is not None else {}
    return {side: etag for side, etag in known.items() if etag is not None} | versions_of(one.pair)


def _names(work: Slice, one: Settled, source: Side) -> tuple[str | None, str | None]:
    table, record = work.tables[source], one.pair.views[source].record
    if record is not None:
        values = (record.values.get(name) if name else None for name in (table.number, table.title))
        number, title = (None if value is None else str(value) for value in values)
        return number, title
    end = one.pair.coupling.at(source) if one.pair.coupling else None
    return (end.number, end.title) if end else (None, None)


def _note(work: Slice, held: Hold) -> None:
    """A sentence in the job of the pass that could not do it; waiting records are counted by what they wait for."""
    source = held.source if held.source in work.run.jobs else next(iter(work.run.jobs))
    _say(
        work.run.messages[source], held.message if held.reason in WAITING else f"{held.reason.sentence} {held.message}"
    )


def _note_what_was_left(work: Slice, one: Settled) -> None:
    if not isinstance(one.action, (Nothing, Remember, Change, Make)):
        return
    for left in one.action.left:
        if left.side in work.run.jobs:
            _say(work.run.messages[left.side], _left_alone(left))


def _note_what_was_overwritten(work: Slice, one: Settled) -> None:
    for side in one.outcome.written if one.outcome is not None and work.run.full is not None else ():
        for sentence in overwriting(one.action, side) if side.other in work.run.jobs else ():
            _say(work.run.messages[side.other], sentence)


def _left_alone(left: Unresolved) -> str:
    return f"{left.what} ({left.line}) has no counterpart in {left.side.other.product}; records keep what they have."


def _say(messages: dict[str, int], sentence: str) -> None:
    if sentence in messages or len(messages) < MOST_MESSAGES:
        messages[sentence] = messages.get(sentence, 0) + 1
