"""Is the end state right? Both sides' rows are read back and compared with what the customers must hold.

Nothing of the app is used: which field is which column is said in `customers`, and the reading is plain HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.bench.customers import (
    LOCAL_CURRENCY,
    PLAIN,
    SHIPMENTS,
    TERMS,
    Fields,
    Lookups,
    fields_of,
    index_of,
)
from infra.local.bench.simulators import Simulator, Simulators
from shared.core.sides import Side

type Row = dict[str, Any]

_TERMS = {choice: code for code, choice in TERMS.items()}
_SHIPMENTS = {choice: code for code, choice in SHIPMENTS.items()}
_PAGE = {Side.BUSINESS_CENTRAL: 20_000, Side.DATAVERSE: 5_000}
_QUERY = {
    Side.BUSINESS_CENTRAL: "customers?$select="
    + ",".join(here for here, _ in PLAIN.values())
    + ",currencyCode,salespersonCode,paymentTermsId,shipmentMethodId,creditLimit",
    Side.DATAVERSE: "accounts?$select="
    + ",".join(there for _, there in PLAIN.values())
    + ",_transactioncurrencyid_value,_ownerid_value,paymenttermscode,address1_freighttermscode,creditlimit",
}
_SHOWN = 5


@dataclass
class Verdict:
    """How many rows were compared on each side, and what was wrong with them: a few sentences and their number."""

    rows: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    wrong: int = 0
    complaints: list[str] = field(default_factory=list)

    def complain(self, text: str) -> None:
        """One more thing is wrong."""
        self.wrong += 1
        if len(self.complaints) < _SHOWN:
            self.complaints.append(text)


@dataclass(frozen=True)
class Expected:
    """What both sides must hold: `records` customers, those that were edited with `edits` over their first fields.

    `one_way` is whether Business Central knows salesperson and credit limit, too: where the customers came from
    Dataverse it does not.
    """

    records: int
    edits: Mapping[int, Fields]
    one_way: bool = True

    def at(self, side: Side, index: int) -> Fields:
        """The fields of a customer on `side`."""
        fields = fields_of(index) | self.edits.get(index, {})
        if not self.one_way and side is Side.BUSINESS_CENTRAL:
            fields |= {"salesperson": "", "credit limit": 0.0}
        return fields


async def judge(simulators: Simulators, expected: Expected, lookups: Lookups) -> Verdict:
    """Compare every row of both sides, one by one."""
    verdict = Verdict()
    for side in Side:
        await _judge_side(simulators.at(side), expected, lookups, verdict)
    return verdict


async def _judge_side(simulator: Simulator, expected: Expected, lookups: Lookups, verdict: Verdict) -> None:
    side, seen = simulator.side, bytearray(expected.records)
    async for page in simulator.pages(_QUERY[side], _PAGE[side]):
        for row in page:
            found = fields_in(side, row, lookups)
            index = index_of(found["e-mail"])
            verdict.rows[side] += 1
            if index is None or index >= expected.records or seen[index]:
                verdict.complain(f"{side.product}: {found['name']} is there and must not be.")
                continue
            seen[index] = 1
            wanted = expected.at(side, index)
            if found != wanted:
                verdict.complain(f"{side.product}: {_difference(found, wanted)}")
    for index in (at for at, there in enumerate(seen) if not there):
        verdict.complain(f"{side.product}: {fields_of(index)['name']} is missing.")


def fields_in(side: Side, row: Row, lookups: Lookups) -> Fields:
    """The fields that a row of `side` shows."""
    place = list(Side).index(side)
    fields: Fields = {name: row.get(columns[place]) or "" for name, columns in PLAIN.items()}

    def code(column: str) -> str:
        return lookups.codes.get(str(row.get(column)).lower(), "")

    if side is Side.BUSINESS_CENTRAL:
        currency = str(row["currencyCode"])
        return fields | {
            "currency": "" if currency == LOCAL_CURRENCY else currency,
            "salesperson": row["salespersonCode"],
            "terms": code("paymentTermsId"),
            "shipment": code("shipmentMethodId"),
            "credit limit": float(row["creditLimit"]),
        }
    currency = code("_transactioncurrencyid_value")
    return fields | {
        "currency": "" if currency == LOCAL_CURRENCY else currency,
        "salesperson": code("_ownerid_value"),
        "terms": _TERMS[row["paymenttermscode"]],
        "shipment": _SHIPMENTS[row["address1_freighttermscode"]],
        "credit limit": float(row["creditlimit"] or 0),
    }


def _difference(found: Fields, wanted: Fields) -> str:
    differing = [
        f"{name} {found[name]!r} instead of {wanted[name]!r}" for name in wanted if found[name] != wanted[name]
    ]
    return f"{wanted['name']} has {', '.join(differing)}."
