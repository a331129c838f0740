"""Queue functions that log what they get. The body says what to do: `fail`, `take 1.5` (seconds) or anything else."""

import asyncio
import json
import logging
import typing

import azure.functions as func

app = func.FunctionApp()
_log = logging.getLogger("app")


async def _obey(message: func.ServiceBusMessage) -> None:
    order, _, seconds = message.get_body().decode().partition(" ")
    if order == "fail":
        raise RuntimeError("told to fail")
    if order == "take":
        await asyncio.sleep(float(seconds))


@app.service_bus_queue_trigger("message", connection="Bus", queue_name="%PLAIN_QUEUE%")
async def plain(message: func.ServiceBusMessage) -> None:
    _log.info("plain %s delivery %d", message.message_id, message.delivery_count)
    await _obey(message)
    seen = {
        "body": message.get_body().decode(),
        "application_properties": message.application_properties,
        "subject": message.subject,
        "label": message.label,
        "correlation_id": message.correlation_id,
        "content_type": message.content_type,
        "sequence_number": message.sequence_number,
        "enqueued_time_utc": str(message.enqueued_time_utc),
        "expires_at_utc": str(message.expires_at_utc),
        "lock_token": bool(message.lock_token),
        "time_to_live": message.time_to_live,
        "metadata": sorted(message.metadata or {}),
    }
    _log.info("plain %s saw %s", message.message_id, json.dumps(seen))


@app.service_bus_queue_trigger(
    "message", connection="Bus", queue_name="ordered", is_sessions_enabled=True, data_type=func.DataType.BINARY
)
async def ordered(message: func.ServiceBusMessage) -> None:
    _log.info("begin %s %s", message.session_id, message.message_id)
    await _obey(message)
    _log.info("end %s %s", message.session_id, message.message_id)


@app.service_bus_queue_trigger("messages", connection="Bus", queue_name="batches", cardinality=func.Cardinality.MANY)
def batch(messages: typing.List[func.ServiceBusMessage]) -> None:  # noqa: UP006 - the worker refuses list[...]
    ids = sorted((message.message_id, message.delivery_count, message.get_body().decode()) for message in messages)
    _log.info("batch of %d: %s", len(messages), json.dumps(ids))


@app.service_bus_queue_trigger("message", connection="Bus", queue_name="kept", auto_complete_messages=False)
async def kept(message: func.ServiceBusMessage) -> None:
    _log.info("kept %s delivery %d", message.message_id, message.delivery_count)


@app.route("forward", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.service_bus_queue_output("out", connection="Bus", queue_name="forwarded")
async def forward(req: func.HttpRequest, out: func.Out[str]) -> str:
    text = req.get_body().decode()
    out.set(text)
    if text == "fail":
        raise RuntimeError("told to fail")
    return "sent"
