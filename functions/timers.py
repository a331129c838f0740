"""The timer: once a minute it enqueues what is due. It does no work itself."""

from __future__ import annotations

import logging

import azure.functions as func

from shared.services.context import Services
from shared.services.requests import enqueue_due

log = logging.getLogger(__name__)


def timers_blueprint(services: Services) -> func.Blueprint:
    """The timer trigger."""
    blueprint = func.Blueprint()

    @blueprint.function_name("enqueue_due_jobs")
    @blueprint.timer_trigger(
        arg_name="timer", schedule=services.policy.schedule, run_on_startup=False, use_monitor=True
    )
    async def enqueue_due_jobs(timer: func.TimerRequest) -> None:
        touched = await enqueue_due(services)
        if touched:
            log.info("enqueued %s%s", ", ".join(touched), " (late)" if timer.past_due else "")

    return blueprint
