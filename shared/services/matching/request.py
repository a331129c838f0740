"""Asking for match-based coupling: the request is checked as a whole, then becomes a task of the mapping."""

from __future__ import annotations

from shared.core.access import Caller
from shared.core.jobs import RunKind
from shared.core.mapping import Mapping as TableMapping
from shared.core.mapping import UpdateConflictResolution
from shared.core.match_report import CreateNew, creates_rows
from shared.core.sides import Direction, Side
from shared.services.context import Services
from shared.services.forms.base import JobReference
from shared.services.forms.matching import MatchRequest
from shared.services.matching.criteria import Comparison, comparison_of
from shared.services.matching.reading import must_exist
from shared.services.matching.task import MATCH, MatchTask
from shared.services.problems import Problem
from shared.services.tasks.request import request_task


async def match_coupling(services: Services, request: MatchRequest, caller: Caller) -> JobReference:
    """Start match-based coupling. Raises Problem (400, 404, 409)."""
    comparison = await comparison_of(services, request)
    mapping = comparison.mapping
    if not mapping.enabled:
        raise Problem(409, "mapping_disabled", f"{mapping.name} is disabled; enable it first (enabled: true).")
    _check_options(mapping, request)
    await _check_selected(comparison)
    task = MatchTask(request.model_dump(mode="json"))
    run = await request_task(services, mapping, RunKind.MATCH, MATCH, task, requested_by=caller.label)
    return JobReference(id=next(iter(run.jobs.values())), mapping=mapping.name)


def _check_options(mapping: TableMapping, request: MatchRequest) -> None:
    """What Microsoft's page hides where it makes no sense is refused. Raises Problem (409)."""
    if request.create_new is not CreateNew.NEVER and not creates_rows(mapping):
        text = f"{mapping.name} ({mapping.direction}) creates no rows in {Side.DATAVERSE.product}."
        raise Problem(409, "direction_forbids", text, field="create_new")
    decides = request.resolve_update_conflicts is not UpdateConflictResolution.NONE
    if decides and mapping.direction is not Direction.BIDIRECTIONAL:
        text = f"{mapping.name} is {mapping.direction}: whose data wins is not for a choice."
        raise Problem(409, "direction_forbids", text, field="resolve_update_conflicts")


async def _check_selected(comparison: Comparison) -> None:
    """Whoever selects a record that is not there is told at once. Raises Problem (404)."""
    table = comparison.tables[Side.BUSINESS_CENTRAL]
    if comparison.selected:
        rows = comparison.services.rows(Side.BUSINESS_CENTRAL)
        must_exist(comparison, await rows.read(table, [table.key], comparison.selected))
