"""Parents before children: the order in which mappings are synchronized."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from shared.core.mapping import Mapping


def parents_first(mappings: Iterable[Mapping]) -> list[Mapping]:
    """The mappings sorted so that each comes after those it depends on; names decide between equals.

    Raises ValueError naming the mappings of a cycle. A dependency on a mapping that is not there is ignored.
    """
    by_name = {mapping.name: mapping for mapping in mappings}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name in sorted(by_name):
        sorter.add(name, *sorted(parent for parent in by_name[name].depends_on if parent in by_name))
    try:
        sorter.prepare()
    except CycleError as error:
        raise ValueError(f"mappings depend on each other: {' -> '.join(error.args[1])}") from error
    ordered: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered += ready
        sorter.done(*ready)
    return [by_name[name] for name in ordered]
