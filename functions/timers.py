"""The timers: one enqueues what is due and does no work itself, one removes what is old."""

from __future__ import annotations

import logging

import azure.functions as func

from shared.services.context import Services
from shared.services.requests import enqueue_due
from shared.services.retention import remove_what_is_old

log = logging.getLogger(__name__)
TIDYING = "0 17 * * * *"  # once an hour, when nothing else is likely to begin


def timers_blueprint(services: Services) -> func.Blueprint:
    """The timer triggers."""
    blueprint = func.Blueprint()

    @blueprint.function_name("enqueue_due_jobs")
    @blueprint.timer_trigger(
        arg_name="timer", schedule=services.policy.schedule, run_on_startup=False, use_monitor=True
    )
    async def enqueue_due_jobs(timer: func.TimerRequest) -> None:
        touched = await enqueue_due(services)
        if touched:
            log.info("enqueued %s%s", ", ".join(touched), " (late)" if timer.past_due else "")

    @blueprint.function_name("remove_old_jobs")
    @blueprint.timer_trigger(arg_name="timer", schedule=TIDYING, run_on_startup=False, use_monitor=True)
    async def remove_old_jobs(timer: func.TimerRequest) -> None:
        found = await remove_what_is_old(services)
        if any((found.jobs, found.requests, found.runs)):
            log.info("removed %d jobs, %d requests and %d runs", found.jobs, found.requests, found.runs)

    return blueprint
