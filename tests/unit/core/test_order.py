"""Parents before children."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.mapping import Mapping
from shared.core.order import parents_first
from shared.defaults import standard_mappings
from tests.unit.core.tables import line, mapping


def named(name: str, *parents: str) -> Mapping:
    return mapping(line("a"), name=name, depends_on=parents)


@pytest.mark.parametrize(
    ("mappings", "expected"),
    [
        ([], []),
        ([named("B"), named("A")], ["A", "B"]),
        ([named("A", "B"), named("B")], ["B", "A"]),
        ([named("A", "MISSING")], ["A"]),
        ([named("A", "C"), named("B"), named("C")], ["B", "C", "A"]),
        ([named("D", "B", "C"), named("C", "A"), named("B", "A"), named("A")], ["A", "B", "C", "D"]),
    ],
)
def test_parents_come_first_and_names_decide_between_equals(mappings: list[Mapping], expected: list[str]) -> None:
    assert [each.name for each in parents_first(mappings)] == expected


@pytest.mark.parametrize(
    "mappings", [[named("A", "A")], [named("A", "B"), named("B", "A")], [named("A", "B"), named("B", "C", "A")]]
)
def test_a_circle_is_an_error_that_names_it(mappings: list[Mapping]) -> None:
    if len(mappings[-1].depends_on) == 2:
        mappings = [*mappings, named("C", "A")]
    with pytest.raises(ValueError, match=r"A.* -> .*A|B.* -> .*B|C.* -> .*C"):
        parents_first(mappings)


def test_the_standard_mappings_have_an_order() -> None:
    names = [each.name for each in parents_first(standard_mappings())]
    assert names.index("CURRENCY") < names.index("CUSTOMER") < names.index("CONTACT")
    assert names.index("SALESPEOPLE") < names.index("VENDOR") < names.index("CONTACT")


@given(st.data())
def test_no_child_comes_before_its_parent(data: st.DataObject) -> None:
    names = data.draw(st.permutations("ABCDE"))
    chosen = [named(name, *data.draw(st.sets(st.sampled_from(names[:at] or ("Z",))))) for at, name in enumerate(names)]
    order = [each.name for each in parents_first(data.draw(st.permutations(chosen)))]
    assert sorted(order) == sorted(names)
    for each in chosen:
        assert all(order.index(parent) < order.index(each.name) for parent in each.depends_on if parent in order)
