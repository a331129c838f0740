"""Where bearer tokens come from: a fixed one for the local stack, client credentials, or a managed identity.

msal and azure-identity are imported when first needed: they cost a cold start more than everything else here.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import urlsplit

from shared.core.failures import NeedsPerson, Passing

BUSINESS_CENTRAL_SCOPE = "https://api.businesscentral.dynamics.com/.default"
_EARLY = 300.0  # seconds before its end at which a token is replaced


def dataverse_scope(url: str) -> str:
    """The scope of a Dataverse environment: its address without path, and `/.default`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/.default"


class Tokens(Protocol):
    """Gives bearer tokens. Raises Passing when the identity service is not reachable, NeedsPerson when it refuses."""

    @property
    def identity(self) -> str:
        """Who the tokens speak for, as a person finds it in the portals ("application <client id>")."""
        ...

    async def token(self) -> str:
        """A token that should be good now."""
        ...

    async def renew(self, rejected: str) -> str:
        """A token in place of one that a service did not accept; the same one where there is no other."""
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...


class FixedToken:
    """One token for ever. Only for services on this machine: such a token must never leave it."""

    identity = "the caller with the fixed token"

    def __init__(self, token: str, url: str) -> None:
        """Raises ValueError when `url` is not a loopback address."""
        if not is_loopback(url):
            raise ValueError(f"a fixed token is for services on this machine only, not for {urlsplit(url).hostname}")
        self._token = token

    async def token(self) -> str:
        """The token."""
        return self._token

    async def renew(self, rejected: str) -> str:
        """The same token: there is no other."""
        return self._token

    async def aclose(self) -> None:
        """Nothing to release."""


def is_loopback(url: str) -> bool:
    """Whether an address stays on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    until: float


class _Cached:
    """Keeps a token until shortly before its end; concurrent callers wait for one request."""

    def __init__(self) -> None:
        self._held: _Held | None = None
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """The held token, or a new one when it is about to end."""
        async with self._lock:
            if self._held is None or time.monotonic() >= self._held.until:
                self._held = await self._fetch()
            return self._held.token

    async def renew(self, rejected: str) -> str:
        """A new token, unless another caller has replaced the rejected one already."""
        async with self._lock:
            if self._held is None or self._held.token == rejected:
                await self._forget()
                self._held = await self._fetch()
            return self._held.token

    async def aclose(self) -> None:
        """Release connections."""
        await self._forget()

    async def _fetch(self) -> _Held:
        raise NotImplementedError

    async def _forget(self) -> None:
        raise NotImplementedError


class ClientCredentials(_Cached):
    """Tokens of an app registration (page "Use service-to-service authentication"; MSAL client credentials flow).

    `http_client` replaces MSAL's own (see MSAL's parameter of that name).
    """

    def __init__(
        self, tenant_id: str, client_id: str, client_secret: str, scope: str, *, http_client: Any = None
    ) -> None:
        super().__init__()
        self._tenant_id = tenant_id
        self._client_id = client_id
        self._client_secret = client_secret
        self._scope = scope
        self._http_client = http_client
        self._application: Any = None

    @property
    def identity(self) -> str:
        """The app registration by its client id."""
        return f"application {self._client_id}"

    async def _fetch(self) -> _Held:
        try:
            answer = await asyncio.to_thread(self._acquire)
        except OSError as error:  # every network error of MSAL's HTTP library is one
            raise Passing(f"Microsoft Entra ID cannot be reached ({type(error).__name__}).", code="token") from error
        except ValueError as error:
            raise NeedsPerson(f"TENANT_ID {self._tenant_id} cannot be used: {error}", code="token") from error
        if "access_token" in answer:
            return _Held(answer["access_token"], time.monotonic() + float(answer.get("expires_in", 600)) - _EARLY)
        raise self._refusal(answer)

    def _acquire(self) -> dict[str, Any]:
        import msal  # type: ignore[import-untyped]

        if self._application is None:
            self._application = msal.ConfidentialClientApplication(
                self._client_id,
                authority=f"https://login.microsoftonline.com/{self._tenant_id}",
                client_credential=self._client_secret,
                http_client=self._http_client,
            )
        return dict(self._application.acquire_token_for_client(scopes=[self._scope]) or {})

    def _refusal(self, answer: dict[str, Any]) -> NeedsPerson | Passing:
        error = str(answer.get("error") or "no token")
        # The first line names the AADSTS number and the cause; the others are ids of the request.
        reason = (str(answer.get("error_description") or error).splitlines() or [error])[0]
        if error in ("temporarily_unavailable", "server_error"):
            return Passing(f"Microsoft Entra ID is busy: {reason}", code="token")
        settings = "Check TENANT_ID, CLIENT_ID and CLIENT_SECRET."
        return NeedsPerson(f"Microsoft Entra ID gives {self.identity} no token: {reason} {settings}", code="token")

    async def _forget(self) -> None:
        # MSAL answers from its own cache, so the rejected token has to go from there too.
        if self._application is not None:
            self._application.remove_tokens_for_client()


class ManagedIdentity(_Cached):
    """Tokens of the managed identity that Azure gives to the function app; `client_id` names a user-assigned one."""

    def __init__(self, scope: str, *, client_id: str | None = None) -> None:
        super().__init__()
        self._scope = scope
        self._client_id = client_id
        self._credential: Any = None

    @property
    def identity(self) -> str:
        """The identity by its client id, where it has been named."""
        return f"managed identity {self._client_id}" if self._client_id else "the app's managed identity"

    async def _fetch(self) -> _Held:
        from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError
        from azure.identity.aio import ManagedIdentityCredential

        if self._credential is None:
            self._credential = ManagedIdentityCredential(client_id=self._client_id)
        try:
            answer = await self._credential.get_token(self._scope)
        except (ServiceRequestError, ServiceResponseError) as error:
            raise Passing("The managed identity endpoint cannot be reached.", code="token") from error
        except ClientAuthenticationError as error:
            message = (
                f"Azure gives {self.identity} no token. Assign the identity to the function app. ({error.message})"
            )
            raise NeedsPerson(message, code="token") from error
        return _Held(answer.token, time.monotonic() + answer.expires_on - time.time() - _EARLY)

    async def _forget(self) -> None:
        credential, self._credential = self._credential, None
        if credential is not None:
            await credential.close()
