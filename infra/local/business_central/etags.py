"""Etags: opaque to clients, made from the version of a row, and only ever in bodies."""

from __future__ import annotations

import base64
import re

_TAG = re.compile(r'W/"[A-Za-z0-9+/=]+"')


def etag(version: int) -> str:
    """The tag of a version: `W/"<base64 of '20;<number>1;00;'>"`."""
    return f'W/"{base64.b64encode(b"'20;%020d1;00;'" % version).decode()}"'


def is_etag(text: str) -> bool:
    """Tell whether an If-Match value can be read: `*` or one tag."""
    return text.strip() == "*" or bool(_TAG.fullmatch(text.strip()))
