"""Texts as both services and people take them: how long they are, and when they are the same.

Both services keep texts as UTF-16 and count its units, of which an emoji takes two or more; Python counts code points.
People read an accented letter as one letter, whether it is one code point or two.
"""

from __future__ import annotations

import unicodedata

_WITH_HALVES = "surrogatepass"  # half an emoji is no text, yet it has a length


def length_of(text: str) -> int:
    """How many UTF-16 code units a text takes."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", _WITH_HALVES)) // 2


def is_longer(text: str, room: float) -> bool:
    """Whether a text takes more than `room` code units; cheap where it is far from that."""
    return 2 * len(text) > room and length_of(text) > room


def cut(text: str, room: int) -> str:
    """The beginning of a text that fits into `room` code units; no character is cut in half."""
    return text.encode("utf-16-le", _WITH_HALVES)[: 2 * room].decode("utf-16-le", "ignore")


def as_read(text: str) -> str:
    """One spelling for what people read as the same letters."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def without_case(text: str) -> str:
    """The same without regard to case; accents make a difference."""
    return text.lower() if text.isascii() else as_read(as_read(text).casefold())
