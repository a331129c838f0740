"""The queue: each message runs one slice of a job."""

from __future__ import annotations

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
        from shared.services.job_message import read_message  # no other trigger needs these when the app starts
        from shared.services.run_slice import run_slice

        body = read_message(message.get_body())
        await run_slice(connections.of_message(body["connection"]), body)

    return blueprint
