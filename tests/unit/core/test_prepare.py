"""What is worked out once per object."""

from __future__ import annotations

from shared.core.prepare import MOST_KEPT, once_per_object
from tests.unit.core.tables import line


def test_the_same_objects_are_asked_about_once_and_equal_ones_anew() -> None:
    calls: list[str] = []

    @once_per_object
    def caption(field: object, prefix: str) -> str:
        calls.append(prefix)
        return f"{prefix}{field}"

    first, second = line("a"), line("a")
    assert first == second
    assert caption(first, "x") is caption(first, "x")
    assert calls == ["x"]
    assert caption(second, "x") == caption(first, "x")
    assert caption(first, "y") != caption(first, "x")
    assert calls == ["x", "x", "y"]


def test_objects_that_nobody_holds_any_more_lend_their_place_to_no_other() -> None:
    """An identity is free again when its object is gone; a kept answer must not be given for the next one there."""

    @once_per_object
    def content(box: list[int]) -> int:
        return box[0]

    assert [content([number]) for number in range(2 * MOST_KEPT)] == list(range(2 * MOST_KEPT))
