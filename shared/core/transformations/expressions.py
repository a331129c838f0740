"""Regular expressions as Microsoft's rules write them (.NET), run by RE2 in time linear in the text.

`compile_expression` translates: classes such as `\\d` and `\\w` cover every script, groups are numbered as .NET does
(unnamed ones first), a name may stand twice. What a linear engine cannot do is refused in a sentence: looking around,
references back, conditions, atomic groups. Two differences remain: `\\b` knows ASCII words only, and `$` does not match
before a line break at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_REFUSED = {
    "(?=": "a look ahead",
    "(?!": "a look ahead",
    "(?<=": "a look behind",
    "(?<!": "a look behind",
    "(?>": "an atomic group",
    "(?(": "a condition",
    "(?#": "a comment",
}
_GROUP_NAME = re.compile(r"\(\?(?:<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')")
_FLAGS = re.compile(r"\(\?[ims]*(?:-[ims]+)?([:)])")
_REPETITION = re.compile(r"[*+]|\{(?!0?,?[01]\})\d+(?:,\d*)?\}")
_CODE_POINT = re.compile(r"u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})")
_PROPERTY = re.compile(r"[pP]\{\w+\}")
_CLASSES = {"d": r"\p{Nd}", "w": r"\p{L}\p{Mn}\p{Nd}\p{Pc}", "s": r"\t\n\v\f\r\x{85}\p{Z}"}
_SAME_IN_BOTH = "bBAzabtnrfv"


class ExpressionError(ValueError):
    """The pattern or its replacement cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A pattern ready to be used.

    `groups` are the captures in .NET's order: of each its name, if any, and the numbers that the engine gives to the
    parentheses that fill it. `captures_repeatedly`: a capture stands inside a repetition, where the engine remembers
    the last round only and .NET all.
    """

    engine: Any
    groups: tuple[tuple[str | None, tuple[int, ...]], ...]
    captures_repeatedly: bool

    def matches(self, text: str) -> Iterator[Any]:
        """All matches from left to right, without regard to case. Each has `span()` and `group(number)`."""
        last = None
        for match in self.engine.finditer(text):
            if match.span() != last:  # the engine finds an empty match at the end of the text twice
                yield match
            last = match.span()

    def numbers(self, reference: str) -> tuple[int, ...] | None:
        """What a replacement means by `reference` (a number or a name), or None when there is no such group."""
        if reference.isdecimal():
            number = int(reference)
            if number == 0:
                return (0,)
            return self.groups[number - 1][1] if number <= len(self.groups) else None
        return next((numbers for name, numbers in self.groups if name == reference), None)


@lru_cache(maxsize=256)
def compile_expression(pattern: str) -> Expression:
    """Translate and compile a .NET pattern. Raises ExpressionError."""
    import re2  # type: ignore[import-untyped]  # few mappings need it, and every cold start would pay for it

    translation = _Translation(pattern)
    options = re2.Options()
    options.case_sensitive = False  # Microsoft's rules ignore case
    options.log_errors = False
    try:
        engine = re2.compile(translation.text, options=options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise ExpressionError(f"the regular expression cannot be used: {reason}") from None
    return Expression(engine, _numbered(translation.names), translation.captures_repeatedly)


def _numbered(names: list[str | None]) -> tuple[tuple[str | None, tuple[int, ...]], ...]:
    named: dict[str, tuple[int, ...]] = {}
    unnamed: list[tuple[None, tuple[int, ...]]] = []
    for number, name in enumerate(names, start=1):
        if name is None:
            unnamed.append((None, (number,)))
        else:
            named[name] = (*named.get(name, ()), number)
    return (*unnamed, *named.items())


class _Translation:
    """One pass over a .NET pattern: `text` is what RE2 reads, `names` the name of each capture from left to right."""

    def __init__(self, pattern: str) -> None:
        self.names: list[str | None] = []
        self.captures_repeatedly = False
        self._pattern = pattern
        self._place = 0
        self._open: list[int] = []  # per open parenthesis: how many captures stood before it
        self.text = "".join(self._pieces())

    def _pieces(self) -> Iterator[str]:
        readers = {"\\": self._escape, "[": self._set, "(": self._group, ")": self._close}
        while self._place < len(self._pattern):
            reader = readers.get(self._pattern[self._place])
            yield reader() if reader else self._take(1)

    def _take(self, count: int) -> str:
        piece = self._pattern[self._place : self._place + count]
        self._place += count
        return piece

    def _group(self) -> str:
        before = len(self.names)
        if not self._pattern.startswith("(?", self._place):
            self.names.append(None)
            self._open.append(before)
            return self._take(1)
        for start, construct in _REFUSED.items():
            if self._pattern.startswith(start, self._place):
                raise ExpressionError(f"the regular expression has {construct}, {start}, which is not supported")
        if named := _GROUP_NAME.match(self._pattern, self._place):
            self._take(len(named.group()))
            self.names.append(named[1] or named[2])
            self._open.append(before)
            return "("
        if flags := _FLAGS.match(self._pattern, self._place):
            if flags[1] == ":":
                self._open.append(before)
            return self._take(len(flags.group()))
        construct = self._pattern[self._place : self._place + 4]
        raise ExpressionError(f"the regular expression has {construct}, which is not supported")

    def _close(self) -> str:
        before = self._open.pop() if self._open else 0
        piece = self._take(1)
        if len(self.names) > before and _REPETITION.match(self._pattern, self._place):
            self.captures_repeatedly = True
        return piece

    def _escape(self) -> str:
        letter = self._pattern[self._place + 1 : self._place + 2]
        if letter.lower() in _CLASSES:
            self._take(2)
            return f"[{'^' if letter.isupper() else ''}{_CLASSES[letter.lower()]}]"
        if letter == "Z":
            self._take(2)
            return r"\z"
        if letter and letter in _SAME_IN_BOTH:
            return self._take(2)
        return self._character()

    def _character(self) -> str:
        """An escape that stands for one character, or for a Unicode category."""
        self._take(1)
        if point := _CODE_POINT.match(self._pattern, self._place):
            self._take(len(point.group()))
            return rf"\x{{{point[1] or point[2]}}}"
        if kind := _PROPERTY.match(self._pattern, self._place):
            return "\\" + self._take(len(kind.group()))
        letter = self._take(1)
        if letter == "e":
            return r"\x1b"
        if not letter:
            raise ExpressionError("the regular expression ends with a backslash")
        if letter == "k" or letter in "123456789":
            raise ExpressionError(f"the regular expression refers back to a group, \\{letter}, which is not supported")
        if letter.isascii() and letter.isalnum():
            raise ExpressionError(f"the regular expression has \\{letter}, which is not supported")
        return f"\\{letter}" if letter.isascii() else letter

    def _set(self) -> str:
        """A set of characters. RE2 knows no `\\W` or `\\S` of all scripts within one: they become alternatives."""
        self._take(1)
        negated = self._pattern.startswith("^", self._place)
        start = "[" + self._take(int(negated))
        members: list[str] = []
        others: list[str] = []
        while (first := self._pattern[self._place : self._place + 1]) != "]" or not (members or others):
            if not first:
                raise ExpressionError("the regular expression has a [ without its ]")
            if self._pattern.startswith("-[", self._place):
                raise ExpressionError("the regular expression takes one set from another, -[, which is not supported")
            piece, is_complement = self._member()
            (others if is_complement else members).append(piece)
        self._take(1)
        if negated and others:
            raise ExpressionError(r"the regular expression has \D, \W or \S within [^ ], which is not supported")
        own = [f"{start}{''.join(members)}]"] if members else []
        return own[0] if own and not others else f"(?:{'|'.join([*own, *others])})"

    def _member(self) -> tuple[str, bool]:
        """One member of a set, and whether it is the complement of a class."""
        if self._pattern[self._place] != "\\":
            piece = self._take(1)
            return (f"\\{piece}" if piece == "[" else piece), False
        letter = self._pattern[self._place + 1 : self._place + 2]
        if letter in ("D", "W", "S"):
            return self._escape(), True
        if letter in ("d", "w", "s"):
            self._take(2)
            return _CLASSES[letter], False
        if letter == "b":  # within a set: backspace
            self._take(2)
            return r"\x08", False
        if letter and letter in "atnrfv":
            return self._take(2), False
        return self._character(), False
