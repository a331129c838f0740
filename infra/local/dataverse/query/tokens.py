"""The words of a filter expression (OData 4.0 ABNF, as far as the service reads it)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.dataverse.errors import wrong_query

_WORD = re.compile(
    r"""(?P<blank>\s+)
      | (?P<string>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"\\]|\\.)*")
      | (?P<guid>[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})
      | (?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s?(?:Z|[+-]\d\d:\d\d)?)?)
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[mMlLdDfF]?)
      | (?P<alias>@\w+)
      | (?P<name>[A-Za-z_][\w.]*)
      | (?P<mark>[()\[\],/:=])""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """One word: its kind (a group of the pattern), its text as written, and where it stood."""

    kind: str
    text: str
    position: int


END = "end"


def tokens_of(text: str, aliases: Mapping[str, str]) -> list[Token]:
    """Cut an expression into words; a parameter alias is replaced by the words of its value.

    Raises Refusal where there is something unreadable.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        found = _WORD.match(text, position)
        if found is None:
            raise _unreadable(text, position)
        kind = found.lastgroup or ""
        if kind == "alias":
            tokens += _of_alias(found[0], aliases, position)
        elif kind != "blank":
            tokens.append(Token(kind, found[0], position))
        position = found.end()
    return tokens


def _of_alias(name: str, aliases: Mapping[str, str], position: int) -> list[Token]:
    if name not in aliases:
        # An alias without a value stands for null (OData 4.0 Part 2, 5.1.1.13).
        return [Token("name", "null", position)]
    return tokens_of(aliases[name], {})


def _unreadable(text: str, position: int) -> Exception:
    if text[position] == "'":
        return wrong_query(f"There is an unterminated literal at position {len(text)} in '{text}'.")
    return wrong_query(f"Syntax error: character '{text[position]}' is not valid at position {position} in '{text}'.")
