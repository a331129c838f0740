"""Shared access signatures: who may attach to what.

Source: "Service Bus access control with shared access signatures" in Microsoft's documentation. A token is a text such
as `SharedAccessSignature sr=<resource>&sig=<signature>&se=<expiry>&skn=<key name>`; the signature is the HMAC-SHA256 of
the resource (as it is encoded in the token) and the expiry, with the key.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import unquote_plus

from infra.local.service_bus.errors import Unauthorized

DEFAULT_KEY_NAME = "RootManageSharedAccessKey"
DEFAULT_KEY = "SAS_KEY_VALUE"


@dataclass(frozen=True, slots=True)
class SharedKey:
    """The one shared access policy of the namespace: it may do everything."""

    name: str = DEFAULT_KEY_NAME
    key: str = DEFAULT_KEY

    def verify(self, token: object, audience: str, now: int) -> int:
        """Check that `token` is signed with this key, covers `audience` and is valid at `now`; returns its expiry.

        Times are in milliseconds since the Unix epoch.

        Raises:
            Unauthorized: it is not, with the reason.
        """
        scheme, _, rest = token.partition(" ") if isinstance(token, str) else ("", "", "")
        fields = dict(part.partition("=")[::2] for part in rest.split("&"))
        if scheme != "SharedAccessSignature" or not {"sr", "sig", "se", "skn"} <= fields.keys():
            raise Unauthorized("InvalidToken: this broker accepts shared access signatures only.")
        if unquote_plus(unquote_plus(fields["skn"])) != self.name or not self._is_signature(fields):
            raise Unauthorized("InvalidSignature: The token has an invalid signature.")
        expiry = int(fields["se"]) * 1000 if fields["se"].isdecimal() else 0
        if expiry <= now:
            raise Unauthorized("ExpiredToken: The token is expired.")
        if not covers(entity_path(unquote_plus(fields["sr"])), entity_path(audience)):
            raise Unauthorized(f"InvalidAudience: The token is not valid for '{audience}'.")
        return expiry

    def _is_signature(self, fields: dict[str, str]) -> bool:
        signed = f"{fields['sr']}\n{fields['se']}".encode()
        wanted = b64encode(hmac.digest(self.key.encode(), signed, "sha256")).decode()
        return hmac.compare_digest(wanted.encode(), unquote_plus(fields["sig"]).encode())


def entity_path(address: str) -> str:
    """The path of an entity in an address: without scheme and authority, in lower case."""
    _, marker, rest = address.partition("://")
    path = rest.partition("/")[2] if marker else address
    return path.strip("/").lower()


def covers(granted: str, path: str) -> bool:
    """Whether a right on the entity path `granted` includes `path`: the same, or something beneath."""
    return granted in ("", path) or path.startswith(granted + "/")
