"""Who is let in by the running stack, on every endpoint; each way of being wrong is in tests/unit/functions."""

from __future__ import annotations

import time

import httpx
import pytest

from functions.api.operation import Operation
from functions.routes import operations
from shared.core.access import Role
from tests.e2e.guarded import Guarded, filled
from tests.e2e.people import Everything

EACH = pytest.mark.parametrize("operation", operations(), ids=lambda one: one.name)


def refused(answer: httpx.Response) -> bool:
    return answer.status_code in (401, 403)


@EACH
@pytest.mark.parametrize("headers", [{}, {"x-functions-key": "wrong"}, {"x-ms-client-principal": "e30="}])
async def test_the_host_lets_nobody_in_without_a_key(
    everything: Everything, operation: Operation, headers: dict[str, str]
) -> None:
    url = f"{everything.information['functions']['url']}/api/{filled(operation.route)}"
    async with httpx.AsyncClient() as stranger:
        answer = await stranger.request(operation.method, url, headers=headers)
    assert (answer.status_code, answer.content) == (401, b"")


@EACH
async def test_the_app_lets_each_role_do_what_it_may(guarded: Guarded, operation: Operation) -> None:
    for role in Role:
        token = guarded.issuer.token(role)
        answer = await guarded.ask(operation.method, operation.route, authorization=f"Bearer {token}")
        assert refused(answer) is (role.rank < operation.role.rank), (role, answer.text)
    assert not refused(await guarded.ask(operation.method, operation.route, x_functions_key=guarded.key))


@EACH
async def test_the_app_lets_nobody_in_without_a_good_token_or_key(guarded: Guarded, operation: Operation) -> None:
    expired = guarded.issuer.token(Role.ADMINISTRATOR, exp=int(time.time()) - 3600)
    foreign = guarded.issuer.token(Role.ADMINISTRATOR, tid="f8cdef31-a31e-4b4a-93e4-5f571e91255a")
    wrong: list[dict[str, str]] = [
        {},
        {"x_functions_key": "local-key"},
        {"x_ms_client_principal": "eyJhdXRoX3R5cCI6ImFhZCIsImNsYWltcyI6W119"},
        {"authorization": f"Bearer {expired}"},
        {"authorization": f"Bearer {foreign}"},
    ]
    for headers in wrong:
        answer = await guarded.ask(operation.method, operation.route, **headers)
        assert answer.status_code == 401, headers
        assert answer.headers["content-type"] == "application/problem+json"
