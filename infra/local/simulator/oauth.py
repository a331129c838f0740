"""Tokens: a fixed one, and those that the token endpoint issues to known clients (client credentials flow).

The endpoint stands where Microsoft Entra ID's stands in the path, and refuses in its way: status, `error`, and
`error_description` with an AADSTS number (page "OAuth 2.0 client credentials flow").
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiohttp import web

from infra.local.simulator.wrong_body import a_text, an_object, known_fields

DEFAULT_TOKEN = "local-token"
DEFAULT_CLIENT = "00000000-0000-0000-0000-0000000000c1"
DEFAULT_SECRET = "local-secret"
DEFAULT_USER = "Synchronization"
LIFETIME_SECONDS = 3599


@dataclass(frozen=True)
class Client:
    """An application known to the identity provider; `user` is its name in the service (None: unknown there)."""

    secret: str
    user: str | None


class Tokens:
    """Who may call: `user_of` answers the user that a request speaks for."""

    def __init__(self, fixed: str = DEFAULT_TOKEN) -> None:
        self._fixed = fixed
        self.reset()

    def reset(self) -> None:
        """Know the default client only, and no issued token."""
        self.clients: dict[str, Client] = {DEFAULT_CLIENT: Client(DEFAULT_SECRET, DEFAULT_USER)}
        self._issued: dict[str, tuple[str, float]] = {}

    def user_of(self, authorization: str | None) -> str | None:
        """Answer the user behind an Authorization header, None where it is missing, unknown or expired (401)."""
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() != "bearer":
            return None
        if token == self._fixed:
            return DEFAULT_USER
        client, expires = self._issued.get(token, ("", 0.0))
        if client not in self.clients or time.monotonic() >= expires:
            return None
        return self.clients[client].user or client

    def expire(self) -> None:
        """Make every issued token (not the fixed one) worthless."""
        self._issued.clear()

    def client_of(self, user: str) -> str | None:
        """Answer the client id of a user."""
        return next((name for name, client in self.clients.items() if client.user == user), None)

    def issue(self, client: str) -> str:
        """Answer a new token of a client."""
        token = "local." + secrets.token_urlsafe(24)
        self._issued[token] = (client, time.monotonic() + LIFETIME_SECONDS)
        return token

    def routes(self) -> list[web.RouteDef]:
        """The token endpoint, and the discovery document by which MSAL finds it."""
        return [
            web.post("/{tenant}/oauth2/v2.0/token", self._token),
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", _discovery),
        ]

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        client_id = str(form.get("client_id", ""))
        if form.get("grant_type") != "client_credentials":
            return _refusal(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        if not form.get("scope"):
            return _refusal(400, "invalid_request", 900144, "The request body must contain the parameter: 'scope'.")
        client = self.clients.get(client_id)
        if client is None:
            what = f"Application with identifier '{client_id}' was not found in the directory."
            return _refusal(400, "unauthorized_client", 700016, what)
        if not secrets.compare_digest(str(form.get("client_secret", "")).encode(), client.secret.encode()):
            return _refusal(401, "invalid_client", 7000215, "Invalid client secret provided.")
        return web.json_response(
            {
                "token_type": "Bearer",
                "expires_in": LIFETIME_SECONDS,
                "ext_expires_in": LIFETIME_SECONDS,
                "access_token": self.issue(client_id),
            }
        )


def clients_from(body: object) -> dict[str, Client]:
    """Read the setting `clients`: `{"<client id>": {"secret": "...", "user": "<name>" or null}}`.

    Raises WrongBodyError.
    """
    return {name: _client(value, f"clients.{name}") for name, value in an_object(body, "clients").items()}


def _client(value: object, where: str) -> Client:
    given: Mapping[str, Any] = an_object(value, where)
    known_fields(given, {"secret", "user"}, f"{where}.")
    user = given.get("user")
    return Client(
        a_text(given.get("secret"), f"{where}.secret"), None if user is None else a_text(user, f"{where}.user")
    )


async def _discovery(request: web.Request) -> web.Response:
    base = f"{request.scheme}://{request.host}/{request.match_info['tenant']}"
    return web.json_response(
        {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
        }
    )


def _refusal(status: int, error: str, number: int, what: str) -> web.Response:
    body = {
        "error": error,
        "error_description": f"AADSTS{number}: {what}",
        "error_codes": [number],
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ"),
        "trace_id": str(uuid4()),
        "correlation_id": str(uuid4()),
    }
    return web.json_response(body, status=status)
