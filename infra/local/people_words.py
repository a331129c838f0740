"""The words of `people_words.toml`, taken apart once for quick use: how people and companies are called, by country."""

from __future__ import annotations

import math
import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("people_words.toml")


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is written where it is spoken, and as an e-mail address writes it."""

    native: str
    plain: str


@dataclass(frozen=True, slots=True)
class Place:
    """A city with post codes that are in use there; `state` may be empty."""

    city: str
    state: str
    postal_codes: tuple[str, ...]


@dataclass(frozen=True)
class Home:
    """A country, its places and the words of its language. `company_format` and `street_format` put them together."""

    code: str
    name: str
    phone: str
    mobile: str
    places: tuple[Place, ...]
    given: tuple[Word, ...]
    family: tuple[Word, ...]
    marks: tuple[Word, ...]
    trades: tuple[Word, ...]
    legal: tuple[str, ...]
    titles: tuple[str, ...]
    streets: tuple[str, ...]
    line2: tuple[str, ...]
    company_format: str
    street_format: str
    middle_names: bool
    company_names: int
    """How many different company names these words make."""
    stride: int
    """A step near the golden section of `company_names` that visits every number below it."""


def load_homes() -> tuple[Home, ...]:
    """Every country of the file, in its order."""
    data = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    languages = data["languages"]
    return tuple(_home(code, country, languages[country["language"]]) for code, country in data["countries"].items())


def _home(code: str, country: dict[str, Any], language: dict[str, Any]) -> Home:
    # Any: keyword arguments of two kinds of list, told apart by their names only
    lists: dict[str, Any] = {name: _words(language[name]) for name in ("given", "family", "marks", "trades")}
    lists |= {name: tuple(language[name]) for name in ("legal", "titles", "streets", "line2")}
    lists["places"] = tuple(map(_place, country["places"]))
    names = math.prod(len(lists[name]) for name in ("family", "marks", "trades", "legal", "places"))
    return Home(
        code=code,
        name=country["name"],
        phone=country["phone"],
        mobile=country["mobile"],
        **lists,
        company_format=language.get("company", "{family} {mark} {trade} {city} {legal}"),
        street_format=language.get("street", "{street} {number}"),
        middle_names=language.get("middle_names", True),
        company_names=names,
        stride=_stride(names),
    )


def _words(text: str) -> tuple[Word, ...]:
    first, _, second = text.partition("+")
    words = tuple(map(_word, first.split()))
    endings = tuple(map(_word, second.split())) or (Word("", ""),)
    return tuple(Word(word.native + end.native, word.plain + end.plain) for word in words for end in endings)


_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "ł": "l", "Ł": "L", "ö": "oe", "ä": "ae", "ü": "ue", "-": ""}
)


def _word(text: str) -> Word:
    native, _, plain = text.partition(":")
    if not plain:
        decomposed = unicodedata.normalize("NFKD", native.translate(_LETTERS))
        plain = "".join(character for character in decomposed if character.isascii()).lower()
    return Word(native, plain)


def _place(text: str) -> Place:
    city, state, codes = text.split("|")
    return Place(city, state, tuple(codes.split(",")))


def _stride(size: int) -> int:
    step = int(size * 0.618)
    while math.gcd(step, size) != 1:
        step += 1
    return step
