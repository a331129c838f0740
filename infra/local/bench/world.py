"""The worlds that the cases start from: parents on both sides, then customers in step and coupled, or on one side only.

Couplings are stored by the app's own repository with what its own connectors have read, as after a match; so are the
feeds' positions. A run of the app after that finds everything in step.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from infra.local.bench import customers
from infra.local.bench.app import App
from infra.local.bench.customers import CURRENCIES, LOCAL_CURRENCY, SALESPEOPLE, Fields, Lookups
from infra.local.bench.simulators import NO_LATENCY, BenchError, Simulator, Simulators
from infra.local.dataverse.organization import fixed_id
from shared.core.coupling import CoupledRecord, Coupling, coupling_of
from shared.core.mapping import Mapping, UpdateConflictResolution
from shared.core.records import Record
from shared.core.remember import versioned
from shared.core.sides import Side
from shared.core.tables import Table
from shared.services.pass_context import columns_to_read
from shared.services.repositories.runs import MappingState

MAPPING = "CUSTOMER"
DEGREE_OF_PARALLELISM = 4  # the hint (x-ms-dop-hint) of a small environment
_PAGE = {Side.BUSINESS_CENTRAL: 20_000, Side.DATAVERSE: 5_000}
_PAIRS_AT_ONCE = 5_000
_RATES = {"USD": 1.09, "GBP": 0.85, "CHF": 0.95, "SEK": 11.3}

type Show = Callable[[int], None]


@dataclass
class World:
    """Two simulators and the app between them; `records` customers, on the sides in `sides`, some edited."""

    simulators: Simulators
    app: App
    lookups: Lookups
    mapping: Mapping
    records: int
    sides: tuple[Side, ...]
    edits: dict[int, Fields] = field(default_factory=dict)

    async def touch(self) -> None:
        """Let the newest change in Business Central be one record's, long after all others: the overlap is empty then.

        What is changed is no field of the mapping.
        """
        simulator = self.simulators.business_central
        hours = await simulator.let_an_hour_pass()
        first = customers.id_of(Side.BUSINESS_CENTRAL, 0)
        await simulator.edit("customers", [{"id": first, "mobilePhoneNumber": f"+49 171 {hours:07}"}])


async def make_world(simulators: Simulators, app: App, records: int, sides: tuple[Side, ...], show: Show) -> World:
    """A new world, nothing coupled but the parents.

    Where both sides have the customers, the app has run once, before there were any; else it begins with the case.
    """
    await simulators.each("be_slow", NO_LATENCY)
    await simulators.each("control", "POST", "reset")
    lookups = await _parents(simulators)
    await _couple_parents(simulators, app, lookups)
    mapping = await app.configure(
        MAPPING,
        update_conflict_resolution=UpdateConflictResolution.GET_UPDATE_FROM_INTEGRATION,
        synch_only_coupled_records=len(sides) == len(Side),
    )
    if len(sides) == len(Side):
        await app.run([mapping])
    await simulators.business_central.control("POST", "settings", {"post_codes": False})
    await simulators.dataverse.control("POST", "settings", {"dop_hint": DEGREE_OF_PARALLELISM})
    await asyncio.gather(*(_load(simulators.at(side), lookups, records, show) for side in sides))
    return World(simulators, app, lookups, mapping, records, sides)


async def _load(simulator: Simulator, lookups: Lookups, records: int, show: Show) -> None:
    rows = (customers.row_of(simulator.side, index, lookups) for index in range(records))
    await simulator.load(customers.table_of(simulator.side), rows, show)


async def _parents(simulators: Simulators) -> Lookups:
    """Currencies and salespeople on both sides; Business Central has currencies, terms and shipments already."""
    here, there = simulators.business_central, simulators.dataverse
    units = await there.by_name("businessunits?$select=name", "name", "businessunitid")
    unit = next(iter(units.values()))
    await there.seed("transactioncurrency", [_currency(code) for code in CURRENCIES])
    await there.seed("systemuser", [_user(code, unit) for code in SALESPEOPLE])
    await here.seed("salespeoplePurchasers", [{"code": code, "displayName": f"Person {code}"} for code in SALESPEOPLE])
    currencies = await here.by_name("currencies?$select=code,id", "code", "id")
    rows = "transactioncurrencies?$select=isocurrencycode"
    return Lookups(
        currencies={
            Side.BUSINESS_CENTRAL: {code: currencies[code] for code in CURRENCIES},
            Side.DATAVERSE: await there.by_name(rows, "isocurrencycode", "transactioncurrencyid"),
        },
        users={code: fixed_id("bench", code) for code in SALESPEOPLE},
        terms=await here.by_name("paymentTerms?$select=code,id", "code", "id"),
        shipments=await here.by_name("shipmentMethods?$select=code,id", "code", "id"),
    )


def _currency(code: str) -> dict[str, Any]:
    return {
        "transactioncurrencyid": fixed_id("bench", code),
        "isocurrencycode": code,
        "currencyname": code,
        "currencysymbol": code,
        "currencyprecision": 2,
        "exchangerate": _RATES[code],
    }


def _user(code: str, unit: str) -> dict[str, Any]:
    address = f"{code.lower()}@bench.example"
    return {
        "systemuserid": fixed_id("bench", code),
        "domainname": address,
        "internalemailaddress": address,
        "firstname": "Person",
        "lastname": code,
        "islicensed": True,
        "businessunitid@odata.bind": f"/businessunits({unit})",
    }


async def _couple_parents(simulators: Simulators, app: App, lookups: Lookups) -> None:
    now = app.services.clock.now()
    here, there = lookups.currencies[Side.BUSINESS_CENTRAL], lookups.currencies[Side.DATAVERSE]
    await app.services.couplings("CURRENCY").add(
        [_parent(code, here[code], there[code], now) for code in CURRENCIES if code != LOCAL_CURRENCY]
    )
    ids = await simulators.business_central.by_name("salespeoplePurchasers?$select=code,id", "code", "id")
    await app.services.couplings("SALESPEOPLE").add(
        [_parent(code, ids[code], lookups.users[code], now) for code in SALESPEOPLE]
    )


def _parent(code: str, here: str, there: str, now: datetime) -> Coupling:
    ends = {
        Side.BUSINESS_CENTRAL: CoupledRecord(here.lower(), number=code, title=code),
        Side.DATAVERSE: CoupledRecord(there.lower(), title=code),
    }
    return coupling_of(ends, now)


async def couple(world: World, show: Show) -> None:
    """Couple every customer, as both sides have it now, and let the app go on from here."""
    services, state = world.app.services, await world.app.services.runs(MAPPING).state()
    reached: dict[Side, str] = {}
    waiting: dict[Side, dict[int, Record]] = {side: {} for side in Side}
    tables, coupled = services.tables_of(world.mapping), 0
    feeds = {side: _pages(world, side, reached) for side in Side}
    while feeds:
        for side, feed in list(feeds.items()):
            page = await anext(feed, None)
            if page is None:
                del feeds[side]
            else:
                waiting[side] |= {_index(side, record): record for record in page}
        both = sorted(waiting[Side.BUSINESS_CENTRAL].keys() & waiting[Side.DATAVERSE].keys())
        for at in range(0, len(both), _PAIRS_AT_ONCE):
            pairs = [{side: waiting[side].pop(index) for side in Side} for index in both[at : at + _PAIRS_AT_ONCE]]
            await _add(world, tables, pairs)
            show(len(pairs))
        coupled += len(both)
    if coupled != world.records or any(waiting.values()):
        raise BenchError(f"{coupled} of {world.records} customers were found on both sides")
    await services.runs(MAPPING).save(_reached(state, reached, coupled))


def _reached(state: MappingState, positions: dict[Side, str], coupled: int) -> MappingState:
    return replace(state, positions=dict(positions), coupled=coupled)


async def _pages(world: World, side: Side, reached: dict[Side, str]) -> AsyncIterator[tuple[Record, ...]]:
    """The feed of one side from its beginning, as the connector reads it; `reached` learns where it ends."""
    services, table = world.app.services, world.app.services.tables_of(world.mapping)[side]
    columns, position, more = columns_to_read(world.mapping, table, side), None, True
    while more:
        page = await services.rows(side).changes(table, columns, position, _PAGE[side])
        position, more = page.position, page.more
        reached[side] = page.position
        yield page.records


def _index(side: Side, record: Record) -> int:
    index = customers.index_of(record.values["email" if side is Side.BUSINESS_CENTRAL else "emailaddress1"])
    if index is None:
        raise BenchError(f"{side.product} has a customer that nobody seeded")
    return index


async def _add(world: World, tables: dict[Side, Table], pairs: list[dict[Side, Record]]) -> None:
    now = world.app.services.clock.now()
    repository = world.app.services.couplings(MAPPING)  # a new one each time: it remembers the versions of all it wrote
    await repository.add([in_step(world.mapping, tables, pair, now) for pair in pairs])


def in_step(mapping: Mapping, tables: dict[Side, Table], pair: dict[Side, Record], now: datetime) -> Coupling:
    """The coupling of two records that are in step: both hold the base."""
    lines = [line for line in mapping.fields if line.enabled and not line.new_rows_only]
    ends = {}
    for side, record in pair.items():
        base = {name: record.values.get(name) for line in lines for name in line.columns(side)}
        ends[side] = versioned(mapping, side, CoupledRecord(record.id, base), record, tables[side])
    return replace(coupling_of(ends, now), synchronized_at=now)
