"""Bearer tokens of Microsoft Entra ID that callers show to the app: are they for it, in time, and signed by Entra?

Only access tokens of version 2.0 are taken (`requestedAccessTokenVersion: 2` in the app registration's manifest): their
audience is the client id, their issuer the tenant (page "Access token claims reference"). PyJWT is imported when the
first token comes: an app with keys only never pays for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from shared.core.access import TokenRefused
from shared.core.failures import Passing

if TYPE_CHECKING:
    from jwt import PyJWK

ALGORITHMS = ["RS256"]
LEEWAY = 60  # seconds that clocks may differ
KEPT = 24 * 3600.0  # seconds for which the issuer's keys are believed
PAUSE = 60.0  # seconds between two looks for a key that is not known: anybody can invent one


@dataclass(slots=True)
class _Issuer:
    """What the issuer publishes: its name as tokens have it, and its keys by id."""

    name: str = ""
    keys: dict[str, PyJWK] = field(default_factory=dict)
    asked_at: float = float("-inf")


class EntraTokens:
    """The tokens of one tenant for one app registration (`shared.services.access.TokenVerifier`)."""

    def __init__(self, authority: str, tenant: str, client_id: str) -> None:
        self._metadata = f"{authority}/{tenant}/v2.0/.well-known/openid-configuration"
        self._tenant = tenant.casefold()
        self._audience = [client_id, f"api://{client_id}"]
        self._issuer = _Issuer()
        self._asking = asyncio.Lock()

    async def claims(self, token: str) -> Mapping[str, object]:
        """The claims of a good token. Raises TokenRefused, and Passing when the keys cannot be fetched."""
        import jwt

        try:
            key = await self._key(str(jwt.get_unverified_header(token).get("kid")))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer.name,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "azp"]},
            )
        except jwt.PyJWTError as error:
            raise TokenRefused(_reason(error)) from None
        if str(claims.get("tid", "")).casefold() != self._tenant:
            raise TokenRefused("it is not from this app's Entra tenant.")
        return claims

    async def _key(self, key_id: str) -> PyJWK:
        async with self._asking:
            age = time.monotonic() - self._issuer.asked_at
            if age > KEPT or (key_id not in self._issuer.keys and age > PAUSE):
                self._issuer = await self._ask()
        if key_id not in self._issuer.keys:
            raise TokenRefused("it is not signed with a key of this app's Entra tenant.")
        return self._issuer.keys[key_id]

    async def _ask(self) -> _Issuer:
        import jwt

        try:
            async with httpx.AsyncClient(timeout=10) as http:
                metadata = (await http.get(self._metadata)).raise_for_status().json()
                published = (await http.get(metadata["jwks_uri"])).raise_for_status().json()
            keys = {str(key.key_id): key for key in jwt.PyJWKSet.from_dict(published).keys}
            return _Issuer(str(metadata["issuer"]), keys, time.monotonic())
        except (httpx.HTTPError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            raise Passing(f"Microsoft Entra ID cannot be reached ({type(error).__name__}).", code="token") from error


def _reason(error: Exception) -> str:
    """What is wrong with a token, in our words: the library's may repeat parts of it."""
    import jwt

    reasons: dict[type[Exception], str] = {
        jwt.ExpiredSignatureError: "it has expired.",
        jwt.ImmatureSignatureError: "it is not valid yet.",
        jwt.InvalidAudienceError: "it is for another app.",
        jwt.InvalidIssuerError: "it is not from this app's Entra tenant, or not of version 2.0.",
        jwt.MissingRequiredClaimError: "it is no access token of version 2.0.",
        jwt.InvalidSignatureError: "its signature is wrong.",
        jwt.InvalidAlgorithmError: "it is signed in a way that Entra does not use.",
    }
    return next((text for kind, text in reasons.items() if isinstance(error, kind)), "it cannot be read.")
