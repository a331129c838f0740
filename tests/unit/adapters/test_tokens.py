"""Tokens: where a fixed one may go, and how client credentials are fetched, kept, renewed and refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from shared.adapters.tokens import BUSINESS_CENTRAL_SCOPE, ClientCredentials, FixedToken, dataverse_scope
from shared.core.failures import NeedsPerson, Passing

_TENANT = "00000000-0000-0000-0000-00000000beef"


class EntraResponse:
    """What MSAL reads of an HTTP response."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status_code = status
        self.text = json.dumps(body)
        self.headers: dict[str, str] = {}

    def raise_for_status(self) -> None:
        assert self.status_code < 400


class Entra:
    """Stands where MSAL's HTTP client stands: discovery, and a token endpoint that numbers its tokens."""

    def __init__(self, refusal: dict[str, Any] | None = None, *, down: bool = False) -> None:
        self.numbers: Iterator[int] = count(1)
        self.asked: list[dict[str, list[str]]] = []
        self._refusal = refusal
        self._down = down

    def get(self, url: str, **_: Any) -> EntraResponse:
        if self._down:
            raise ConnectionError("no route")
        base = f"https://login.microsoftonline.com/{_TENANT}"
        endpoints = {"authorization_endpoint": f"{base}/a", "token_endpoint": f"{base}/t", "issuer": f"{base}/v2.0"}
        return EntraResponse(200, endpoints | {"tenant_discovery_endpoint": f"{base}/d", "metadata": []})

    def post(self, url: str, data: Any = None, **_: Any) -> EntraResponse:
        self.asked.append(parse_qs(data if isinstance(data, str) else urlencode(data)))
        if self._refusal:
            return EntraResponse(401, self._refusal)
        token = f"token-{next(self.numbers)}"
        return EntraResponse(200, {"token_type": "Bearer", "access_token": token, "expires_in": 3599})

    def close(self) -> None:
        pass


def credentials(entra: Entra) -> ClientCredentials:
    return ClientCredentials(_TENANT, "client-1", "secret", BUSINESS_CENTRAL_SCOPE, http_client=entra)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "http://localhost", "http://[::1]:9/"])
async def test_a_fixed_token_serves_this_machine(url: str) -> None:
    assert await FixedToken("t", url).token() == "t"


@pytest.mark.parametrize(
    "url", ["https://org.crm4.dynamics.com", "http://127.0.0.1.example.com", "http://10.0.0.1", ""]
)
def test_a_fixed_token_never_leaves_this_machine(url: str) -> None:
    with pytest.raises(ValueError, match="on this machine only"):
        FixedToken("t", url)


def test_the_scope_of_an_environment_is_its_address() -> None:
    assert dataverse_scope("https://org.crm4.dynamics.com/") == "https://org.crm4.dynamics.com/.default"


async def test_a_token_is_fetched_once_and_renewed_once_whoever_asks() -> None:
    entra = Entra()
    tokens = credentials(entra)
    assert set(await asyncio.gather(*(tokens.token() for _ in range(5)))) == {"token-1"}
    assert set(await asyncio.gather(*(tokens.renew("token-1") for _ in range(5)))) == {"token-2"}
    assert await tokens.token() == "token-2"
    assert [asked["scope"] for asked in entra.asked] == [[BUSINESS_CENTRAL_SCOPE]] * 2


async def test_a_refused_secret_needs_a_person_and_names_the_application() -> None:
    description = "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1"
    tokens = credentials(Entra({"error": "invalid_client", "error_description": description}))
    with pytest.raises(NeedsPerson, match=r"application client-1 no token: AADSTS7000215.*CLIENT_SECRET") as failure:
        await tokens.token()
    assert "Trace ID" not in str(failure.value)
    assert "'secret'" not in str(failure.value)


@pytest.mark.parametrize(
    "entra", [Entra(down=True), Entra({"error": "temporarily_unavailable", "error_description": "AADSTS90033: busy"})]
)
async def test_an_identity_service_in_trouble_is_a_passing_failure(entra: Entra) -> None:
    with pytest.raises(Passing, match="Microsoft Entra ID"):
        await credentials(entra).token()
