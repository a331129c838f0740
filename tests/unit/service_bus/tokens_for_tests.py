"""Shared access signatures, made as "Service Bus access control with shared access signatures" describes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from urllib.parse import quote_plus


def signed(
    resource: str, *, key: str = "SAS_KEY_VALUE", name: str = "RootManageSharedAccessKey", seconds: int = 86_400
) -> str:
    """A token for `resource` that is valid for some seconds from now."""
    encoded, expiry = quote_plus(resource), int(time.time()) + seconds
    digest = hmac.new(key.encode(), f"{encoded}\n{expiry}".encode(), hashlib.sha256).digest()
    signature = quote_plus(base64.b64encode(digest))
    return f"SharedAccessSignature sr={encoded}&sig={signature}&se={expiry}&skn={name}"
