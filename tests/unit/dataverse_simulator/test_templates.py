"""Rows by a template: what each kind of value gives for a number."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.simulator.templates import template_from
from infra.local.simulator.wrong_body import WrongBodyError


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (7, [7, 7, 7, 7]),
        ("as it is {0}", ["as it is {0}"] * 4),
        ("C{n:03d}", ["C000", "C001", "C002", "C003"]),
        ({"text": "{n}", "divide": 2}, ["0", "0", "1", "1"]),
        ({"text": "{n:02x}", "modulo": 3}, ["00", "01", "02", "00"]),
        ({"text": "{n}", "divide": 2, "modulo": 1}, ["0", "0", "0", "0"]),
        ({"cycle": ["a", None]}, ["a", None, "a", None]),
        ({"number": 10, "step": 5}, [10, 15, 20, 25]),
        ({"number": 0.5}, [0.5, 1.5, 2.5, 3.5]),
        ({"moment": "2025-01-01T00:00:00+01:00"}, ["2024-12-31T23:00:00.000Z"] * 4),
        (
            {"moment": "2025-01-01T00:00:00Z", "step_ms": 500, "modulo": 2},
            ["2025-01-01T00:00:00.000Z", "2025-01-01T00:00:00.500Z"] * 2,
        ),
    ],
)
def test_each_row_follows_from_its_number(value: Any, made: list[Any]) -> None:
    rows = template_from({"one": value, "fixed": "x"}, "values").rows(range(4))
    assert list(rows) == [{"one": one, "fixed": "x"} for one in made]


@pytest.mark.parametrize(
    "value",
    ["{n.x}", "{n:q}", "{n} {m}", {}, {"text": 1}, {"cycle": []}, {"number": 1, "steps": 2}, {"moment": "today"},
     {"text": "{n}", "divide": 0}],
)  # fmt: skip
def test_what_is_no_value_is_refused_by_name(value: Any) -> None:
    with pytest.raises(WrongBodyError, match=r"^values\.one"):
        template_from({"one": value}, "values")
