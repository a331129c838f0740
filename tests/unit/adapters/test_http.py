"""The transport: what it repeats, how long, for whom, and what it never does."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import httpx
import pytest

from shared.adapters.dataverse_errors import failure_of
from shared.adapters.gate import RetryPolicy
from shared.adapters.http import Call, LostAnswer, Service, new_client
from shared.adapters.writing import together
from shared.core.failures import NeedsPerson, Passing
from shared.core.sides import Side

_hosts: Iterator[int] = count()
_QUICK = RetryPolicy(patience=2.0, first_wait=0.01, longest_wait=0.05)
_POST = Call("POST", "things", content=b"{}", repeatable=False)
_GET = Call("GET", "things")

type Reply = httpx.Response | Exception


class RenewableTokens:
    """Tokens that count: token-0 is replaced by token-1 when it is renewed, and so on."""

    identity = "application 1111"

    def __init__(self) -> None:
        self.renewals = 0

    async def token(self) -> str:
        return f"token-{self.renewals}"

    async def renew(self, rejected: str) -> str:
        self.renewals += rejected == f"token-{self.renewals}"
        return f"token-{self.renewals}"

    async def aclose(self) -> None:
        pass


def service_with(answer: Callable[[httpx.Request], Reply], policy: RetryPolicy = _QUICK) -> Service:
    """A service at an address of its own, hence with a gate of its own."""

    def handle(request: httpx.Request) -> httpx.Response:
        reply = answer(request)
        if isinstance(reply, Exception):
            raise reply
        return reply

    return Service(
        Side.DATAVERSE,
        f"http://service-{next(_hosts)}/api",
        RenewableTokens(),
        lambda error: failure_of(error, "application 1111"),
        headers={},
        concurrency=4,
        most_concurrent=16,
        client=httpx.AsyncClient(transport=httpx.MockTransport(handle)),
        policy=policy,
    )


def in_turn(*replies: Reply) -> tuple[Callable[[httpx.Request], Reply], list[httpx.Request]]:
    """Answers one after the other; the last one for ever. The requests that came are noted."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> Reply:
        seen.append(request)
        return replies[min(len(seen), len(replies)) - 1]

    return answer, seen


OK = httpx.Response(200, json={"well": True})


TOO_MUCH_TIME = {"error": {"code": "0x80072321", "message": "Combined execution time exceeded"}}


@pytest.mark.parametrize(
    ("trouble", "repeated", "strained"),
    [
        (httpx.Response(429), False, False),
        (httpx.Response(429, json=TOO_MUCH_TIME), False, True),
        (httpx.Response(502, text="<html>"), True, False),
        (httpx.Response(503), True, False),
        (httpx.Response(504), True, True),
        (httpx.Response(408), True, True),
        (httpx.ReadTimeout("silence"), True, True),
        (httpx.RemoteProtocolError("cut"), True, False),
        (httpx.ConnectError("refused"), False, False),
        (httpx.ConnectTimeout("nobody there"), False, False),
    ],
)
async def test_what_is_safe_to_repeat_is_repeated(trouble: Reply, repeated: bool, strained: bool) -> None:
    answer, seen = in_turn(trouble, OK)
    service, strains = service_with(answer), list[bool]()
    result = await service.send(replace(_GET, strained=lambda: strains.append(True)))
    assert (result.response.status_code, len(seen), result.repeated) == (200, 2, repeated)
    assert strains == [True] * strained
    assert seen[0].headers["client-request-id"] != seen[1].headers["client-request-id"]
    assert service.requests_sent == 2


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("Sat, 21 Nov 2026 14:50:53 GMT", datetime(2026, 11, 21, 14, 50, 53, tzinfo=UTC)),
        ("yesterday", None),
        (None, None),
    ],
)
async def test_an_answer_tells_when_the_service_gave_it(date: str | None, moment: datetime | None) -> None:
    answer, _ = in_turn(httpx.Response(200, json={}, headers={"Date": date} if date else {}))
    assert await service_with(answer).get_dated("things") == ({}, moment)


@pytest.mark.parametrize("trouble", [httpx.Response(503), httpx.ReadTimeout("silence"), httpx.ReadError("cut")])
async def test_what_may_have_been_done_is_not_done_again(trouble: Reply) -> None:
    answer, seen = in_turn(trouble, OK)
    with pytest.raises(LostAnswer):
        await service_with(answer).send(_POST)
    assert len(seen) == 1


@pytest.mark.parametrize("trouble", [httpx.Response(429), httpx.ConnectError("refused")])
async def test_what_was_certainly_not_done_is_tried_again(trouble: Reply) -> None:
    answer, seen = in_turn(trouble, OK)
    assert (await service_with(answer).send(_POST)).response.status_code == 200
    assert len(seen) == 2


@pytest.mark.parametrize("status", [429, 503])
async def test_a_pause_that_one_request_is_told_holds_back_all_others(status: int) -> None:
    started: list[float] = []
    told = asyncio.Event()

    def answer(_: httpx.Request) -> Reply:
        started.append(time.monotonic())
        told.set()
        return httpx.Response(status, headers={"Retry-After": "0.3"}) if len(started) == 1 else OK

    service = service_with(answer)
    first = asyncio.create_task(service.send(_GET))
    await told.wait()
    await together(service.send(_GET) for _ in range(6))
    await first
    assert len(started) == 8
    assert min(started[1:]) - started[0] >= 0.3


async def test_a_pause_beyond_patience_ends_the_run_at_once_with_the_time_to_wait() -> None:
    answer, seen = in_turn(httpx.Response(429, headers={"Retry-After": "240"}))
    service = service_with(answer)
    for _ in range(2):  # the second call does not even ask
        with pytest.raises(Passing) as failure:
            await service.send(_GET)
        assert failure.value.retry_after == pytest.approx(240, abs=1)
    assert len(seen) == 1


async def test_a_service_that_stays_down_ends_the_run_when_patience_does() -> None:
    answer, seen = in_turn(httpx.Response(503))
    with pytest.raises(Passing, match=r"Dataverse is in trouble \(503\)"):
        await service_with(answer, RetryPolicy(patience=0.2, first_wait=0.01, longest_wait=0.05)).send(_GET)
    assert 4 < len(seen) < 40


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("wait", ["0", "-1", "Wed, 01 Jan 2020 00:00:00 GMT"])
async def test_a_wait_of_no_time_is_none_and_uses_up_patience(status: int, wait: str) -> None:
    answer, seen = in_turn(httpx.Response(status, headers={"Retry-After": wait}))
    with pytest.raises(Passing):
        await service_with(answer, RetryPolicy(patience=0.2, first_wait=0.01, longest_wait=0.05)).send(_GET)
    assert len(seen) < 40


def test_the_wait_after_very_many_attempts_is_still_the_longest() -> None:
    assert 10 <= RetryPolicy().backoff(5_000) <= 20


async def test_an_answer_that_comes_drop_by_drop_ends_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.adapters.http._LONGEST", 0.05)

    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    with pytest.raises(Passing, match=r"was cut off \(ReadTimeout\)"):
        await service_with(lambda _: httpx.Response(200, content=drops())).send(_GET)


async def test_a_service_that_hangs_is_asked_twice_and_not_until_patience_ends() -> None:
    answer, seen = in_turn(httpx.ReadTimeout("silence"))
    with pytest.raises(Passing, match=r"was cut off \(ReadTimeout\)"):
        await service_with(answer).send(_GET)
    assert len(seen) == 2


async def test_a_token_that_ends_during_a_run_is_renewed_once_for_all() -> None:
    def answer(request: httpx.Request) -> Reply:
        return OK if request.headers["Authorization"] == "Bearer token-1" else httpx.Response(401)

    service = service_with(answer)
    assert await together(service.get("things") for _ in range(8)) == [{"well": True}] * 8
    assert service._tokens.renewals == 1  # type: ignore[attr-defined]


async def test_a_caller_that_stays_unknown_needs_a_person() -> None:
    answer, seen = in_turn(httpx.Response(401))
    with pytest.raises(NeedsPerson, match="does not let application 1111 in"):
        await service_with(answer).get("things")
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (httpx.Response(200, text="<html>sign in</html>"), Passing),
        (httpx.Response(200, content=b""), Passing),
        (httpx.Response(200, json=[1]), Passing),
        (httpx.Response(302, headers={"Location": "https://elsewhere.example"}), NeedsPerson),
        (httpx.Response(404), NeedsPerson),
        (httpx.Response(500, text="<html>oops</html>"), Passing),
    ],
)
async def test_answers_of_any_shape_become_failures_with_a_sentence(reply: Reply, expected: type[Exception]) -> None:
    answer, _ = in_turn(reply)
    with pytest.raises(expected, match=r"Dataverse( is busy| answered| has no|'s address leads)"):
        await service_with(answer).get("things")


@pytest.mark.parametrize(("hint", "lanes"), [("9", 9), ("50", 16), ("2", 2), ("0", 1), ("many", 4)])
async def test_the_hint_of_the_service_sets_how_many_requests_run_at_once(hint: str, lanes: int) -> None:
    running, most = 0, 0

    async def handle(_: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return httpx.Response(200, json={}, headers={"x-ms-dop-hint": hint})

    service = service_with(lambda _: OK)
    service._client = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    await service.get("hint")
    await together(service.get("things") for _ in range(lanes * 3))
    assert most == lanes


async def test_no_cookie_is_kept() -> None:
    seen: list[str | None] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("Cookie"))
        return httpx.Response(200, headers={"Set-Cookie": "ARRAffinity=server-1; Path=/"})

    async with new_client() as client:
        client._transport = httpx.MockTransport(handle)
        for _ in range(2):
            await client.get("https://org.crm4.dynamics.com/")
    assert seen == [None, None]


async def test_logs_name_requests_but_no_token_and_no_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "shared.adapters.http")
    answer, _ = in_turn(httpx.Response(503), httpx.Response(200, json={}, headers={"x-ms-service-request-id": "id-7"}))
    await service_with(answer).get("things?$filter=email%20eq%20'a@example.com'")
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.name for record in warnings] == ["shared.adapters.http"]
    assert "Dataverse is in trouble (503) on GET things: trying again in" in warnings[0].getMessage()
    assert "/api/things: 200" in caplog.text
    assert "id-7" in caplog.text
    assert "token-0" not in caplog.text
    assert "example.com" not in "".join(record.getMessage() for record in caplog.records if "shared" in record.name)
