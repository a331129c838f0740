"""Letters: changing their case, and telling them from other characters.

Every character is mapped by itself to at most one character, as .NET's invariant culture does, so a text keeps its
length: ß stays ß in capitals, and a final sigma is capitalized but not restored. A letter outside ASCII never becomes
one inside: the Turkish ı and İ keep their form instead of being taken for i and I.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from unicodedata import category

_APOSTROPHES = "'’"
_WITHIN_A_WORD = "LMN"  # letters, marks, numbers; any punctuation, symbol or space ends a word


def upper(text: str) -> str:
    """`text` in capital letters."""
    return "".join(map(_upper, text))


def lower(text: str) -> str:
    """`text` in small letters."""
    return "".join(map(_lower, text))


def title(text: str) -> str:
    """Every word with a capital first letter and small ones after it; words in capitals throughout are kept.

    As .NET's TextInfo.ToTitleCase: a word begins with a letter (so 3rd becomes 3Rd), and what follows an apostrophe is
    small (O'NEIL becomes O'neil). Unlike there the typographic apostrophe counts as one (don’t becomes Don’t).
    """
    done: list[str] = []
    start = 0
    while start < len(text):
        end = _end_of_word(text, start)
        done.append(_title_word(text[start:end]))
        start = end
    return "".join(done)


def is_alphanumeric(character: str) -> bool:
    """Whether `character` is a letter, a decimal digit, or a mark that belongs to a letter."""
    kind = category(character)
    return kind[0] in "LM" or kind == "Nd"


def _one(changed: str, character: str) -> str:
    """The mapping of `character`, unless it would change the length or cross into ASCII."""
    fits = len(changed) == 1 and (character.isascii() or not changed.isascii())
    return changed if fits else character


def _cached(change: Callable[[str], str]) -> Callable[[str], str]:
    return lru_cache(maxsize=4096)(lambda character: _one(change(character), character))


_upper = _cached(str.upper)
_lower = _cached(str.lower)
_title_letter = _cached(str.title)


def _end_of_word(text: str, start: int) -> int:
    """Where the word that begins at `start` ends; a character that begins no word stands alone."""
    end = start + 1
    if not category(text[start]).startswith("L"):
        return end
    while end < len(text) and (category(text[end])[0] in _WITHIN_A_WORD or text[end] in _APOSTROPHES):
        end += 1
    return end


def _title_word(word: str) -> str:
    apostrophe = next((place for place, character in enumerate(word) if character in _APOSTROPHES), len(word))
    first, rest = word[:apostrophe], word[apostrophe:]
    if any(category(character) == "Ll" for character in first):
        first = lower(first)
    return "".join(map(_title_letter, first[:1])) + first[1:] + lower(rest)
