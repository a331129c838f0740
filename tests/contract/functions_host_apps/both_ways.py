"""Calls a function of the `http` app through both entries of the worker library and prints what each made of it."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from contextlib import redirect_stdout
from typing import Any

import azure_functions_runtime as runtime

from infra.local.functions_host import protos
from infra.local.functions_host.functions import Function
from infra.local.functions_host.worker import Datum, Invocation, Worker
from tests.contract.functions_host_apps.running import APPS

REQUEST = {
    "method": "POST",
    "url": "http://localhost/api/echo/bob?x=1",
    "headers": {"content-type": "text/plain"},
    "params": {"name": "bob", "how": "loudly"},
    "query": {"x": "1"},
}
BODY = "käse".encode()


async def natively(worker: Worker, function: Function) -> dict[str, Any]:
    """The way of the host: `native_invocation`."""
    value: dict[str, Any] = {
        name: {k: Datum(v, "string") for k, v in part.items()} if isinstance(part, dict) else Datum(part, "string")
        for name, part in REQUEST.items()
    }
    trigger_value = Datum(value | {"body": Datum(BODY, "bytes")}, "http")
    outcome = await worker.invoke(function, Invocation(str(uuid.uuid4()), trigger_value, {}))
    if outcome.returned is None:
        return {"error": str(outcome.error)}
    returned = outcome.returned.value
    return {
        "status": returned["status_code"].value,
        "headers": {name: header.value for name, header in returned["headers"].items()},
        "body": returned["body"].value.hex(),
    }


async def by_messages(function: Function) -> dict[str, Any]:
    """The public way: `invocation_request` with message objects."""
    http = protos.RpcHttp(**REQUEST, body=protos.TypedData(bytes=BODY))
    binding = protos.InputBinding(name=function.trigger.name, data=protos.TypedData(http=http))
    request = protos.request(
        invocation_request=protos.Message(
            invocation_id=str(uuid.uuid4()),
            function_id=function.id,
            input_data=[binding],
            trigger_metadata={},
            trace_context=protos.Message(trace_parent="", trace_state="", attributes={}),
            retry_context=protos.Message(retry_count=0, max_retry_count=0, exception=None),
        )
    )
    response = await runtime.invocation_request(request)
    if response.result.status != protos.StatusResult.Success:
        return {"error": response.result.exception.message}
    answer = response.return_value.http
    return {"status": answer.status_code, "headers": answer.headers, "body": answer.body.bytes.hex()}


async def main() -> None:
    with redirect_stdout(sys.stderr):
        worker = await Worker.start(APPS / "http")
    functions = {function.name: function for function in worker.functions}
    for name in ("echo", "answer", "fail"):
        print(json.dumps([await natively(worker, functions[name]), await by_messages(functions[name])]))
    worker.stop()


if __name__ == "__main__":
    asyncio.run(main())
