"""The API of the running stack against its own OpenAPI document; `dev.py fuzz` does the same for longer."""

from __future__ import annotations

import pytest
from aiohttp import web

from infra.local.fuzz import SHORT, fuzz
from tests.e2e.guarded import Guarded

CUP = {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Cups", "version": "1"},
    "servers": [{"url": "/api"}],
    "paths": {
        "/cup": {
            "get": {"responses": {"200": {"description": "A cup.", "content": {"application/json": {"schema": CUP}}}}}
        }
    },
}


async def test_the_api_answers_as_its_own_document_says(guarded: Guarded) -> None:
    found = await fuzz(f"{guarded.url}/api", guarded.key, examples=4, seed=20261121, phases=SHORT)
    assert found.ok, found.report
    assert "Tested: " in found.report


# Each lies about its one endpoint: a status, a shape and a server error that its document does not know.
@pytest.mark.parametrize(
    ("status", "body", "finding"),
    [(418, {"size": 1}, "status code"), (200, {"size": "big"}, "schema"), (500, {}, "Server error")],
)
async def test_an_api_that_does_not_is_found_out(status: int, body: dict[str, object], finding: str) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        if request.path == "/api/openapi.json":
            return web.json_response(DOCUMENT)
        return web.json_response(body, status=status)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        found = await fuzz(
            f"http://127.0.0.1:{runner.addresses[0][1]}/api", "key", examples=1, seed=1, phases="fuzzing"
        )
    finally:
        await runner.cleanup()
    assert not found.ok
    assert finding.casefold() in found.report.casefold()
