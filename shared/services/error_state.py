"""What there is behind errors just now: which of their records exist, in which version, and whether they are coupled.

Many are asked for at once, and nothing is changed by looking: a coupling of which both records are gone is removed by
the next run that tries it, not by whoever reads the list (Microsoft's page removes it when it is filled).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.core.mapping import Mapping as TableMapping
from shared.core.reasons import Reason
from shared.core.records import Record
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.repositories.work_items import WorkItem


@dataclass(frozen=True, slots=True)
class Looked:
    """One error as it is now: the versions of the records that exist, and whether just this pair is coupled."""

    versions: Mapping[Side, str | None] = field(default_factory=dict)
    coupled: bool = False

    @property
    def there(self) -> frozenset[Side]:
        """The sides whose record exists."""
        return frozenset(self.versions)


async def look_at(services: Services, mapping: TableMapping, items: Sequence[WorkItem]) -> dict[str, Looked]:
    """These errors of one mapping as they are now, by key."""
    records = [item for item in items if item.reason is not Reason.OPTION_NOT_MAPPED]
    found = dict(
        zip(Side, await asyncio.gather(*(_read(services, mapping, side, records) for side in Side)), strict=True)
    )
    ids = {one for item in records if item.is_coupled and (one := item.business_central_id)}
    couplings = await services.couplings(mapping.name).find(Side.BUSINESS_CENTRAL, ids)
    partners = {one: coupling.dataverse.id for one, coupling in couplings.items()}
    looked = {item.key: Looked() for item in items}
    for item in records:
        versions = {side: record.etag for side in Side if (record := found[side].get(item.id_at(side) or ""))}
        is_coupled = item.is_coupled and partners.get(item.business_central_id or "") == item.dataverse_id
        looked[item.key] = Looked(versions, is_coupled)
    return looked


async def there_now(
    services: Services, mappings: Mapping[str, TableMapping], items: Sequence[WorkItem]
) -> dict[tuple[str, str], frozenset[Side]]:
    """The sides whose record exists, by mapping and key."""
    there: dict[tuple[str, str], frozenset[Side]] = {}
    for name in dict.fromkeys(item.mapping for item in items):
        looked = await look_at(services, mappings[name], [item for item in items if item.mapping == name])
        there |= {(name, key): one.there for key, one in looked.items()}
    return there


async def _read(services: Services, mapping: TableMapping, side: Side, items: Iterable[WorkItem]) -> dict[str, Record]:
    ids = sorted({one for item in items if (one := item.id_at(side))})
    return await services.rows(side).read(services.tables_of(mapping)[side], [], ids) if ids else {}
