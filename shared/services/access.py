"""The two ways in.

Either the Functions host checks a function key before the app is called, or the app itself checks an Entra token (its
own, or the principal that App Service authentication hands over) or one of its own keys. App roles are those of the
app registration; a key is an Administrator.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from shared.core.access import Caller, Role, TokenRefused
from shared.services.principals import principal_from
from shared.services.problems import Problem

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


EVERYTHING = frozenset({Role.ADMINISTRATOR})
KEY_AT_THE_HOST = Caller("function key", roles=EVERYTHING)
"""The host does not tell the app which of its keys was shown."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request shows: its method, its headers (names in lower case), and the host it was sent to."""

    method: str
    headers: Mapping[str, str]
    host: str = ""


class TokenVerifier(Protocol):
    """Checks the signature, issuer, audience and time of a bearer token."""

    async def claims(self, token: str) -> Mapping[str, object]:
        """The claims. Raises TokenRefused, and Passing when the keys of the issuer cannot be fetched."""
        ...


class Access(Protocol):
    """Decides who a caller is."""

    async def caller(self, shown: Credentials) -> Caller:
        """The caller. Raises Problem (401, 403)."""
        ...


class KeysAtTheHost:
    """The host has checked a function key; whatever else the request shows, anybody could have written."""

    async def caller(self, shown: Credentials) -> Caller:
        """Always the holder of a function key."""
        return KEY_AT_THE_HOST


@dataclass(frozen=True, slots=True)
class EntraAccess:
    """The app itself checks: a bearer token, else the principal of App Service authentication, else a key of `keys`.

    The principal is believed only with `app_service_authentication`: without that anybody could write the header.
    `keys` are the app's own keys by name, since the host does not show its keys to the app.
    """

    tenant: str
    verifier: TokenVerifier
    app_service_authentication: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)

    async def caller(self, shown: Credentials) -> Caller:
        """The caller of the first credential shown; one that is wrong is refused, not passed over."""
        scheme, _, token = shown.headers.get("authorization", "").partition(" ")
        if scheme.casefold() == "bearer":
            return await self._with_token(token.strip())
        if self.app_service_authentication and (principal := shown.headers.get("x-ms-client-principal")):
            refuse_foreign_sites(shown)
            return self._with_principal(principal)
        if key := shown.headers.get("x-functions-key"):
            return self._with_key(key)
        raise Problem(401, "not_signed_in", "Show an Entra token (Authorization: Bearer ...) or a key of this app.")

    async def _with_token(self, token: str) -> Caller:
        if not token.isascii():
            raise Problem(401, "invalid_token", "The token is refused: it cannot be read.")
        try:
            claims = await self.verifier.claims(token)
        except TokenRefused as refusal:
            raise Problem(401, "invalid_token", f"The token is refused: {refusal}") from None
        names = ("name", "preferred_username", "app_displayname", "azp")
        name = next((str(claims[one]) for one in names if claims.get(one)), "somebody")
        roles = claims.get("roles")
        return Caller(name, str(claims.get("oid") or claims.get("sub") or ""), _roles(roles))

    def _with_principal(self, header: str) -> Caller:
        principal = principal_from(header)
        if principal is None:
            raise Problem(401, "invalid_token", "The principal of App Service authentication cannot be read.")
        if principal.provider != "aad" or principal.tenant != self.tenant.casefold():
            raise Problem(401, "invalid_token", "The token is refused: it is not from this app's Entra tenant.")
        return Caller(principal.name, principal.id, _roles(list(principal.roles)))

    def _with_key(self, key: str) -> Caller:
        for name, known in self.keys.items():
            if hmac.compare_digest(key.encode(errors="replace"), known.encode()):
                return Caller(f"function key: {name}", roles=EVERYTHING)
        raise Problem(401, "invalid_key", "There is no such key.")


def refuse_foreign_sites(shown: Credentials) -> None:
    """A browser sends its session along whoever made the page; only pages of this app may change something.

    `Sec-Fetch-Site` and `Origin` are set by the browser itself. Raises Problem (403).
    """
    if shown.method in SAFE_METHODS:
        return
    site, origin = shown.headers.get("sec-fetch-site"), shown.headers.get("origin")
    if site not in (None, "same-origin", "none") or (origin is not None and origin.partition("//")[2] != shown.host):
        raise Problem(403, "cross_site", "A page of another site asks in the name of the person who is signed in.")


def _roles(found: object) -> frozenset[Role]:
    known = set(Role)
    return frozenset(Role(one) for one in found if one in known) if isinstance(found, list) else frozenset()
