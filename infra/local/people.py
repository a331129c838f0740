"""Invented companies and people of many countries and scripts, the same for the same seed and index.

`company` and `person` are pure: row 41,307 of seed 7 is the same on every machine, in every order, in some microseconds, and
nothing has to be kept. All names are put together from the words of `people_words.py`; whoever they seem to name does not exist.
E-mail addresses and web sites end in `.example`, which no one can own.

Company names are different from each other for one seed up to 100,000 indexes, e-mail addresses for all. People may share a name,
as they do.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from infra.local.people_words import COUNTRY_LIST, LANGUAGES, Country

COUNTRIES: dict[str, str] = {country.code: country.name for country in COUNTRY_LIST}
"""The countries that companies live in: ISO code to English name."""

Draw = Callable[[int], int]
"""Gives a number from 0 up to, not including, its argument."""


@dataclass(frozen=True, slots=True)
class Company:
    """A company: `country` is an ISO code of `COUNTRIES`; `address_line2` and `state` may be empty."""

    name: str
    address_line1: str
    address_line2: str
    city: str
    state: str
    postal_code: str
    country: str
    phone: str
    email: str
    website: str


@dataclass(frozen=True, slots=True)
class Person:
    """A person: no name holds a blank, so that a full name falls apart again into the same three; `middle_name` may be empty."""

    first_name: str
    middle_name: str
    last_name: str
    job_title: str
    phone: str
    mobile: str
    email: str


def company(seed: int, index: int) -> Company:
    """The company of this index: lengths fit Business Central (name 100, address 100/50, city 30, phone 30, e-mail 80)."""
    draw = _drawing(seed, index, 1)
    home = _HOMES[draw(len(_HOMES))]
    family, mark, trade, legal, place = home.name_parts(seed, index)
    domain = f"{family.plain}-{mark.plain}-{index}.{home.country.code.lower()}.example"
    return Company(
        name=home.company_format.format(
            family=family.native, mark=mark.native, trade=trade.native, city=place.city, legal=legal
        ),
        address_line1=home.street_format.format(street=_one(home.streets, draw), number=1 + draw(180)),
        address_line2=_one(home.line2, draw) if draw(4) == 0 else "",
        city=place.city,
        state=place.state,
        postal_code=_one(place.postal_codes, draw),
        country=home.country.code,
        phone=_number(home.country.phone, draw),
        email=f"info@{domain}",
        website=f"https://www.{domain}",
    )


def person(seed: int, index: int) -> Person:
    """The person of this index."""
    draw = _drawing(seed, index, 2)
    home = _HOMES[draw(len(_HOMES))]
    given, family = _one(home.given, draw), _one(home.family, draw)
    middle, last = "", family.native
    kind = draw(8) if home.middle_names else 0  # of eight, five have a middle name, two a double family name
    if kind > 2:
        middle = _one(home.given, draw).native
    elif kind > 0:
        last = f"{last}-{_one(home.family, draw).native}"
    return Person(
        first_name=given.native,
        middle_name=middle,
        last_name=last,
        job_title=_one(home.titles, draw),
        phone=_number(home.country.phone, draw),
        mobile=_number(home.country.mobile, draw),
        email=f"{given.plain}.{family.plain}.{index}@post.{home.country.code.lower()}.example",
    )


@dataclass(frozen=True, slots=True)
class _Word:
    native: str
    plain: str


@dataclass(frozen=True, slots=True)
class _Place:
    city: str
    state: str
    postal_codes: tuple[str, ...]


class _Home:
    """A country with its words taken apart, once, for quick use."""

    def __init__(self, country: Country) -> None:
        language = LANGUAGES[country.language]
        self.country = country
        self.given, self.family = _words(language.given), _words(language.family)
        self.marks, self.trades = _words(language.marks), _words(language.trades)
        self.legal, self.titles = tuple(language.legal.split("|")), tuple(language.titles.split("|"))
        self.streets, self.line2 = tuple(language.streets.split("|")), tuple(language.line2.split("|"))
        self.company_format, self.street_format = language.company, language.street
        self.middle_names = language.middle_names
        self.places = tuple(map(_place, country.places.split(";")))
        parts = (self.family, self.marks, self.trades, self.legal, self.places)
        self.names = math.prod(map(len, parts))
        self.stride = _stride(self.names)

    def name_parts(self, seed: int, index: int) -> tuple[_Word, _Word, _Word, str, _Place]:
        """The parts of a company's name: a walk through all combinations in big steps, so none comes twice too early."""
        rest = (index * self.stride + _mixed(seed)) % self.names
        rest, family = divmod(rest, len(self.family))
        rest, mark = divmod(rest, len(self.marks))
        rest, trade = divmod(rest, len(self.trades))
        place, legal = divmod(rest, len(self.legal))
        return self.family[family], self.marks[mark], self.trades[trade], self.legal[legal], self.places[place]


_MASK = (1 << 64) - 1


def _mixed(number: int) -> int:
    """Spread a number over 64 bits: the finalizer of the SplitMix64 generator."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)


def _drawing(seed: int, index: int, stream: int) -> Draw:
    """Independent draws for one row; `stream` keeps companies and people of one index apart."""
    state = _mixed(_mixed(seed * 4 + stream) ^ index)
    pool = state

    def draw(below: int) -> int:
        nonlocal state, pool
        if pool < below << 16:  # too little left for an even draw
            state = pool = _mixed(state)
        pool, drawn = divmod(pool, below)
        return drawn

    return draw


def _one[T](choices: tuple[T, ...], draw: Draw) -> T:
    return choices[draw(len(choices))]


def _number(pattern: str, draw: Draw) -> str:
    drawn = draw(10**8)
    digits = []
    for character in pattern:
        if character == "#":
            drawn, digit = divmod(drawn, 10)
            character = str(digit)
        digits.append(character)
    return "".join(digits)


def _words(text: str) -> tuple[_Word, ...]:
    first, _, second = text.partition(" + ")
    words = tuple(map(_word, first.split()))
    endings = tuple(map(_word, second.split())) or (_Word("", ""),)
    return tuple(_Word(word.native + end.native, word.plain + end.plain) for word in words for end in endings)


_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "ł": "l", "Ł": "L", "ö": "oe", "ä": "ae", "ü": "ue", "-": ""}
)


def _word(text: str) -> _Word:
    native, _, plain = text.partition(":")
    if not plain:
        decomposed = unicodedata.normalize("NFKD", native.translate(_LETTERS))
        plain = "".join(character for character in decomposed if character.isascii()).lower()
    return _Word(native, plain)


def _place(text: str) -> _Place:
    city, state, codes = text.split("|")
    return _Place(city, state, tuple(codes.split(",")))


def _stride(size: int) -> int:
    """A step near the golden section of `size` that visits every number below it."""
    step = int(size * 0.618)
    while math.gcd(step, size) != 1:
        step += 1
    return step


_HOMES: tuple[_Home, ...] = tuple(map(_Home, COUNTRY_LIST))
