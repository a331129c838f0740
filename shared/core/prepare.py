"""Working something out once for an object that many calls bring along: a mapping, a line, a table.

Configuration is frozen, but comparing or hashing it costs more than most of what is worked out from it. So answers are
kept for the very same objects; one that was read anew is worked out anew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

MOST_KEPT = 1000  # answers of one function; those of a few dozen mappings


def once_per_object[*Arguments, R](function: Callable[[*Arguments], R]) -> Callable[[*Arguments], R]:
    """`function`, called once for the same (not: equal) arguments, which must not change.

    The arguments are kept with the answer, so that no other object can come by their identity.
    """
    kept: dict[tuple[int, ...], tuple[object, R]] = {}

    @wraps(function)
    def asked(*arguments: *Arguments) -> R:
        key = tuple(map(id, arguments))
        found = kept.get(key)
        if found is None:
            if len(kept) >= MOST_KEPT:
                kept.clear()
            found = kept[key] = (arguments, function(*arguments))
        return found[1]

    return asked
