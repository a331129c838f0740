"""Which company contact belongs to which customer or vendor in Business Central.

The API tells it only per customer or vendor, so what was asked once is kept: `of|<mapping>|<record id>` holds the
number of the company contact (null: has none), `number|<number>` the records with that contact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.ports import Put, Remove, StateChange, StateStore
from shared.services.repositories.documents import Shape, transact_in_chunks

TABLE = "companies"


@dataclass(frozen=True, slots=True)
class Company:
    """A customer or vendor (by the name of its mapping) and the number of its company contact, None if it has none."""

    mapping: str
    record_id: str
    number: str | None


@dataclass(frozen=True, slots=True)
class _Records:
    """The records of one company contact: record id by mapping."""

    records: dict[str, str]


COMPANY = Shape(Company, "company")
RECORDS = Shape(_Records, "company")


class CompanyRepository:
    """What is known about company contacts in one connection."""

    def __init__(self, state: StateStore, connection: str) -> None:
        self._state = state
        self._partition = connection

    async def of_records(self, mapping: str, ids: Iterable[str]) -> dict[str, Company]:
        """What is known of these customers or vendors, by id."""
        keys = {_record_key(mapping, one): one for one in ids}
        rows = await self._state.get_many(TABLE, self._partition, list(keys))
        return {keys[key]: COMPANY.unpack(row.body) for key, row in rows.items()}

    async def of_numbers(self, numbers: Iterable[str]) -> dict[str, dict[str, str]]:
        """The records with these company contacts: record id by mapping, by number."""
        keys = {_number_key(number): number for number in numbers}
        rows = await self._state.get_many(TABLE, self._partition, list(keys))
        return {keys[key]: RECORDS.unpack(row.body).records for key, row in rows.items()}

    async def save(self, companies: Sequence[Company]) -> None:
        """Store what was learned."""
        known = await self.of_numbers({company.number for company in companies if company.number})
        changes = {}
        for company in companies:
            changes[_record_key(company.mapping, company.record_id)] = COMPANY.pack(company)
            if company.number is not None:
                records = known.setdefault(company.number, {})
                records[company.mapping] = company.record_id
                changes[_number_key(company.number)] = RECORDS.pack(_Records(records))
        puts = [Put(key, body) for key, body in changes.items()]
        await transact_in_chunks(self._state, TABLE, self._partition, puts)

    async def forget(self, mapping: str) -> None:
        """Remove what is known about the records of a mapping."""
        prefix = _record_key(mapping, "")
        while rows := await self._state.scan(TABLE, self._partition, prefix=prefix):
            known = await self.of_numbers({one.number for row in rows if (one := COMPANY.unpack(row.body)).number})
            changes: list[StateChange] = [Remove(row.key) for row in rows]
            for number, records in known.items():
                left = {name: record for name, record in records.items() if name != mapping}
                key = _number_key(number)
                changes.append(Put(key, RECORDS.pack(_Records(left))) if left else Remove(key))
            await transact_in_chunks(self._state, TABLE, self._partition, changes)


def _record_key(mapping: str, record_id: str) -> str:
    return f"of|{mapping}|{record_id}"


def _number_key(number: str) -> str:
    return f"number|{number}"
