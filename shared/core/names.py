"""Business Central's rule for taking a person's name apart and putting it together.

The standard contact API has the whole name only (displayName); Dataverse has first, middle and last name. Source: table
Contact, which splits the name on validation: the last word is the surname, the last but one of three or more is the
middle name, the rest is the first name; a single word is a first name.
"""

from __future__ import annotations

from typing import NamedTuple


class PersonName(NamedTuple):
    """The three parts; a missing one is None."""

    first: str | None
    middle: str | None
    last: str | None


def split_name(whole: str | None) -> PersonName:
    """The parts Business Central makes of a display name."""
    words = (whole or "").split()
    if len(words) <= 1:
        return PersonName(words[0] if words else None, None, None)
    *rest, last = words
    middle = rest.pop() if len(rest) > 1 else None
    return PersonName(" ".join(rest), middle, last)


def join_name(first: str | None, middle: str | None, last: str | None) -> str | None:
    """The display name Business Central makes of the parts, single blanks between the words."""
    return " ".join(word for part in (first, middle, last) for word in (part or "").split()) or None
