"""Customers that both sides have and that nobody has coupled, as they are found in life; and who belongs to whom.

Every twenty customers are of twenty kinds: most are the same on both sides; some are written in other cases or with
accents in another form, lack their e-mail address or have changed it, are there twice, are taken, or are on one side
only. What has to become of each is said here as it is made, not computed by the rules that are measured.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.bench import customers
from infra.local.bench.customers import Fields, Lookups, Row
from shared.core.match_report import UnmatchedReason
from shared.core.sides import Side

HERE, THERE = Side.BUSINESS_CENTRAL, Side.DATAVERSE
KINDS = 20
ALONE, TAKEN, COUPLED, CAPITALS, ACCENT, OTHER_FORM, NO_MAIL, NEW_MAIL = 7, 8, 9, 10, 11, 12, 13, 14
SEVERAL, CONTESTED, ALSO_CONTESTED, ONE_SIDED, BLANK = 15, 16, 17, 18, 19


@dataclass(frozen=True)
class Wanted:
    """What is to become of a BC record: coupled with the row `partner` (by index) in a group, or left for a reason."""

    partner: int | None = None
    group: int = 0
    reason: UnmatchedReason | None = None


_REASONS = {
    ALONE: UnmatchedReason.NONE,
    TAKEN: UnmatchedReason.TAKEN,
    ACCENT: UnmatchedReason.NONE,
    SEVERAL: UnmatchedReason.SEVERAL,
    CONTESTED: UnmatchedReason.CONTESTED,
    ALSO_CONTESTED: UnmatchedReason.CONTESTED,
    ONE_SIDED: UnmatchedReason.NONE,
    BLANK: UnmatchedReason.NONE,
}
_COPIES = {(HERE, TAKEN): COUPLED, (HERE, ALSO_CONTESTED): CONTESTED, (THERE, ALSO_CONTESTED): SEVERAL}
_ONLY_HERE = (ALONE, TAKEN, ONE_SIDED, BLANK)  # their rows of the same index are somebody else's


def kind_of(index: int, records: int) -> int:
    """The kind of a customer; the last ones, where twenty are not full, are the same on both sides."""
    return index % KINDS if index // KINDS < records // KINDS else 0


def wanted(index: int, records: int) -> Wanted:
    """What has to become of a BC record that is not coupled before."""
    kind = kind_of(index, records)
    reason = _REASONS.get(kind)
    return Wanted(reason=reason) if reason else Wanted(partner=index, group=1 if kind == NEW_MAIL else 0)


def is_coupled(index: int, records: int) -> bool:
    """Whether a customer is coupled before."""
    return kind_of(index, records) == COUPLED


def fields_at(side: Side, index: int, records: int) -> Fields:
    """What `side` holds of a customer."""
    kind = kind_of(index, records)
    copied = _COPIES.get((side, kind))
    if copied is not None:
        return fields_at(side, index - kind + copied, records)
    fields = customers.fields_of(index)
    name, mail = f"{fields['name']} Café {index}", str(fields["e-mail"])
    if side is THERE and kind in _ONLY_HERE:
        name, mail = f"Somebody else {index}", f"else-{index}@else.example"
    return {**fields, "name": name, "e-mail": mail, **_spelled(side, kind, name, mail)}


def _spelled(side: Side, kind: int, name: str, mail: str) -> Mapping[str, str]:
    """In what the two sides differ."""
    if side is HERE:
        return {NO_MAIL: {"e-mail": ""}, BLANK: {"e-mail": "", "post code": ""}}.get(kind, {})
    return {
        CAPITALS: {"name": name.upper(), "e-mail": mail.upper()},
        ACCENT: {"name": name.replace("é", "e")},
        OTHER_FORM: {"name": unicodedata.normalize("NFD", name)},
        NEW_MAIL: {"e-mail": f"new-{mail}"},
    }.get(kind, {})


def row_of(side: Side, index: int, records: int, lookups: Lookups) -> Row:
    """A customer of long ago, as its simulator takes many."""
    row: Row = {name: text.format(n=index) for name, text in customers.identifiers(side).items()}
    return row | customers.OF_OLD[side] | customers.values_of(side, fields_at(side, index, records), lookups)
