"""Invented companies and people of many countries and scripts, the same for the same seed and index.

`company` and `person` are pure: row 41,307 of seed 7 is the same on every machine and in every order, it takes some
microseconds, and nothing has to be kept. All names are put together from the words of `people_words.toml`; whoever they
seem to name does not exist. E-mail addresses and web sites end in `.example`, which no one can own.

Company names are different from each other for one seed up to 100,000 indexes, e-mail addresses for all. People may
share a name, as they do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from infra.local.people_words import Home, Place, Word, load_homes

_HOMES = load_homes()

COUNTRIES: dict[str, str] = {home.code: home.name for home in _HOMES}
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
    """A person. No name holds a blank, so a full name falls apart into the same three; `middle_name` may be empty."""

    first_name: str
    middle_name: str
    last_name: str
    job_title: str
    phone: str
    mobile: str
    email: str


def company(seed: int, index: int) -> Company:
    """The company of this index. Lengths fit Business Central: name and address 100, city and phone 30, e-mail 80."""
    draw = _drawing(seed, index, 1)
    home = _one(_HOMES, draw)
    family, mark, trade, legal, place = _name_parts(home, seed, index)
    domain = f"{family.plain}-{mark.plain}-{index}.{home.code.lower()}.example"
    name = home.company_format.format(
        family=family.native, mark=mark.native, trade=trade.native, city=place.city, legal=legal
    )
    return Company(
        name=name,
        address_line1=home.street_format.format(street=_one(home.streets, draw), number=1 + draw(180)),
        address_line2=_one(home.line2, draw) if draw(4) == 0 else "",
        city=place.city,
        state=place.state,
        postal_code=_one(place.postal_codes, draw),
        country=home.code,
        phone=_number(home.phone, draw),
        email=f"info@{domain}",
        website=f"https://www.{domain}",
    )


def person(seed: int, index: int) -> Person:
    """The person of this index; of eight, five have a middle name and two a double family name where that is usual."""
    draw = _drawing(seed, index, 2)
    home = _one(_HOMES, draw)
    given, family = _one(home.given, draw), _one(home.family, draw)
    middle, last = "", family.native
    kind = draw(8) if home.middle_names else 0
    if kind > 2:
        other = _one(home.given, draw).native
        middle = other if other != given.native else ""
    elif kind > 0:
        last = f"{last}-{_one(home.family, draw).native}"
    return Person(
        first_name=given.native,
        middle_name=middle,
        last_name=last,
        job_title=_one(home.titles, draw),
        phone=_number(home.phone, draw),
        mobile=_number(home.mobile, draw),
        email=f"{given.plain}.{family.plain}.{index}@post.{home.code.lower()}.example",
    )


def _name_parts(home: Home, seed: int, index: int) -> tuple[Word, Word, Word, str, Place]:
    """Walk through all combinations of a company name in big steps, so that none comes twice before all came once."""
    rest = (index * home.stride + _mixed(seed)) % home.company_names
    rest, family = divmod(rest, len(home.family))
    rest, mark = divmod(rest, len(home.marks))
    rest, trade = divmod(rest, len(home.trades))
    place, legal = divmod(rest, len(home.legal))
    return home.family[family], home.marks[mark], home.trades[trade], home.legal[legal], home.places[place]


_MASK = (1 << 64) - 1


def _mixed(number: int) -> int:
    """Spread a number over 64 bits: the finalizer of the SplitMix64 generator."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)


def _drawing(seed: int, index: int, stream: int) -> Draw:
    """Independent draws for one row; `stream` keeps companies and people of one index apart."""
    state = pool = _mixed(_mixed(seed * 4 + stream) ^ index)

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
