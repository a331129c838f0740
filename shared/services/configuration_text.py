"""Reading configuration files: YAML 1.2 without its dark corners, or JSON, into plain values with their lines.

Of YAML only what a person writes by hand is taken: mappings, lists and scalars by the rules of the core schema, so that
`no` and `12:30` are texts. Tags, anchors and aliases are refused (an alias of an alias of an alias is how a small file
becomes a huge one), and so are a key that comes twice and nesting without end. The library only cuts the text into
events; nothing of it ever makes an object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

type Path = tuple[str | int, ...]

LARGEST = 1_000_000  # bytes
DEEPEST = 20
MOST = 100_000  # values

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class TextError(Exception):
    """The text cannot be read; the sentence names the line where it is known."""


@dataclass(slots=True)
class Source:
    """What a text says, and in which line each value begins (counted from 1; JSON is read without lines)."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)

    def line_of(self, path: Path) -> int | None:
        """The line of a value, or of the nearest one around it that is there."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path)


def read_text(raw: bytes, *, is_json: bool = False) -> Source:
    """Read a configuration file. Raises TextError."""
    if len(raw) > LARGEST:
        raise TextError(f"The file has {len(raw)} bytes; {LARGEST} are the most.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TextError(f"The file is not UTF-8: byte {error.start} cannot be read.") from None
    source = _read_json(text) if is_json else _read_yaml(text)
    _refuse_half_characters(source.value)
    return source


def _read_json(text: str) -> Source:
    try:
        return Source(json.loads(text, object_pairs_hook=_without_twins, parse_constant=_no_number))
    except json.JSONDecodeError as error:
        raise TextError(f"Line {error.lineno}: no JSON: {error.msg}.") from None
    except ValueError:
        raise TextError("A number in it has thousands of digits.") from None
    except RecursionError:
        raise TextError("It is nested too deeply.") from None


def _refuse_half_characters(value: Any) -> None:
    """Half of a pair of surrogates can be written as an escape, and is no text that could be stored."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise TextError("A text in it has half a character (a lone surrogate).") from None


def _no_number(text: str) -> Any:
    raise TextError(f"{text} is no JSON.")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise TextError(f"The member {next(name for name in names if names.count(name) > 1)} is there twice.")
    return found


def _read_yaml(text: str) -> Source:
    import yaml  # no other request needs it

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    reading = _Reading(iter(yaml.parse(text, Loader=loader)))
    try:
        return reading.document()
    except yaml.MarkedYAMLError as error:
        at = f"Line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise TextError(f"{at}no YAML: {error.problem or error}.") from None
    except yaml.YAMLError as error:
        raise TextError(f"No YAML: {str(error).splitlines()[0]}.") from None


class _Reading:
    """Builds values from the events of a YAML text."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._source = Source()
        self._values = 0

    def document(self) -> Source:
        """The one document of the text; an empty text says nothing."""
        for event in self._events:
            match _kind(event):
                case "StreamStart" | "StreamEnd" | "DocumentStart" | "DocumentEnd":
                    continue
            if self._values:
                raise TextError(f"{_at(event)}there is a second document; one is all.")
            self._source.value = self._value(event, ())
        return self._source

    def _value(self, event: Any, path: Path) -> Any:
        self._refuse_what_is_no_plain_value(event, path)
        self._source.lines.setdefault(path, event.start_mark.line + 1)
        match _kind(event):
            case "MappingStart":
                return self._mapping(path)
            case "SequenceStart":
                return self._list(path)
        return event.value if event.style else _scalar(event.value)

    def _refuse_what_is_no_plain_value(self, event: Any, path: Path) -> None:
        self._values += 1
        if _kind(event) == "Alias" or event.anchor is not None:
            raise TextError(f"{_at(event)}anchors and aliases (& and *) are not taken; write the value out.")
        if event.tag is not None:
            raise TextError(f"{_at(event)}tags (!) are not taken.")
        if len(path) > DEEPEST:
            raise TextError(f"{_at(event)}it is nested too deeply.")
        if self._values > MOST:
            raise TextError(f"{_at(event)}there are more than {MOST} values.")

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while _kind(event := next(self._events)) != "MappingEnd":
            self._refuse_what_is_no_plain_value(event, path)
            if _kind(event) != "Scalar":
                raise TextError(f"{_at(event)}the name of a member must be a text.")
            name = event.value
            if name in found:
                raise TextError(f"{_at(event)}the member {name[:100]} is there twice.")
            self._source.lines[(*path, name)] = event.start_mark.line + 1
            found[name] = self._value(next(self._events), (*path, name))
        return found

    def _list(self, path: Path) -> list[Any]:
        found: list[Any] = []
        while _kind(event := next(self._events)) != "SequenceEnd":
            found.append(self._value(event, (*path, len(found))))
        return found


def _kind(event: Any) -> str:
    return type(event).__name__.removesuffix("Event")


def _at(event: Any) -> str:
    return f"Line {event.start_mark.line + 1}: "


def _scalar(text: str) -> Any:
    """What a scalar without quotes means (YAML 1.2, core schema, without the octal and hexadecimal numbers)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) and not _INTEGER.fullmatch(text) and len(text) < 40 else text
