"""The whole configuration over HTTP: the record of its changes, its export and its import."""

from __future__ import annotations

from pydantic import Field

from functions.api.operation import Call, Reply, operation
from functions.queries import PageQuery
from shared.core.access import Role
from shared.services.configuration_changes import changes_page
from shared.services.forms.configuration import ChangeAnswer, ChangesAnswer


class ChangesQuery(PageQuery):
    """Which changes."""

    mapping: str | None = Field(None, max_length=20, description="Only what concerns this mapping.")
    by: str | None = Field(None, max_length=200, description="Only of people with this text in their name.")


@operation("GET", "configuration/changes", Role.READER, {200: ChangesAnswer})
async def list_configuration_changes(call: Call[ChangesQuery]) -> Reply:
    """Who changed what of the configuration and when, newest first.

    Each change of a mapping, its field mappings and its schedule is recorded together with the change itself: only the
    members that differ, with the value before and the value after. The record is kept four times as long as jobs
    (setting `JOBS_RETENTION_DAYS`).
    """
    query = call.query
    page = await changes_page(
        call.services, mapping=query.mapping, by=query.by, after=query.continuation, limit=query.limit
    )
    shown = tuple(ChangeAnswer.model_validate(change) for change in page.changes)
    return Reply(ChangesAnswer(changes=shown, continuation=page.continuation))


OPERATIONS = (list_configuration_changes,)
