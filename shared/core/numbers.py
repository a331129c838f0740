"""Numbers for new records of tables without a number series of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_LAST_DIGITS = re.compile(r"(\d+)(?!.*\d)")


def increment(number: str) -> str:
    """The next number: the last group of digits plus one, its width kept (Microsoft's IncStr). Raises ValueError."""
    match = _LAST_DIGITS.search(number)
    if match is None:
        raise ValueError(f"{number!r} has no digits to increment")
    digits = match.group()
    return number[: match.start()] + str(int(digits) + 1).zfill(len(digits)) + number[match.end() :]


def free_numbers(first: str, taken: Iterable[str]) -> Iterator[str]:
    """Numbers from `first` on that nobody has, without regard to case."""
    used = {number.upper() for number in taken}
    number = first
    while True:
        if number.upper() not in used:
            yield number
        number = increment(number)
