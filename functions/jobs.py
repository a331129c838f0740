"""The queue: each message runs one slice of a job."""

from __future__ import annotations

import json

import azure.functions as func

from shared.services.connections import QUEUE, Connections


def jobs_blueprint(connections: Connections) -> func.Blueprint:
    """The Service Bus trigger. Sessions keep the runs of one mapping one after the other."""
    blueprint = func.Blueprint()

    @blueprint.function_name("run_job_slice")
    @blueprint.service_bus_queue_trigger(
        arg_name="message", queue_name=QUEUE, connection="ServiceBusConnection", is_sessions_enabled=True
    )
    async def run_job_slice(message: func.ServiceBusMessage) -> None:
        from shared.services.run_slice import run_slice  # no other trigger needs it when the app starts

        body = json.loads(message.get_body())
        await run_slice(connections.of_message(body["connection"]), body)

    return blueprint
