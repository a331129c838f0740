"""A small app for the tests of the local Functions host: HTTP and timers, written as an app for Azure is."""

import asyncio
import json
import logging
import os
import time

import azure.functions as func
from records import records

print("printed while it is imported")

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
app.register_functions(records)


@app.route("echo/{name:alpha?}", auth_level=func.AuthLevel.ANONYMOUS)
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    """Tells what the function got."""
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "query": dict(req.params),
        "route": dict(req.route_params),
        "body": req.get_body().decode(),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route("answer", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def answer(req: func.HttpRequest) -> func.HttpResponse:
    """Status, headers and cookies of its own."""
    response = func.HttpResponse(
        b"\x00\xff", status_code=202, mimetype="application/x-thing", headers={"Location": "/x"}
    )
    response.headers.add("Set-Cookie", "first=1; Path=/; HttpOnly")
    response.headers.add("Set-Cookie", "second=2; SameSite=Lax")
    return response


@app.route("text", auth_level=func.AuthLevel.ANONYMOUS)
def text(req: func.HttpRequest) -> str:
    logging.getLogger("chatty").info("a trifle")
    logging.getLogger("chatty").warning("a matter")
    return "plain"


@app.route("fail/{how}", auth_level=func.AuthLevel.ANONYMOUS)
async def fail(req: func.HttpRequest) -> func.HttpResponse:
    """Fails in the way asked for."""
    if req.route_params["how"] == "slowly":
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            logging.getLogger("app").warning("cancelled in time")
            raise
    if req.route_params["how"] == "silently":
        return None  # type: ignore[return-value]
    if req.route_params["how"] == "revealingly":
        raise RuntimeError("cannot reach Endpoint=sb://bus/;SharedAccessKey=c2VjcmV0;EntityPath=q")
    raise RuntimeError("told to fail")


@app.route("stuck", auth_level=func.AuthLevel.ANONYMOUS)
def stuck(req: func.HttpRequest) -> str:
    """A thread that nobody can cancel."""
    time.sleep(30)
    return "too late"


@app.route("level/function")
def level_function(req: func.HttpRequest) -> str:
    return "function"


@app.route("level/admin", auth_level=func.AuthLevel.ADMIN)
def level_admin(req: func.HttpRequest) -> str:
    return "admin"


@app.route("setting/{name}", auth_level=func.AuthLevel.ANONYMOUS)
def setting(req: func.HttpRequest) -> str:
    return os.environ.get(req.route_params["name"], "(none)")


@app.route("invocation", auth_level=func.AuthLevel.ANONYMOUS)
async def invocation(req: func.HttpRequest, context: func.Context) -> str:
    return f"{context.function_name} {context.invocation_id}"


@app.route("switched-off", auth_level=func.AuthLevel.ANONYMOUS)
def switched_off(req: func.HttpRequest) -> str:
    return "never"
