"""The words of a statement in SQL, read one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable

from infra.local.dataverse.errors import Refusal, not_allowed

_WORD = re.compile(r"\s*(N?'(?:[^']|'')*'|\[[^\]]+\]|[A-Za-z_]\w*|-?\d+(?:\.\d+)?|<>|!=|<=|>=|[=<>(),.*])")


class Words:
    """Where a reader stands in a statement. Words are compared without case."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words = _words(text)
        self._next = 0

    def listed[T](self, read: Callable[[], T]) -> list[T]:
        """Answer things divided by commas."""
        found = [read()]
        while self.takes(","):
            found.append(read())
        return found

    def number(self) -> int:
        """Take a whole number."""
        word = self.take()
        if not word.isdigit():
            raise self.wrong()
        return int(word)

    def value(self) -> str:
        """Take a constant, without its quotes."""
        word = self.take()
        return word[word.index("'") + 1 : -1].replace("''", "'") if word.endswith("'") else word

    def peek(self, ahead: int = 0) -> str:
        """Answer a coming word in upper case, nothing at the end."""
        index = self._next + ahead
        return self._words[index].upper() if index < len(self._words) else ""

    def take(self) -> str:
        """Take the next word as it is written."""
        if self._next >= len(self._words):
            raise self.wrong()
        self._next += 1
        return self._words[self._next - 1].strip("[]")

    def takes(self, word: str) -> bool:
        """Take the next word if it is this one."""
        if self.peek() == word:
            self._next += 1
            return True
        return False

    def expect(self, word: str) -> None:
        """Take this word; raises Refusal for another one."""
        if not self.takes(word):
            raise self.wrong()

    def wrong(self) -> Refusal:
        """Answer the refusal of the next word."""
        return not_allowed(f"Incorrect syntax near '{self.peek() or 'the end'}' in '{self._text}'.")


def _words(text: str) -> list[str]:
    words = []
    position = 0
    text = text.strip().rstrip(";").rstrip()
    while position < len(text):
        found = _WORD.match(text, position)
        if found is None:
            raise not_allowed(f"Incorrect syntax near '{text[position : position + 10]}'.")
        words.append(found[1])
        position = found.end()
    return words
