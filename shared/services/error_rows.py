"""Work items as answers show them: plain in a job, with both records and the possible actions in the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.core.error_actions import ErrorState, enabled_actions
from shared.core.mapping import Mapping as TableMapping
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.tables import Table
from shared.services.context import Services
from shared.services.forms.errors import ErrorAnswer, ErrorRow, FieldConflictAnswer
from shared.services.repositories.work_items import WorkItem


def error_answer(item: WorkItem) -> ErrorAnswer:
    """A work item with the words for its reason."""
    return ErrorAnswer(**_members(item))


def error_row(services: Services, mapping: TableMapping, item: WorkItem, there: frozenset[Side]) -> ErrorRow:
    """A work item as a row of the list, where the records on these sides exist."""
    tables = services.tables_of(mapping)
    here, coupled = tables[Side.BUSINESS_CENTRAL], tables[Side.DATAVERSE]
    client = services.web_client
    number = item.name_at(Side.BUSINESS_CENTRAL)[0]
    return ErrorRow(
        **_members(item),
        id=id_of(item),
        key=item.key,
        table=here.caption,
        description=description(item, Side.BUSINESS_CENTRAL),
        record_exists=Side.BUSINESS_CENTRAL in there,
        address=client.page_of(here, number) if Side.BUSINESS_CENTRAL in there else None,
        coupled=item.is_coupled,
        coupled_table=coupled.caption,
        coupled_to=description(item, Side.DATAVERSE),
        coupled_record_exists=Side.DATAVERSE in there,
        coupled_address=client.row_of(coupled, item.dataverse_id or "") if Side.DATAVERSE in there else None,
        error=item.message,
        failed_on=item.last_at,
        actions=enabled_actions(state_of(item, there, tables, mapping)),
    )


def state_of(
    item: WorkItem,
    there: frozenset[Side],
    tables: Mapping[Side, Table],
    mapping: TableMapping,
    *,
    coupled: bool | None = None,
) -> ErrorState:
    """What the actions on an error depend on; `coupled` where that was looked at anew."""
    is_record = item.reason is not Reason.OPTION_NOT_MAPPED
    name = f"{tables[item.source].caption} {description(item, item.source)}" if is_record else _value_of(item)
    is_coupled = item.is_coupled if coupled is None else coupled
    return ErrorState(name, there, is_coupled, is_record, mapping.direction, item.reason is Reason.HELD)


def id_of(item: WorkItem) -> str:
    """What names an error in requests."""
    return f"{item.mapping}|{item.key}"


def description(item: WorkItem, side: Side) -> str | None:
    """The record on `side` as people know it: number and title, else its id; None where there is none."""
    texts = [text for text in item.name_at(side) if text]
    return " ".join(dict.fromkeys(texts)) or item.id_at(side)


def _value_of(item: WorkItem) -> str:
    return item.title or item.number or item.record_id


def _members(item: WorkItem) -> dict[str, Any]:
    members = {name: getattr(item, name) for name in ErrorAnswer.model_fields if hasattr(item, name)}
    fields = tuple(FieldConflictAnswer.model_validate(conflict) for conflict in item.fields)
    words = {"explanation": item.reason.sentence, "advice": item.reason.advice}
    return members | words | {"fields": fields}
