"""Are both systems in step? Judged by reading both through their own APIs, without the app and what it remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from infra.local.demo.clients import System
from infra.local.demo.reading import READERS, Found


@dataclass(frozen=True)
class Pair:
    """The same record in both systems."""

    business_central: Found
    dataverse: Found

    def differences(self) -> list[str]:
        """The fields whose values are not the same; a field that only one side has says nothing."""
        here, there = self.business_central.values, self.dataverse.values
        return [field for field in here.keys() & there.keys() if _plain(here[field]) != _plain(there[field])]


@dataclass(frozen=True)
class Comparison:
    """One mapping's records laid side by side: `alone` are those that only one system has."""

    mapping: str
    pairs: Mapping[str, Pair]
    alone: Sequence[Found]

    def named(self, name: str) -> tuple[Found | None, Found | None]:
        """The record of this name in Business Central and in Dataverse."""
        for pair in self.pairs.values():
            if pair.business_central.values["name"] == name:
                return pair.business_central, pair.dataverse
        found = next((one for one in self.alone if one.values["name"] == name), None)
        in_dataverse = found is not None and found.table == READERS[self.mapping][1].table
        return (None, found) if in_dataverse else (found, None)

    def complaints(self, exceptions: Collection[str]) -> list[str]:
        """What is not in step, in sentences, but for the records of these names, which cannot be."""
        alone = [found for found in self.alone if found.values["name"] not in exceptions]
        differing = {
            pair.business_central.values["name"]: pair.differences()
            for pair in self.pairs.values()
            if pair.business_central.values["name"] not in exceptions and pair.differences()
        }
        return [
            *(f"{self.mapping}: {one.values['name']} is only in {one.table}." for one in alone),
            *(f"{self.mapping}: {name} differs in {', '.join(fields)}." for name, fields in differing.items()),
        ]


async def compare(mapping: str, business_central: System, dataverse: System) -> Comparison:
    """Read the records of a mapping on both sides and pair them by e-mail address, else by name."""
    here, there = READERS[mapping]
    return lay_side_by_side(mapping, *await asyncio.gather(here.read(business_central), there.read(dataverse)))


def lay_side_by_side(mapping: str, found_here: Sequence[Found], found_there: Sequence[Found]) -> Comparison:
    """Pair the records of Business Central with those of Dataverse."""
    by_mark_here, by_mark_there = _by_mark(found_here), _by_mark(found_there)
    both = by_mark_here.keys() & by_mark_there.keys()
    pairs = {mark: Pair(by_mark_here[mark], by_mark_there[mark]) for mark in sorted(both)}
    paired = {found.id for pair in pairs.values() for found in (pair.business_central, pair.dataverse)}
    return Comparison(mapping, pairs, [one for one in (*found_here, *found_there) if one.id not in paired])


def _by_mark(found: Iterable[Found]) -> dict[str, Found]:
    """A mark that two records share pairs none of them but the first, so that a duplicate is left over and seen."""
    marks: dict[str, Found] = {}
    for one in found:
        marks.setdefault(one.mark, one)
    return marks


def _plain(value: str) -> str:
    """Codes are upper case in Business Central and blanks around a value mean nothing."""
    return " ".join(value.split()).casefold()
