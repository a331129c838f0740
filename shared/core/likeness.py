"""How alike two records look: name, e-mail, phone, post code and tax number, each cleaned, compared and weighted.

How alike two texts are is RapidFuzz's to say; it is loaded only when somebody asks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from shared.core.mapping import FieldMapping
from shared.core.mapping import Mapping as TableMapping
from shared.core.sides import Side
from shared.core.tables import Values
from shared.core.transfer import Tables, comparable


class Trait(StrEnum):
    """What a field tells about whom the record means."""

    NAME = "name"
    E_MAIL = "e_mail"
    TAX_NUMBER = "tax_number"
    PHONE = "phone"
    POST_CODE = "post_code"

    @property
    def weight(self) -> int:
        """How much it counts when all traits are known."""
        return _WEIGHTS[self]


_WEIGHTS = {Trait.NAME: 40, Trait.E_MAIL: 30, Trait.TAX_NUMBER: 30, Trait.PHONE: 15, Trait.POST_CODE: 10}
_ENOUGH = 50  # the weight that must be known for a full score: a post code alone says little

_WORDS = {"email": Trait.E_MAIL, "phone": Trait.PHONE, "postalcode": Trait.POST_CODE, "postcode": Trait.POST_CODE}
_WORDS |= {"taxregistration": Trait.TAX_NUMBER, "vatregistration": Trait.TAX_NUMBER}

# fmt: off
_LEGAL_FORMS = frozenset((
    "ab", "ag", "aps", "as", "asa", "bv", "co", "corp", "corporation", "company", "eg", "ek", "gmbh", "inc",
    "incorporated", "kft", "kg", "limited", "llc", "llp", "ltd", "mbh", "nv", "ohg", "oy", "plc", "pte", "pty", "sa",
    "sarl", "sas", "se", "sl", "spa", "srl", "sro", "ug", "und", "and", "the",
))
PUBLIC_MAIL = frozenset((  # a shared domain that tells nothing about whom an address belongs to
    "aol.com", "freenet.de", "gmail.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com", "icloud.com",
    "live.com", "mail.com", "msn.com", "orange.fr", "outlook.com", "proton.me", "protonmail.com", "t-online.de",
    "web.de", "yahoo.com", "yandex.ru",
))
# fmt: on
PHONE_TAIL = 9  # digits: what is left of a number however its country and area code are written
_SHORTEST_PHONE = 6
_POST_CODE_AREA = 3


@dataclass(frozen=True, slots=True)
class TraitField:
    """A field mapping that shows a trait."""

    trait: Trait
    line: FieldMapping


@dataclass(frozen=True, slots=True)
class Profile:
    """A record as far as it is compared: by trait the cleaned values, and beside them how people see them."""

    id: str
    cleaned: Mapping[Trait, tuple[str, ...]]
    shown: Mapping[Trait, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class TraitScore:
    """One line of the explanation: both values, how alike they are (0 to 100), the weight, and the points it gave."""

    trait: Trait
    business_central: str
    dataverse: str
    alike: float
    weight: int
    points: float


def trait_fields(mapping: TableMapping, tables: Tables) -> tuple[TraitField, ...]:
    """The field mappings by which records of a mapping can be compared, recognized by the names of the BC fields."""
    found = []
    for line in mapping.fields:
        if line.business_central and line.dataverse and line.reference is None:
            trait = _trait_of(line.business_central, tables[Side.BUSINESS_CENTRAL].title)
            found += [TraitField(trait, line)] if trait else []
    return tuple(found)


def profile_of(fields: tuple[TraitField, ...], side: Side, record_id: str, values: Values, tables: Tables) -> Profile:
    """What a record of `side` shows of each trait; what is blank, or nothing once cleaned, is left out."""
    cleaned: dict[Trait, tuple[str, ...]] = {}
    shown: dict[Trait, tuple[str, ...]] = {}
    for item in fields:
        text = str(comparable(item.line, side, values, tables[side]) or "").strip()
        clean = _CLEANED[item.trait](text)
        if clean and clean not in cleaned.get(item.trait, ()):
            cleaned[item.trait] = (*cleaned.get(item.trait, ()), clean)
            shown[item.trait] = (*shown.get(item.trait, ()), text)
    return Profile(record_id, cleaned, shown)


def compared(business_central: Profile, dataverse: Profile) -> tuple[TraitScore, ...]:
    """The score of two records, line by line: its points add up to 0 (nothing in common) to 100 (alike in everything).

    Only traits that both records show are compared; as long as they weigh less than 50 together, the rest is missing
    points. Of several values of a trait (two phone numbers) the best pair counts.
    """
    both = [trait for trait in Trait if trait in business_central.cleaned and trait in dataverse.cleaned]
    total = max(_ENOUGH, sum(trait.weight for trait in both))
    return tuple(_score(trait, business_central, dataverse, total) for trait in both)


def _score(trait: Trait, left: Profile, right: Profile, total: int) -> TraitScore:
    alike, at, to = max(
        ((_ALIKE[trait](here, there), at, to) for at, here in enumerate(left.cleaned[trait])
         for to, there in enumerate(right.cleaned[trait])),
        key=lambda found: found[0],
    )  # fmt: skip
    points = alike * trait.weight / total
    return TraitScore(trait, left.shown[trait][at], right.shown[trait][to], alike, trait.weight, points)


def _trait_of(column: str, title: str | None) -> Trait | None:
    if column == title:
        return Trait.NAME
    return next((trait for word, trait in _WORDS.items() if word in column.lower()), None)


def _letters(text: str) -> str:
    """Lower case, without accents, everything but letters and digits as a space."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = (one for one in plain if not unicodedata.combining(one))
    return "".join(one if one.isalnum() else " " for one in kept)


def _clean_name(text: str) -> str:
    words = _letters(text.replace(".", "")).split()
    return " ".join([word for word in words if word not in _LEGAL_FORMS] or words)


def _clean_phone(text: str) -> str:
    digits = "".join(one for one in text if one.isdecimal())
    return digits if len(digits) >= _SHORTEST_PHONE else ""


def _clean_code(text: str) -> str:
    return "".join(_letters(text).split())


_CLEANED: dict[Trait, Callable[[str], str]] = {
    Trait.NAME: _clean_name,
    Trait.E_MAIL: str.casefold,
    Trait.TAX_NUMBER: _clean_code,
    Trait.PHONE: _clean_phone,
    Trait.POST_CODE: _clean_code,
}


def _alike_names(left: str, right: str) -> float:
    return _ratios()[1](left, right)


def _alike_addresses(left: str, right: str) -> float:
    """Two people of one company have its domain in common; a public provider's domain is nothing in common."""
    if left == right:
        return 100.0
    (one, _, domain), (other, _, other_domain) = left.rpartition("@"), right.rpartition("@")
    likeness = _ratios()[0](one, other)
    if domain == other_domain:
        return 0.9 * likeness if domain in PUBLIC_MAIL else 50 + 0.4 * likeness
    return 0.5 * likeness if likeness > 90 else 0.0


def _alike_phones(left: str, right: str) -> float:
    length = min(len(left), len(right), PHONE_TAIL)
    return 100.0 if left[-length:] == right[-length:] else 0.0


def _alike_post_codes(left: str, right: str) -> float:
    if left == right:
        return 100.0
    return 50.0 if left[:_POST_CODE_AREA] == right[:_POST_CODE_AREA] else 0.0


def _alike_tax_numbers(left: str, right: str) -> float:
    """The country's letters in front are written or not."""
    return 100.0 if left == right or left[2:] == right or left == right[2:] else 0.0


_ALIKE: dict[Trait, Callable[[str, str], float]] = {
    Trait.NAME: _alike_names,
    Trait.E_MAIL: _alike_addresses,
    Trait.TAX_NUMBER: _alike_tax_numbers,
    Trait.PHONE: _alike_phones,
    Trait.POST_CODE: _alike_post_codes,
}


@cache
def _ratios() -> tuple[Callable[[str, str], float], Callable[[str, str], float]]:
    """RapidFuzz's likeness of two texts, and of two texts whose words may stand in any order."""
    from rapidfuzz import fuzz

    return fuzz.ratio, fuzz.token_sort_ratio


def block_keys(profile: Profile) -> Iterator[str]:
    """What records that may mean the same have in common: records without a common key are never compared."""
    names = profile.cleaned.get(Trait.NAME, ())
    for name in names:
        for word in name.split():
            yield f"word {word}"
            yield from (f"three {three}" for three in _threes(word))
    for address in profile.cleaned.get(Trait.E_MAIL, ()):
        yield f"mail {address}"
        domain = address.rpartition("@")[2]
        if domain not in PUBLIC_MAIL:
            yield f"domain {domain}"
    for phone in profile.cleaned.get(Trait.PHONE, ()):
        yield f"phone {phone[-_SHORTEST_PHONE:]}"
    for number in profile.cleaned.get(Trait.TAX_NUMBER, ()):
        yield f"tax {number[2:] if number[:2].isalpha() else number}"
    for code in profile.cleaned.get(Trait.POST_CODE, ()):
        yield from (f"place {code} {name[:2]}" for name in names)


def _threes(word: str) -> Iterator[str]:
    """Three letters each, the ends of the word marked: most survive a slip of the pen."""
    marked = f" {word} "
    return (marked[at : at + 3] for at in range(len(marked) - 2))
