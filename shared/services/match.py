"""Before anything is created: does the other side have the record already, uncoupled?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.core.actions import Seen
from shared.core.coupling import CoupledRecord, Coupling, coupling_of
from shared.core.history import What
from shared.core.mapping import Conversion, FieldMapping
from shared.core.matching import Matches, find_matches, match_lines
from shared.core.reasons import Reason
from shared.core.records import Record
from shared.core.remember import described
from shared.core.sides import Side
from shared.services.candidates import candidates
from shared.services.observe import view_of
from shared.services.pass_context import Pair, Slice
from shared.services.touches import with_note


async def couple_matches(work: Slice, pairs: list[Pair]) -> tuple[list[Pair], dict[str, str]]:
    """Couple new records with the free records they mean; both become one pair.

    Answers the pairs that remain, and per record that could mean several a sentence that names them.
    """
    several: dict[str, str] = {}
    if not matches_new_records(work):
        return pairs, several
    for source in work.sources:
        new = [pair for pair in pairs if _is_new(pair, source)]
        if new:
            matches = await _matches(work, source, new, pairs)
            several |= {one: found.sentence(source, work.tables) for one, found in matches.several.items()}
            pairs = await _couple(work, source, pairs, matches)
    return pairs, several


def matches_new_records(work: Slice) -> bool:
    """Whether new records are compared with the other side's before anything is created."""
    return not work.mapping.synch_only_coupled_records and bool(work.mapping.match_by)


def _is_new(pair: Pair, source: Side) -> bool:
    view = pair.views[source]
    return pair.coupling is None and not pair.agrees_with_held and view.seen is Seen.PRESENT and view.in_filter


async def _matches(work: Slice, source: Side, new: Sequence[Pair], pairs: Sequence[Pair]) -> Matches:
    records = [_record(pair, source) for pair in new]
    known = {
        _record(pair, source.other).id: _record(pair, source.other) for pair in pairs if _is_new(pair, source.other)
    }
    for record in await candidates(work, source, searched_lines(work), records):
        if view_of(work, source.other, record).in_filter:
            known.setdefault(record.id, record)
    coupled = await work.couplings.find(source.other, known)
    free = [record for record in known.values() if record.id not in coupled]
    ours = {record.id for record in records}
    rivals = [one for one in await _waiting_rivals(work, source) if one.id not in ours]
    return find_matches(work.mapping, source, [*records, *rivals], free, work.tables).only(ours)


async def _waiting_rivals(work: Slice, source: Side) -> list[Record]:
    """Records that are a question already: whoever claims the same one as they is a question, too."""
    several = [item for item in work.items.values() if item.reason is Reason.SEVERAL_MATCHES]
    ids = sorted({one for item in several if (one := item.id_at(source)) is not None})
    if not ids:
        return []

    async def read() -> list[Record]:
        found = await work.services.rows(source).read(work.tables[source], work.columns(source), ids)
        coupled = await work.couplings.find(source, found)
        return [one for one in found.values() if one.id not in coupled and view_of(work, source, one).in_filter]

    return await work.references.once(f"rivals of {source}", read)


def searched_lines(work: Slice) -> list[FieldMapping]:
    """The first plain field of each group, each once: one query finds the candidates of many records."""
    lines: dict[str, FieldMapping] = {}
    for group in work.mapping.match_by:
        plain = [line for line in match_lines(work.mapping, group) if line.conversion is Conversion.PLAIN]
        if plain:
            lines.setdefault(plain[0].caption, plain[0])
    return list(lines.values())


async def _couple(work: Slice, source: Side, pairs: list[Pair], matches: Matches) -> list[Pair]:
    """Store the new couplings, unless this is a preview, and make one pair of each two."""
    coupled, waiting = list[Pair](), list[Pair]()
    claimed = {record.id for record in matches.pairs.values()}
    for pair in pairs:
        if _is_new(pair, source) and (found := matches.pairs.get(_record(pair, source).id)) is not None:
            if work.is_held(source.other, found.id):
                waiting.append(replace(pair, agrees_with_held=True))
                continue
            views = {source: pair.views[source], source.other: view_of(work, source.other, found)}
            coupled.append(Pair(views, _coupling(work, source, _record(pair, source), found), coupled_now=True))
    found_now = [pair.coupling for pair in coupled if pair.coupling]
    added = found_now if work.is_preview else await work.couplings.add(found_now)
    stored = {coupling.at(source).id: coupling for coupling in added}
    kept = [replace(pair, coupling=stored[one]) for pair in coupled if (one := pair.id_at(source)) in stored]
    rest = [pair for pair in pairs if not _is_taken(pair, source, matches, claimed)]
    return [*rest, *kept, *waiting]


def _is_taken(pair: Pair, source: Side, matches: Matches, claimed: set[str]) -> bool:
    if _is_new(pair, source):
        return _record(pair, source).id in matches.pairs
    return _is_new(pair, source.other) and _record(pair, source.other).id in claimed


def _coupling(work: Slice, source: Side, record: Record, found: Record) -> Coupling:
    ends = {
        source: described(CoupledRecord(record.id), record, work.tables[source]),
        source.other: described(CoupledRecord(found.id), found, work.tables[source.other]),
    }
    coupling = coupling_of(ends, work.now, work.run.requested_by)
    return with_note(work, coupling, What.COUPLED, Reason.MATCHED, source=source)


def _record(pair: Pair, side: Side) -> Record:
    record = pair.views[side].record
    assert record is not None
    return record
