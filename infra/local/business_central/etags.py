"""Etags: opaque to clients, made from the version of a row, and only ever in bodies."""

from __future__ import annotations

import re
from binascii import b2a_base64

_TAG = re.compile(r'W/"[A-Za-z0-9+/=]+"')


def etag(version: int) -> str:
    """The tag of a version: `W/"<base64 of '20;<number>1;00;'>"`."""
    return f'W/"{b2a_base64(b"'20;%020d1;00;'" % version, newline=False).decode()}"'


def is_etag(text: str) -> bool:
    """Tell whether an If-Match value can be read: `*` or one tag."""
    return text.strip() == "*" or bool(_TAG.fullmatch(text.strip()))
