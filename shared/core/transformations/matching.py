"""The rules that use regular expressions. Both ignore case, as Microsoft's do."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from shared.core.tables import Value
from shared.core.transformations.expressions import Expression, ExpressionError, compile_expression
from shared.core.transformations.rule import Refusal, TextRule
from shared.core.transformations.texts import Find, Setting

LONGEST_TEXT = 100_000  # characters; each search is linear, but one to the end of the text per match is not
_SUBSTITUTION = re.compile(r"\$(?:(?P<dollar>\$)|(?P<all>&)|(?P<number>\d+)|\{(?P<name>\w+)\}|(?P<other>[`'+_]))")

type _Part = str | tuple[int, ...]  # a text as it is, or the groups of which one takes its place


class RegularExpressionReplace(TextRule):
    """`replace_value` in place of every match of the pattern `find_value`.

    In the replacement `$1`, `${1}` and `${name}` are groups, `$0` and `$&` the match, `$$` a dollar sign. A group that
    the pattern does not have is refused (.NET would write the reference itself). A pattern that matches the empty text
    gives a blank a value.
    """

    type: Literal["Regular Expression - Replace"] = "Regular Expression - Replace"
    find_value: Find
    replace_value: Setting = ""

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        _replacement(self.find_value, self.replace_value)
        return self

    def change(self, text: str) -> str | Refusal:
        if refusal := _unsearchable(text):
            return refusal
        parts = _replacement(self.find_value, self.replace_value)
        done: list[str] = []
        end = 0
        for match in compile_expression(self.find_value).matches(text):
            start, next_end = match.span()
            done.append(text[end:start])
            done.extend(part if isinstance(part, str) else _captured(match, part) for part in parts)
            end = next_end
        return "".join((*done, text[end:]))

    def examples(self) -> tuple[Value, ...]:
        return (self.find_value, self.replace_value)


class RegularExpressionMatch(TextRule):
    """What the groups of the pattern `find_value` captured, in all matches, one after the other; no match is a blank.

    A pattern without groups gives the matches themselves (Microsoft's gives a blank for the first). From the second
    match on Microsoft's also adds the whole match before its groups: here it does not.
    """

    type: Literal["Regular Expression - Match"] = "Regular Expression - Match"
    find_value: Find
    always_loses: ClassVar[bool] = True

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        if compile_expression(self.find_value).captures_repeatedly:
            raise ExpressionError(
                "the regular expression repeats a group, of which only the last round would be taken; "
                "put the repetition inside of the group"
            )
        return self

    def change(self, text: str) -> str | Refusal:
        if refusal := _unsearchable(text):
            return refusal
        expression = compile_expression(self.find_value)
        numbers = [number for _, group in expression.groups for number in group] or [0]
        found = (match.group(number) for match in expression.matches(text) for number in numbers)
        return "".join(part for part in found if part)


def _unsearchable(text: str) -> Refusal | None:
    if len(text) > LONGEST_TEXT:
        return Refusal(
            f"The text has {len(text):,} characters; a regular expression searches {LONGEST_TEXT:,} at most."
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        return Refusal("The text holds half a character (a surrogate by itself), which cannot be searched.")
    return None


def _captured(match: Any, numbers: tuple[int, ...]) -> str:
    """What the group of several parentheses with one name holds: the last of them that took part."""
    return next((match.group(number) for number in reversed(numbers) if match.group(number) is not None), "")


@lru_cache(maxsize=256)
def _replacement(pattern: str, replacement: str) -> tuple[_Part, ...]:
    """The parts of a replacement for matches of the pattern. Raises ExpressionError."""
    expression = compile_expression(pattern)
    parts: list[_Part] = []
    end = 0
    for found in _SUBSTITUTION.finditer(replacement):
        parts += [replacement[end : found.start()], _substitution(expression, found)]
        end = found.end()
    return (*parts, replacement[end:])


def _substitution(expression: Expression, found: re.Match[str]) -> _Part:
    if found["dollar"]:
        return "$"
    if found["all"]:
        return (0,)
    if found["other"]:
        raise ExpressionError(f"the replacement has {found.group()}, which is not supported; a dollar sign is $$")
    numbers = expression.numbers(found["number"] or found["name"])
    if numbers is None:
        raise ExpressionError(
            f"the replacement refers to {found.group()}, and the pattern has no such group; a dollar sign is $$"
        )
    return numbers
