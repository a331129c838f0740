"""Our own processor work for one record (plan, transfer, merge, compare; no I/O) beside decoding that record's JSON.

Both are measured in one process, in turns, over the same customers, in processor time; the median counts.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from infra.local.bench import customers
from infra.local.bench.customers import CURRENCIES, LOCAL_CURRENCY, SALESPEOPLE, SHIPMENTS, TERMS, Fields, Lookups
from infra.local.bench.results import Measure, Target
from shared.adapters.rows import record_reader
from shared.core.actions import ABSENT, UNREAD, Change, Make, Seen, View
from shared.core.coupling import CoupledRecord, Coupling, coupling_of
from shared.core.mapping import Mapping as TableMapping
from shared.core.plan import decide
from shared.core.records import Record
from shared.core.references import ReferenceAnswers
from shared.core.remember import base_after_create, versioned
from shared.core.sides import Side
from shared.core.tables import Value
from shared.core.transfer import References
from shared.defaults import standard_mappings, standard_tables
from shared.services.pass_context import columns_to_read

BC, DV = Side.BUSINESS_CENTRAL, Side.DATAVERSE
TIMES_DECODING = 10
RECORDS, REPEATS = 200, 31
_TABLES = {BC: "customers", DV: "account"}

type Work = Callable[[int], object]


class Pairs:
    """Coupled customers in memory: what the services would send, the records read from it, the couplings."""

    def __init__(self, count: int) -> None:
        mapping = next(one for one in standard_mappings() if one.name == "CUSTOMER")
        self.mapping = mapping.model_copy(update={"synch_only_coupled_records": False})
        self.tables = {side: standard_tables()[(side, name)] for side, name in _TABLES.items()}
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        columns = {side: columns_to_read(self.mapping, table, side) for side, table in self.tables.items()}
        self._read = {side: record_reader(table, columns[side]) for side, table in self.tables.items()}
        lookups = _lookups()
        self.references = _references(self.mapping, lookups)
        here: Fields = {"phone": "+49 30 1"}
        there: Fields = {"web site": "https://www.new.example"}
        before = [self._rows(index, {BC: {}, DV: {}}, lookups) for index in range(count)]
        after = [self._rows(index, {BC: here, DV: there}, lookups) for index in range(count)]
        self.texts = [{side: json.dumps(row[side], ensure_ascii=False).encode() for side in Side} for row in after]
        self.unchanged = [self._records(rows) for rows in before]
        self.changed = [self._records(rows) for rows in after]
        self.couplings = [self._coupling(records) for records in self.unchanged]

    def decide(self, index: int, views: Mapping[Side, View], coupling: Coupling | None) -> Any:
        """The core's decision."""
        return decide(self.mapping, views, coupling, self.tables, self.references, self.now)

    def _rows(self, index: int, edits: Mapping[Side, Fields], lookups: Lookups) -> dict[Side, dict[str, Any]]:
        return {side: _wire_row(side, index, edits[side], lookups) for side in Side}

    def _records(self, rows: Mapping[Side, dict[str, Any]]) -> dict[Side, Record]:
        return {side: self.read(side, row) for side, row in rows.items()}

    def read(self, side: Side, row: dict[str, Any]) -> Record:
        """A row as the connector reads it."""
        return self._read[side](row)

    def _coupling(self, records: Mapping[Side, Record]) -> Coupling:
        lines = [line for line in self.mapping.fields if line.enabled and not line.new_rows_only]
        ends = {}
        for side, record in records.items():
            base = {name: record.values.get(name) for line in lines for name in line.columns(side)}
            ends[side] = versioned(self.mapping, side, CoupledRecord(record.id, base), record, self.tables[side])
        return replace(coupling_of(ends, self.now), synchronized_at=self.now)


def measure(records: int = RECORDS, repeats: int = REPEATS) -> Measure:
    """Measure all; times are in microseconds per record."""
    pairs = Pairs(records)
    kinds: dict[str, tuple[Work, Work]] = {
        "changed in Business Central": (_changed(pairs, (BC,)), _decoded(pairs, (BC,))),
        "changed in Dataverse": (_changed(pairs, (DV,)), _decoded(pairs, (DV,))),
        "changed on both sides": (_changed(pairs, (BC, DV)), _decoded(pairs, (BC, DV))),
        "told again, unchanged": (_unchanged(pairs), _decoded(pairs, (BC,))),
        "created in Dataverse": (_created(pairs, BC), _decoded(pairs, (BC,))),
        "created in Business Central": (_created(pairs, DV), _decoded(pairs, (DV,))),
    }
    figures: dict[str, float | None] = {}
    targets = []
    for kind, (work, decoding) in kinds.items():
        own, decoded = _medians((work, decoding), records, repeats)
        figures[f"{kind}: our work, microseconds"] = own
        figures[f"{kind}: decoding, microseconds"] = decoded
        targets.append(Target(f"{kind}: our work, times decoding", TIMES_DECODING, own / decoded))
    return Measure("own-work", "Our own work for one record", figures, targets)


def _medians(works: tuple[Work, ...], records: int, repeats: int) -> list[float]:
    """Microseconds per record, each work in its turn."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for at, work in enumerate(works):
            started = time.process_time()  # what other processes take meanwhile is not ours
            for index in range(records):
                work(index)
            times[at].append((time.process_time() - started) / records * 1e6)
    return [statistics.median(each) for each in times]


def _decoded(pairs: Pairs, sides: tuple[Side, ...]) -> Work:
    return lambda index: [json.loads(pairs.texts[index][side]) for side in sides]


def _unchanged(pairs: Pairs) -> Work:
    def work(index: int) -> object:
        views = {BC: View(Seen.PRESENT, pairs.unchanged[index][BC]), DV: UNREAD}
        return pairs.decide(index, views, pairs.couplings[index])

    return work


def _changed(pairs: Pairs, moved: tuple[Side, ...]) -> Work:
    """Decide, and remember what was written with the version that was answered."""

    def work(index: int) -> object:
        views = {side: View(Seen.PRESENT, pairs.changed[index][side]) if side in moved else UNREAD for side in Side}
        action = pairs.decide(index, views, pairs.couplings[index])
        assert isinstance(action, Change)
        after = action.coupling
        for side in action.writes:
            end = after.at(side)
            landed = Record(end.id, end.base or {}, 'W/"2"')
            after = after.with_end(side, versioned(pairs.mapping, side, end, landed, pairs.tables[side]))
        return after

    return work


def _created(pairs: Pairs, source: Side) -> Work:
    """Decide, and couple with what was created."""

    def work(index: int) -> object:
        views = {source: View(Seen.PRESENT, pairs.unchanged[index][source]), source.other: ABSENT}
        action = pairs.decide(index, views, None)
        assert isinstance(action, Make)
        return base_after_create(pairs.mapping, action, pairs.unchanged[index][source.other], pairs.tables)

    return work


def _lookups() -> Lookups:
    def ids(kind: str, codes: tuple[str, ...]) -> dict[str, str]:
        return {code: str(uuid5(NAMESPACE_URL, f"{kind}/{code}")) for code in codes}

    return Lookups(
        currencies={BC: ids("here", CURRENCIES), DV: ids("there", (LOCAL_CURRENCY, *CURRENCIES))},
        users=ids("user", SALESPEOPLE),
        terms=ids("terms", tuple(filter(None, TERMS))),
        shipments=ids("shipment", tuple(filter(None, SHIPMENTS))),
    )


def _references(mapping: TableMapping, lookups: Lookups) -> References:
    def answers(what: str, here: Mapping[str, str], there: Mapping[str, Any]) -> ReferenceAnswers:
        pairs: dict[Value, Value] = {here[code]: there[code] for code in here}
        return ReferenceAnswers(what, (), {BC: pairs, DV: {other: one for one, other in pairs.items()}})

    currencies = answers("Currency", lookups.currencies[BC], lookups.currencies[DV])
    local = lookups.currencies[DV][LOCAL_CURRENCY]
    there: dict[Value, Value] = {**currencies.answers[DV], local: None}
    found = {
        "salespersonCode": answers("Salesperson", {code: code for code in SALESPEOPLE}, lookups.users),
        "currencyId": replace(
            currencies, answers={BC: currencies.answers[BC], DV: there}, blanks={BC: local, DV: None}
        ),
        "shipmentMethodId": answers("Shipment", lookups.shipments, SHIPMENTS),
        "paymentTermsId": answers("Terms", lookups.terms, TERMS),
    }
    return {line.id: found[line.caption] for line in mapping.fields if line.caption in found}


def _wire_row(side: Side, index: int, edits: Fields, lookups: Lookups) -> dict[str, Any]:
    """The row as the service answers it to what the connector asks."""
    fields = customers.fields_of(index) | edits
    written = customers.values_of(side, fields, lookups)
    row: dict[str, Any] = {
        "@odata.etag": f'W/"JzIwOzEyMzQ1Njc4OTAxMjM0NTY3ODkwMTswMDsn{index}"',
        customers.key_of(side): "",
    }
    row |= {name: value for name, value in written.items() if "@" not in name}
    row[customers.key_of(side)] = customers.id_of(side, index)
    if side is BC:
        row |= {"number": f"B{index:07}", "blocked": "_x0020_", "lastModifiedDateTime": "2025-01-01T00:00:00.123Z"}
        row["currencyId"] = lookups.currencies[BC].get(str(fields["currency"]))
        return row
    row |= {"accountnumber": None, "statecode": 0, "customertypecode": 3, "modifiedon": "2025-01-01T00:00:00Z"}
    row["_transactioncurrencyid_value"] = lookups.currencies[DV][str(fields["currency"]) or LOCAL_CURRENCY]
    row["_ownerid_value"] = lookups.users[str(fields["salesperson"])]
    return row
