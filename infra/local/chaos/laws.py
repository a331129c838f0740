"""The laws of a trial, pure: from what was found in the end to complaints in sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from infra.local.chaos.company import Where
from infra.local.chaos.people import Edit, Spot
from infra.local.demo.clients import Row
from infra.local.demo.in_step import Pair

CONFLICT = "update_conflict"


def miscounted(where: Where, rows: int, known: int, size: int) -> list[str]:
    """Each of `size` records is there once: as many rows, and as many different records among them."""
    wrong = (rows, known) != (size, size)
    return [f"{where} has {rows} rows of {known} records instead of {size}."] if wrong else []


def not_in_step(pairs: Mapping[int, Pair], in_conflict: Collection[int]) -> list[str]:
    """Every pair agrees field by field, but for open conflicts."""
    return [
        f"{pair.business_central.mark} differs in {', '.join(pair.differences())}."
        for number, pair in pairs.items()
        if number not in in_conflict and pair.differences()
    ]


def lost_edits(
    pairs: Mapping[int, Pair], edits: Mapping[Spot, Sequence[Edit]], in_conflict: Collection[int]
) -> list[str]:
    """What was last written into a field stands on both sides, or where it was written when it is in conflict."""
    return [
        f"{pair.business_central.mark}: the {name} was last set to {written[-1].value} in {written[-1].where}, and now"
        f" it is {pair.business_central.values[name]!r} and {pair.dataverse.values[name]!r}."
        for (number, name), written in edits.items()
        if (pair := pairs.get(number)) is not None and not _stands(pair, name, written[-1], number in in_conflict)
    ]


def unexplained(errors: Sequence[Row], contested: Collection[str]) -> list[str]:
    """Only what people of both sides did to the same field may be an error; `contested` are ids of BC records."""
    return [
        f"Nobody caused this error: {error['reason']}: {error['message']}"
        for error in errors
        if error["reason"] != CONFLICT or error["business_central_id"] not in contested
    ]


def _stands(pair: Pair, name: str, last: Edit, in_conflict: bool) -> bool:
    now = {Where.BUSINESS_CENTRAL: pair.business_central.values[name], Where.DATAVERSE: pair.dataverse.values[name]}
    return all(now[where] == last.value for where in ([last.where] if in_conflict else Where))
