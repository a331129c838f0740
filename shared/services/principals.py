"""The principal that App Service authentication hands to the app in the header `X-MS-CLIENT-PRINCIPAL`.

Base64 of `{"auth_typ", "claims": [{"typ", "val"}], "name_typ", "role_typ"}`; the claims carry the names of the default
claims mapping (page "Work with user identities in Azure App Service authentication").
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

OBJECT_ID = ("http://schemas.microsoft.com/identity/claims/objectidentifier", "oid")
TENANT_ID = ("http://schemas.microsoft.com/identity/claims/tenantid", "tid")
NAME = ("name", "preferred_username", "appid", "azp")
ROLES = ("http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "roles")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who App Service authentication says is signed in: `provider` is `aad` for Microsoft Entra."""

    provider: str
    tenant: str
    id: str
    name: str
    roles: tuple[str, ...]


def principal_from(header: str) -> Principal | None:
    """The principal, or None for a header that App Service would not have written."""
    try:
        body = json.loads(base64.b64decode(header, validate=True))
        claims = [(str(one["typ"]), str(one["val"])) for one in body["claims"]]
        return _principal(body, claims)
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None


def _principal(body: dict[str, Any], claims: list[tuple[str, str]]) -> Principal:
    def first(*kinds: str) -> str:
        return next((value for wanted in kinds for kind, value in claims if kind == wanted), "")

    role_kinds = {*ROLES, str(body.get("role_typ") or "roles")}
    return Principal(
        provider=str(body["auth_typ"]),
        tenant=first(*TENANT_ID).casefold(),
        id=first(*OBJECT_ID),
        name=first(*NAME, str(body.get("name_typ") or "name")) or "somebody",
        roles=tuple(value for kind, value in claims if kind in role_kinds),
    )
