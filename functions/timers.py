"""The timers: one enqueues what is due and tells what needs a person, one removes what is old.

The use cases are imported where they are called: a first call waits for its own alone.
"""

from __future__ import annotations

import logging

import azure.functions as func

from shared.services.connections import Connections, in_each

log = logging.getLogger(__name__)
TIDYING = "0 17 * * * *"  # once an hour, when nothing else is likely to begin


def timers_blueprint(connections: Connections, schedule: str) -> func.Blueprint:
    """The timer triggers; what is due is looked for by `schedule` (NCRONTAB)."""
    blueprint = func.Blueprint()

    @blueprint.function_name("enqueue_due_jobs")
    @blueprint.timer_trigger(arg_name="timer", schedule=schedule, run_on_startup=False, use_monitor=True)
    async def enqueue_due_jobs(timer: func.TimerRequest) -> None:
        from shared.services.ticking import tick

        for services, touched in await in_each(connections, tick):
            if touched:
                late = " (late)" if timer.past_due else ""
                log.info("%s: enqueued %s%s", services.connection, ", ".join(touched), late)

    @blueprint.function_name("remove_old_jobs")
    @blueprint.timer_trigger(arg_name="timer", schedule=TIDYING, run_on_startup=False, use_monitor=True)
    async def remove_old_jobs(timer: func.TimerRequest) -> None:
        from shared.services.retention import remove_what_is_old

        for services, found in await in_each(connections, remove_what_is_old):
            if any((found.jobs, found.requests, found.runs)):
                counts = (found.jobs, found.requests, found.runs)
                log.info("%s: removed %d jobs, %d requests and %d runs", services.connection, *counts)

    return blueprint
