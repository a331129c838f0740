"""What a configuration file must be: its members, and each mapping read strictly, every fault with its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from shared.core.check_line import member_of
from shared.core.mapping import Mapping
from shared.core.model import Model
from shared.core.sides import Side

type Path = tuple[str | int, ...]

VERSION = 1
MEMBERS = ("version", "mappings", "tables")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in the file that is not what it must be: where, a stable code, and a sentence."""

    path: Path
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A mapping of the file and where it stands there."""

    path: Path
    mapping: Mapping


class DescribedTable(Model):
    """What the file says of a table that the app does not know by itself: some of its columns, each in words."""

    name: str
    side: Side
    columns: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What could be read of a file, and everything that could not; tables stand by their position."""

    entries: list[Entry]
    tables: dict[int, DescribedTable]
    faults: list[Fault]


def read_configuration(document: Any) -> Configuration:
    """What a file says."""
    faults = [*_faults_of_frame(document)]
    mappings = _read_all(document, "mappings", Mapping, faults)
    entries = [Entry(("mappings", position), mapping) for position, mapping in mappings.items()]
    tables = _read_all(document, "tables", DescribedTable, faults)
    return Configuration(entries, tables, [*faults, *_twins(entries)])


def _read_all[M: Model](document: Any, member: str, model: type[M], faults: list[Fault]) -> dict[int, M]:
    """The entries of a list, by position; the faults of the others are added.

    JSON is read more strictly than values of Python: `yes` is no true, and a number no text.
    """
    listed = document.get(member) if isinstance(document, dict) else None
    found: dict[int, M] = {}
    for position, one in enumerate(listed if isinstance(listed, list) else ()):
        try:
            found[position] = model.model_validate_json(json.dumps(one), strict=True)
        except ValidationError as error:
            faults += _faults_of_entry(error, one, (member, position))
    return found


def _faults_of_frame(document: Any) -> Iterator[Fault]:
    if not isinstance(document, dict):
        yield Fault((), "invalid_value", "The file must have the members version and mappings.")
        return
    for name in document:
        if name not in MEMBERS:
            yield Fault((name,), "unknown_member", f"{name} is unknown; the members are {', '.join(MEMBERS)}.")
    version = document.get("version")
    if version != VERSION or isinstance(version, bool):
        yield Fault(("version",), "invalid_value", f"version must be {VERSION}, which is what this release reads.")
    for name in ("mappings", "tables"):
        if not isinstance(document.get(name, [] if name == "tables" else None), list):
            yield Fault((name,), "invalid_value", f"{name} must be a list.")


def _twins(entries: list[Entry]) -> Iterator[Fault]:
    seen: set[str] = set()
    for entry in entries:
        if entry.mapping.name in seen:
            yield Fault((*entry.path, "name"), "invalid_value", f"{entry.mapping.name} is there twice.")
        seen.add(entry.mapping.name)


def _faults_of_entry(error: ValidationError, one: Any, path: Path) -> Iterator[Fault]:
    """Every fault once: a value that may be one of several types is refused by each of them."""
    told: set[Path] = set()
    for each in error.errors(include_url=False, include_input=False):
        place = _place(one, each["loc"])
        if place not in told:
            told.add(place)
            code = "unknown_member" if each["type"] == "extra_forbidden" else "invalid_value"
            yield Fault((*path, *place), code, _sentence(one, path, place, each))


def _sentence(one: Any, path: Path, place: Path, each: ErrorDetails) -> str:
    """Whose member is what; without a name of its own the mapping is where it stands in the file."""
    name = one.get("name") if isinstance(one, dict) else None
    is_named = isinstance(name, str) and 0 < len(name) <= 20
    member = ".".join(map(str, place if is_named else (*path, *place)))
    return f"{name}: {member} {_words(each)}." if is_named else f"{member} {_words(each)}."


def _place(one: Any, loc: Path) -> Path:
    """The part of a location that is in the file; a missing member is one further, and types of a union are none."""
    place: Path = ()
    for step in loc:
        is_there = (isinstance(one, dict) and step in one) or (
            isinstance(one, list) and isinstance(step, int) and step < len(one)
        )
        if not is_there:
            return (*place, step) if isinstance(one, dict) else place
        place, one = (*place, step), one[step]
    return place


def _words(each: ErrorDetails) -> str:
    match each["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is unknown"
        case "model_type" | "dict_type":
            return "must have members of its own"
        case "tuple_type":
            return "must be a list"
    words = each["msg"].removeprefix("Value error, ").replace("Input should be", "must be").replace("a valid ", "a ")
    return words.replace("a integer", "a whole number").replace("a string", "a text")


def path_of(member: str, mapping: Mapping) -> Path:
    """Where the member that a check names (`fields.displayName`, `dataverse_filter`) stands in the entry."""
    head, _, rest = member.partition(".")
    if head == "fields":
        named = [member_of(line) for line in mapping.fields]
        found = [position for position, name in enumerate(named) if f"{member}.".startswith(f"{name}.")]
        return ("fields", found[0]) if found else ("fields",)
    if head == "templates":
        found = [position for position, one in enumerate(mapping.templates) if f"{rest}.".startswith(f"{one.name}.")]
        return ("templates", found[0]) if found else ("templates",)
    for side in Side:
        if member == f"{side}_filter":
            return (side.value, "filter")
    return tuple(member.split("."))
