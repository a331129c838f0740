"""The timers: one enqueues what is due and tells what needs a person, one removes what is old."""

from __future__ import annotations

import logging

import azure.functions as func

from shared.services.connections import Connections, in_each
from shared.services.retention import remove_what_is_old
from shared.services.ticking import tick

log = logging.getLogger(__name__)
TIDYING = "0 17 * * * *"  # once an hour, when nothing else is likely to begin


def timers_blueprint(connections: Connections) -> func.Blueprint:
    """The timer triggers."""
    blueprint = func.Blueprint()

    @blueprint.function_name("enqueue_due_jobs")
    @blueprint.timer_trigger(
        arg_name="timer", schedule=connections.default.policy.schedule, run_on_startup=False, use_monitor=True
    )
    async def enqueue_due_jobs(timer: func.TimerRequest) -> None:
        for services, touched in await in_each(connections, tick):
            if touched:
                late = " (late)" if timer.past_due else ""
                log.info("%s: enqueued %s%s", services.connection, ", ".join(touched), late)

    @blueprint.function_name("remove_old_jobs")
    @blueprint.timer_trigger(arg_name="timer", schedule=TIDYING, run_on_startup=False, use_monitor=True)
    async def remove_old_jobs(timer: func.TimerRequest) -> None:
        for services, found in await in_each(connections, remove_what_is_old):
            if any((found.jobs, found.requests, found.runs)):
                counts = (found.jobs, found.requests, found.runs)
                log.info("%s: removed %d jobs, %d requests and %d runs", services.connection, *counts)

    return blueprint
