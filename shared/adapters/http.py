"""The transport that both services share: tokens, throttling, retries, time-outs, request ids, and what failed.

What is safe to repeat is repeated, with patience; what is not ends in LostAnswer as soon as it may have been done.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from shared.adapters.budget import heed, told_until
from shared.adapters.gate import Gate, Patience, RetryPolicy, gate_of
from shared.adapters.tokens import Tokens
from shared.adapters.wire import Row, WireError, error_from, json_object, moment_of, path_of, wait_of
from shared.core.budget import Share
from shared.core.failures import Passing, SyncFailure
from shared.core.sides import Side

_log = logging.getLogger(__name__)

READ_SECONDS = 120.0  # longest silence of a read
WRITE_SECONDS = 300.0  # a batch of writes is silent until its last operation is done
_LONGEST = 420.0  # of an answer that comes drop by drop; what asks for it is ended by the host after 10 minutes
_TROUBLED = {408, 502, 503, 504}  # the service, or a gateway before it, gave up: the request may have been done
_TOO_LONG = {408, 504}  # ... because it took too long
_TOO_MUCH_TIME = "0x80072321"  # Dataverse: the combined execution time of our requests
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_REQUEST_IDS = ("x-ms-service-request-id", "req_id", "request-id")


class LostAnswer(Exception):
    """A request that must not be repeated blindly was sent, and what became of it is unknown.

    `status` is what a gateway or the service answered instead, 0 when nothing came.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """One request: `path` is relative to the API's root, or from the host's root when it begins with a slash.

    `strained` is called for every attempt that was too much for the service: one with less work in it would do better.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    repeatable: bool = True
    seconds: float = READ_SECONDS
    strained: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, after how long; `repeated` says that an earlier attempt may have been done already."""

    response: httpx.Response
    repeated: bool
    seconds: float

    @property
    def error(self) -> WireError:
        """The answer read as a refusal."""
        return error_from(self.response.status_code, self.response.headers, self.response.content)


@dataclass(frozen=True, slots=True)
class _Trouble:
    what: str
    maybe_done: bool
    status: int = 0
    throttled: bool = False
    timed_out: bool = False
    strained: bool = False
    retry_after: float | None = None


def new_client() -> httpx.AsyncClient:
    """A client that keeps no cookies: Dataverse's affinity cookie would tie it to one server and that one's limits."""
    jar = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(cookies=jar, follow_redirects=False)


class Service:
    """One of the two APIs, addressed by `root` (without a slash at its end).

    `failure_of` turns a refusal of a whole request into the failure to raise. `concurrency` is how many requests of
    this process may be under way; the service's own hint (x-ms-dop-hint) replaces it, up to `most_concurrent`.
    `requests_sent` counts every attempt.
    """

    def __init__(
        self,
        side: Side,
        root: str,
        tokens: Tokens,
        failure_of: Callable[[WireError], SyncFailure],
        *,
        headers: Mapping[str, str],
        concurrency: int,
        most_concurrent: int,
        client: httpx.AsyncClient | None = None,
        policy: RetryPolicy | None = None,
    ) -> None:
        self.side = side
        self.root = root
        self.policy = policy or RetryPolicy()
        self._base = root
        self._sent = [0]  # shared by all that is below
        self._tokens = tokens
        self._failure_of = failure_of
        self._headers = {"Accept": "application/json", **headers}
        self._concurrency = concurrency
        self._most_concurrent = most_concurrent
        self._owned = client is None
        self._client = client or new_client()

    def below(self, path: str) -> Service:
        """The same service at another of its APIs, whose address is `path` from the host's root on: same limits."""
        parts = urlsplit(self.root)
        other = copy(self)
        other._base = f"{parts.scheme}://{parts.netloc}{path.rstrip('/')}"
        return other

    @property
    def requests_sent(self) -> int:
        """Every attempt so far."""
        return self._sent[0]

    async def aclose(self) -> None:
        """Close the client, if it is our own."""
        if self._owned:
            await self._client.aclose()

    async def get(
        self, path: str, *, headers: Mapping[str, str] | None = None, policy: RetryPolicy | None = None
    ) -> Row:
        """The JSON object at `path`. Raises Passing, NeedsPerson, FeedExpired: whatever the refusal means."""
        found, _ = await self.get_dated(path, headers=headers, policy=policy)
        return found

    async def get_dated(
        self, path: str, *, headers: Mapping[str, str] | None = None, policy: RetryPolicy | None = None
    ) -> tuple[Row, datetime | None]:
        """The JSON object at `path`, and when the service says that it answered. Raises as `get` does."""
        answer = await self.send(Call("GET", path, headers or {}), policy=policy)
        found = json_object(answer.response.content) if answer.response.status_code < 300 else None
        if found is None:
            raise self.failure(answer)
        return found, moment_of(answer.response.headers.get("Date"))

    def failure(self, answer: Answer) -> SyncFailure:
        """What an answer means that has no usable body."""
        if answer.response.status_code < 300:
            message = f"{self.side.product} answered with something that is no JSON object."
            return Passing(message, side=self.side, code="answer")
        return self._failure_of(answer.error)

    async def send(self, call: Call, *, policy: RetryPolicy | None = None) -> Answer:
        """The answer to a call, after retries; refusals of status 4xx and 500 are answers too.

        Raises Passing when patience ends, LostAnswer when a call that is not repeatable may have been done, and what
        the tokens raise.
        """
        policy = policy or self.policy
        patience = Patience(policy.patience, self.side)
        token = await self._tokens.token()
        repeated, renewed, attempt = False, False, 0
        while True:
            outcome, seconds = await self._attempt(call, token, patience)
            if isinstance(outcome, _Trouble):
                if outcome.strained:
                    call.strained()
                if outcome.maybe_done and not call.repeatable:
                    raise LostAnswer(f"{self.side.product} {outcome.what}", outcome.status)
                repeated = repeated or outcome.maybe_done
                await self._wait(call, outcome, policy.backoff(attempt), patience)
                attempt += 1
            elif outcome.status_code == 401 and not renewed:
                token, renewed = await self._tokens.renew(token), True
            else:
                return Answer(outcome, repeated, seconds)

    def pause(self, error: WireError) -> None:
        """Obey the Retry-After of one operation inside a batch: it concerns the whole user."""
        if error.status == 429:
            self._gate.pause(error.retry_after or self.policy.first_wait)

    def allow(self, share: Share, paused_until: datetime | None) -> None:
        """Heed what other instances take and were told; see RowStore."""
        heed(self._gate, share, paused_until)

    def paused_until(self) -> datetime | None:
        """Until when the service has told this process to pause; see RowStore."""
        return told_until(self._gate)

    @property
    def account(self) -> str:
        """Whom the service's limits hold for; see RowStore."""
        return f"{self.root.casefold()} as {self._tokens.identity}"

    @property
    def _gate(self) -> Gate:
        return gate_of(self.account, self._concurrency)

    async def _attempt(self, call: Call, token: str, patience: Patience) -> tuple[httpx.Response | _Trouble, float]:
        """What one attempt brought, and how many seconds the service took for it."""
        async with self._gate.passage(patience):
            request = self._request(call, token)
            self._sent[0] += 1
            started = time.monotonic()
            try:
                async with asyncio.timeout(_LONGEST):
                    response = await self._client.send(request)
            except TimeoutError:
                self._note(request, "no end", started)
                return _cut_off(httpx.ReadTimeout("")), time.monotonic() - started
            except httpx.TransportError as error:
                self._note(request, type(error).__name__, started)
                return _cut_off(error), time.monotonic() - started
            except httpx.DecodingError as error:
                return _Trouble(f"answered unreadably ({error})", maybe_done=True), time.monotonic() - started
            seconds = time.monotonic() - started
            self._note(request, str(response.status_code), started, response)
            self._heed_hint(response)
        return _trouble_of(response) or response, seconds

    def _request(self, call: Call, token: str) -> httpx.Request:
        headers = {**self._headers, **call.headers}
        headers |= {"Authorization": f"Bearer {token}", "client-request-id": str(uuid4())}
        timeout = httpx.Timeout(call.seconds, connect=10.0, pool=None)
        return self._client.build_request(
            call.method, self._url(call.path), headers=headers, content=call.content, timeout=timeout
        )

    def _url(self, path: str) -> str:
        if not path.startswith("/"):
            return f"{self._base}/{path}"
        parts = urlsplit(self.root)
        return f"{parts.scheme}://{parts.netloc}{path_of(path)}"

    async def _wait(self, call: Call, trouble: _Trouble, backoff: float, patience: Patience) -> None:
        seconds = trouble.retry_after or backoff
        _log.warning(
            "%s %s on %s %s: trying again in %.1f s",
            self.side.product,
            trouble.what,
            call.method,
            call.path.partition("?")[0],
            seconds,
        )
        if trouble.timed_out:
            patience.spend_on_silence(trouble.what)
        if trouble.throttled or trouble.retry_after is not None:
            self._gate.pause(seconds)  # the next attempt waits there, and so does everybody else
        else:
            patience.spend(seconds, trouble.what)
            await asyncio.sleep(seconds)

    def _heed_hint(self, response: httpx.Response) -> None:
        hint = response.headers.get("x-ms-dop-hint", "")
        if hint.isdigit() and (limit := max(1, min(int(hint), self._most_concurrent))) != self._gate.limit:
            self._gate.allow(limit)

    def _note(
        self, request: httpx.Request, outcome: str, started: float, response: httpx.Response | None = None
    ) -> None:
        """One line per request. Paths only: a query holds names and addresses of people."""
        answered = response.headers if response is not None else {}
        _log.debug(
            "%s %s %s: %s in %.0f ms (request %s, service request %s)",
            self.side.product,
            request.method,
            request.url.path,
            outcome,
            (time.monotonic() - started) * 1000,
            request.headers["client-request-id"],
            next((answered[name] for name in _REQUEST_IDS if name in answered), "-"),
        )


def _cut_off(error: httpx.TransportError) -> _Trouble:
    maybe_done = not isinstance(error, _NEVER_SENT)
    timed_out = maybe_done and isinstance(error, httpx.TimeoutException)
    return _Trouble(f"was cut off ({type(error).__name__})", maybe_done, timed_out=timed_out, strained=timed_out)


def _trouble_of(response: httpx.Response) -> _Trouble | None:
    status = response.status_code
    if status != 429 and status not in _TROUBLED:
        return None
    wait = wait_of(response.headers)
    if status == 429:
        strained = is_strain(error_from(status, response.headers, response.content))
        return _Trouble("is throttling (429)", False, throttled=True, strained=strained, retry_after=wait)
    strained = status in _TOO_LONG
    return _Trouble(f"is in trouble ({status})", True, status=status, strained=strained, retry_after=wait)


def is_strain(error: WireError) -> bool:
    """Whether a refusal says that our requests take the service too long."""
    return error.code.lower() == _TOO_MUCH_TIME
