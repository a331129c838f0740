"""The whole configuration over HTTP: the record of its changes, its export and its import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, RootModel

from functions.api.operation import Call, FileBody, Reply, Yaml, operation
from functions.queries import Flag, PageQuery
from shared.core.access import Role
from shared.services.configuration_changes import changes_page
from shared.services.forms.base import Form
from shared.services.forms.configuration import (
    ChangeAnswer,
    ChangesAnswer,
    ImportAnswer,
    ImportProblemAnswer,
    MappingPlanAnswer,
)

if TYPE_CHECKING:
    from shared.services.configuration_import import ImportPlan


class ConfigurationAnswer(RootModel[dict[str, Any]]):
    """The configuration file."""


class ChangesQuery(PageQuery):
    """Which changes."""

    mapping: str | None = Field(None, max_length=20, description="Only what concerns this mapping.")
    by: str | None = Field(None, max_length=200, description="Only of people with this text in their name.")


class ExportQuery(Form):
    """In which format."""

    format: Literal["yaml", "json"] | None = Field(None, description="Left out: as the header Accept says, else YAML.")


class ImportQuery(Form):
    """Look, or do; and what about mappings that are not in the file."""

    preview: Flag = Field(True, description="`false` applies the file; it takes the `digest` of its preview.")
    remove_missing: Flag = Field(False, description="Whether mappings that are not in the file are removed.")
    digest: str | None = Field(None, max_length=64, description="Of the preview that is to be done.")


@operation(Role.READER, {200: ChangesAnswer})
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


@operation(Role.READER, {200: (Yaml, ConfigurationAnswer)})
async def export_configuration(call: Call[ExportQuery]) -> Reply:
    """The whole configuration of the connection as one file: all mappings with their field mappings and schedules.

    In YAML, unless `format` or the header `Accept` asks for JSON. Always in the same order, without what is so by
    default, without any secret and any state, so two exports can be compared line by line. The standard set
    (`shared/defaults/mappings.json`) is a file of this kind: JSON is YAML, too. Tables that
    the app does not know by itself are described by the columns that mappings use; importing asks the services anew and
    tells what has moved on.
    """
    from shared.services.configuration_writing import configuration_yaml, export

    document = await export(call.services)
    liked = "json" if call.accept.startswith("application/json") else "yaml"
    if (call.query.format or liked) == "json":
        return Reply(ConfigurationAnswer(document))
    return Reply(Yaml(configuration_yaml(document, call.services.connection)))


@operation(
    Role.ADMINISTRATOR,
    {200: ImportAnswer},
    problems=("unreadable_file", "faulty_configuration", "digest_missing", "configuration_moved"),
)
async def import_configuration(call: Call[ImportQuery, FileBody]) -> Reply:
    """Imports a configuration file: shows first what it would change, then does just that.

    The preview (as long as `preview` is not `false`) tells mapping by mapping what would be created, changed (member by
    member) or removed, and everything that is wrong, with the line of the file. Applying it takes the preview's
    `digest`; it is refused when file or configuration are no longer those that were looked at. All is done, or nothing.

    A mapping in the file replaces the one of its name as a whole. Those that are not in the file stay, unless
    `remove_missing` is `true`: then each is removed as by `DELETE`, and a job removes its couplings.
    """
    from shared.services.configuration_import import ImportOptions, import_file

    body, query = call.body, call.query
    options = ImportOptions(query.preview, query.remove_missing, query.digest)
    plan = await import_file(call.services, body.content, options, is_json=body.is_json)
    return Reply(_imported(plan, applied=not query.preview))


def _imported(plan: ImportPlan, *, applied: bool) -> ImportAnswer:
    return ImportAnswer(
        applied=applied,
        digest=plan.digest,
        mappings=tuple(MappingPlanAnswer.model_validate(one) for one in plan.mappings),
        problems=tuple(ImportProblemAnswer.model_validate(one) for one in plan.problems),
    )
