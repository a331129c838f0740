"""The cases: how each world is changed, what has then to be done at the least, and what is to be reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from infra.local.bench.customers import Fields
from infra.local.bench.ideal import Work
from infra.local.bench.results import CaseResult, Target
from shared.core.sides import Side

BC, DV = Side.BUSINESS_CENTRAL, Side.DATAVERSE
SHARE = 10  # one record of so many changes

type Edits = Mapping[int, Mapping[Side, Fields]]


@dataclass(frozen=True)
class Limit:
    """The most calls to reach: by side or (None) to both, per 1,000 records or in all."""

    side: Side | None
    calls: float
    per_thousand: bool = True

    def target(self, result: CaseResult) -> Target:
        """What was reached."""
        sides = [self.side] if self.side else list(Side)
        measured = sum(result.per_thousand(side) if self.per_thousand else result.calls[side] for side in sides)
        where = self.side.product if self.side else "both"
        return Target(f"calls to {where}{' per 1,000' if self.per_thousand else ''}", self.calls, measured)


@dataclass(frozen=True)
class Case:
    """One case. `sides` have the customers at the beginning; `edit` is what a person does to customer `index`.

    What is `apart` has customers of its own, of which nobody is coupled (see `match`).
    """

    name: str
    title: str
    limits: tuple[Limit, ...]
    sides: tuple[Side, ...] = tuple(Side)
    edit: Callable[[int], Mapping[Side, Fields]] | None = None
    apart: bool = False

    @property
    def is_load(self) -> bool:
        """Whether everything has to be created on one side."""
        return len(self.sides) == 1

    def edits(self, records: int, wave: int) -> Edits:
        """What is changed: each wave takes other customers, a tenth of all; the first customer is never among them."""
        if self.edit is None:
            return {}
        return {index: self.edit(index) for index in range(wave, records, SHARE)}

    def concerned(self, records: int, edits: Edits) -> int:
        """How many records the figures "per 1,000" refer to; 0 where nothing has changed."""
        return records if self.is_load else len(edits)

    def work(self, records: int, edits: Edits) -> Work:
        """What has to be done at the least."""
        if self.is_load:
            (source,) = self.sides
            return Work({source: records, source.other: 0}, {source.other: records, source: 0})
        rows = {side: sum(side in edit for edit in edits.values()) for side in Side}
        writes = {side: sum(_is_written(edit, side) for edit in edits.values()) for side in Side}
        return Work(rows, writes)


def _is_written(edit: Mapping[Side, Fields], side: Side) -> bool:
    """Whether the other side has something to give; where both changed the same field, Dataverse's value is kept."""
    given = edit.get(side.other, {}).keys()
    return bool(given - edit.get(side, {}).keys() if side is DV else given)


def merged(edits: Edits) -> dict[int, Fields]:
    """What both sides hold in the end: every edit, Dataverse's where both changed the same field."""
    return {index: dict(edit.get(BC, {})) | dict(edit.get(DV, {})) for index, edit in edits.items()}


def _in_business_central(index: int) -> Mapping[Side, Fields]:
    changes: Sequence[Fields] = (
        {"phone": f"+49 30 {index:08}"},
        {"address": f"Neue Straße {index}"},
        {"credit limit": float(index * 10 + 5)},
    )
    return {BC: changes[index // SHARE % 3]}


def _in_dataverse(index: int) -> Mapping[Side, Fields]:
    changes: Sequence[Fields] = (
        {"phone": f"+45 33 {index:08}"},
        {"address 2": f"Etage {index}"},
        {"web site": f"https://www.new-{index}.example"},
    )
    return {DV: changes[index // SHARE % 3]}


def _on_both(index: int) -> Mapping[Side, Fields]:
    """Every other one in different fields, the rest in the same field."""
    here: Fields = {"phone": f"+44 20 {index:08}"}
    there: Fields = {"web site": f"https://www.both-{index}.example"}
    return {BC: here, DV: there if index // SHARE % 2 == 0 else {"phone": f"+33 1 {index:08}"}}


CASES = (
    Case("idle", "Nothing changed", (Limit(BC, 3, per_thousand=False), Limit(DV, 3, per_thousand=False))),
    Case("changed-bc", "10 % changed in Business Central", (Limit(BC, 2), Limit(DV, 3)), edit=_in_business_central),
    Case("changed-dv", "10 % changed in Dataverse", (Limit(BC, 11), Limit(DV, 2)), edit=_in_dataverse),
    Case("changed-both", "10 % changed on both sides", (Limit(None, 13),), edit=_on_both),
    Case("load-dv", "First load to Dataverse", (Limit(DV, 3), Limit(BC, 2)), sides=(BC,)),
    Case("load-bc", "First load to Business Central", (Limit(BC, 12), Limit(DV, 2)), sides=(DV,)),
    Case("match", "Match-based coupling", (Limit(BC, 1), Limit(DV, 1)), apart=True),
)
