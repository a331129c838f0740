"""Match-based coupling once more, as plainly as can be: every record is compared with every row, in sets and loops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from shared.core.match_criteria import MatchCriteria, criteria_of
from shared.core.match_index import MatchIndex
from shared.core.match_plan import Matching, match
from shared.core.match_report import UnmatchedReason
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.tables import Column, Table
from shared.core.transfer import References
from tests.unit.core import tables
from tests.unit.core.tables import BC, DV, column, line, mapping


def _roomy(table: Table) -> Table:
    columns = tuple(Column(name=one.name, kind=one.kind) for one in table.columns)
    return table.model_copy(update={"columns": columns})


TABLES = {side: _roomy(tables.TABLES[side]) for side in Side}  # with columns of any length

type Texts = tuple[str | None, ...]  # the values of the columns a, b and c


def bc_id(number: int) -> str:
    """A GUID for a BC record; ids that follow each other are far apart."""
    return str(UUID(int=((number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835) % (1 << 128)))


def dv_id(number: int) -> str:
    """A GUID for a Dataverse row."""
    return str(UUID(int=number + (1 << 100)))


def records_of(side: Side, rows: Mapping[int, Texts] | list[Texts]) -> list[Record]:
    """Records with these texts; the ids are made of the numbers."""
    made = bc_id if side is BC else dv_id
    items = rows.items() if isinstance(rows, Mapping) else enumerate(rows)
    return [
        Record(made(number), {column(letter, side): text for letter, text in zip("abc", texts, strict=False)})
        for number, texts in items
    ]


def criteria_by(*groups: str, case_sensitive: str = "", **settings: object) -> MatchCriteria:
    """Criteria by groups of letters: "a", "bc" means a first, then b and c together."""
    rules = mapping(
        line("a"), line("b"), line("c"), match_by=[[column(letter, BC) for letter in one] for one in groups]
    )
    sensitive = [column(letter, BC) for letter in case_sensitive]
    return criteria_of(rules, TABLES, case_sensitive=sensitive, **settings)  # type: ignore[arg-type]


def matched(
    criteria: MatchCriteria,
    left: list[Record],
    right: list[Record],
    coupled: Mapping[str, str] | None = None,
    page: int = 1000,
    references: References | None = None,
) -> Matching:
    """The result for these records, read in pages; `coupled` by BC id."""
    pairs = coupled or {}
    back = {there: here for here, there in pairs.items()}
    indexes = {side: MatchIndex(criteria, side, TABLES) for side in Side}
    for side, records, partners in ((BC, left, pairs), (DV, right, back)):
        for start in range(0, len(records), page):
            indexes[side].add(records[start : start + page], references, partners)
    return match(indexes[BC], indexes[DV])


@dataclass
class Expected:
    """Pairs by BC id, and the reason of every other free record."""

    pairs: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, UnmatchedReason] = field(default_factory=dict)


def expected(
    groups: tuple[str, ...],
    left: Mapping[str, Texts],
    right: Mapping[str, Texts],
    coupled: Mapping[str, str],
    case_sensitive: str = "",
) -> Expected:
    """What the rules of `core.match_plan` say, group by group; blanks are left out."""
    found, blocked, settled = Expected(), set[str](), set[str]()
    for group in groups:
        taken = {**coupled, **found.pairs}
        claims: dict[str, set[str]] = {}
        for one in left.keys() - found.pairs.keys() - settled:
            fits = [row for row in right if _agree(group, left[one], right[row], case_sensitive)]
            if len(fits) == 1 and coupled.get(one) == fits[0]:
                settled.add(one)
            elif len(fits) == 1 and fits[0] not in taken.values():
                claims.setdefault(fits[0], set()).add(one)
            elif fits and one not in coupled:
                reason = UnmatchedReason.SEVERAL if len(fits) > 1 else UnmatchedReason.TAKEN
                found.reasons.setdefault(one, reason)
        for row, claimants in claims.items():
            free = claimants - coupled.keys()
            if row not in blocked and len(claimants) == 1 and free:
                found.pairs[free.pop()] = row
            elif free:
                blocked.add(row)
                found.reasons |= {one: UnmatchedReason.CONTESTED for one in free if one not in found.reasons}
    for one in left.keys() - coupled.keys() - found.pairs.keys():
        found.reasons.setdefault(one, UnmatchedReason.NONE)
    found.reasons = {one: reason for one, reason in found.reasons.items() if one not in found.pairs}
    return found


def _agree(group: str, left: Texts, right: Texts, case_sensitive: str) -> bool:
    asked = [(letter, left["abc".index(letter)], right["abc".index(letter)]) for letter in group]
    compared = [(letter, here, there) for letter, here, there in asked if (here or "").strip()]
    return bool(compared) and all(
        there is not None and _spelled(here, letter, case_sensitive) == _spelled(there, letter, case_sensitive)
        for letter, here, there in compared
    )


def _spelled(text: str | None, letter: str, case_sensitive: str) -> str:
    return (text or "").strip() if letter in case_sensitive else (text or "").strip().casefold()
