"""Choices and the BC records they mean: asking both services, and noticing when a missing choice has been added."""

from __future__ import annotations

import asyncio

from shared.core.mapping import FieldMapping
from shared.core.options import OptionRecord, Options, pair_options
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.pass_context import Slice
from shared.services.references import Asking
from shared.services.repositories.work_items import WorkItem


async def options_of(services: Services, work: Asking, line: FieldMapping) -> Options:
    """The pairs of a choice line as both services have them now."""
    assert line.reference is not None
    table = services.table(Side.BUSINESS_CENTRAL, str(line.reference.table))
    number, title = str(table.number), str(table.title)
    labels, rows = await asyncio.gather(
        services.dataverse.choices(work.tables[Side.DATAVERSE], line.dataverse[0]),
        services.business_central.all(table, [number, title]),
    )
    records = [
        OptionRecord(row.id, str(row.values.get(number) or ""), str(row.values.get(title) or "")) for row in rows
    ]
    return pair_options(records, labels, line.reference.options)


async def options_mapped_meanwhile(work: Slice) -> list[str]:
    """The keys of the open items of missing choices that are there now."""
    items = [item for item in work.items.values() if item.reason is Reason.OPTION_NOT_MAPPED]
    keys: list[str] = []
    for line in work.mapping.fields:
        concerned = [item for item in items if item.column == line.caption]
        if concerned and line.reference is not None:
            options = await options_of(work.services, work, line)
            keys += [item.key for item in concerned if _is_mapped(options, item)]
    return keys


def _is_mapped(options: Options, item: WorkItem) -> bool:
    return item.number in {str(value) for value in options.answers[item.source]}
