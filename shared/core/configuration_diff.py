"""How two versions of a mapping differ: member by member, lines and templates by what people call them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from shared.core.mapping import FieldMapping, Mapping


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A member that differs, by its path (`fields.displayName.enabled`), and both values as JSON; None: not there."""

    member: str
    before: Any
    after: Any


def differences(before: Mapping | None, after: Mapping | None) -> tuple[MemberChange, ...]:
    """What differs; for a mapping that is new or gone, every member that is not as it is by default."""
    is_whole = before is None or after is None
    old, new = (described(one, short=is_whole) if one else {} for one in (before, after))
    return (*_walk("", old, new), *_moved(before, after))


def described(mapping: Mapping, *, short: bool = False) -> dict[str, Any]:
    """The mapping as JSON, with its lines and templates by name; `short` leaves out what is so by default."""
    whole = mapping.model_dump(mode="json", exclude_defaults=short)
    whole["fields"] = dict(zip(line_names(mapping.fields), whole["fields"], strict=True))
    if mapping.templates:
        whole["templates"] = {template["name"]: template for template in whole["templates"]}
    return {name: value for name, value in whole.items() if name != "templates" or value}


def line_names(lines: Iterable[FieldMapping]) -> list[str]:
    """What each line is called; of several with the same fields the later ones are numbered."""
    names, seen = [], Counter[str]()
    for line in lines:
        seen[line.caption] += 1
        names.append(line.caption if seen[line.caption] == 1 else f"{line.caption} ({seen[line.caption]})")
    return names


def _walk(path: str, before: Any, after: Any) -> Iterator[MemberChange]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            yield from _walk(f"{path}.{name}" if path else name, before.get(name), after.get(name))
    elif before != after:
        yield MemberChange(path, before, after)


def _moved(before: Mapping | None, after: Mapping | None) -> Iterator[MemberChange]:
    """The order of the lines, where those that both have stand in another one: it is the order of writing."""
    if before is None or after is None:
        return
    old, new = line_names(before.fields), line_names(after.fields)
    if [name for name in old if name in new] != [name for name in new if name in old]:
        yield MemberChange("fields", old, new)
