"""Suggestions: what looks alike, why, and that it is found among many without comparing all with all."""

from __future__ import annotations

import random
import time

import pytest

from shared.core.likeness import Trait, trait_fields
from shared.core.mapping import FieldMapping, Mapping, MappingTable
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.suggestions import LARGEST_BLOCK, Suggestion, SuggestionIndex
from shared.core.tables import Column, Table
from tests.unit.core.tables import BC, BOTH_WAYS, DV

COLUMNS = {
    "displayName": "name",
    "email": "emailaddress1",
    "phoneNumber": "telephone1",
    "mobilePhoneNumber": "mobilephone",
    "postalCode": "address1_postalcode",
    "taxRegistrationNumber": "taxnumber",
    "city": "address1_city",
}


def _table(side: Side, title: str, columns: list[str]) -> Table:
    made = tuple(Column(name=name) for name in columns)
    return Table(name=side, side=side, caption=side, entity_set=side, key="id", title=title, columns=made)


TABLES = {BC: _table(BC, "displayName", list(COLUMNS)), DV: _table(DV, "name", list(COLUMNS.values()))}
CUSTOMER = Mapping(
    name="CUSTOMER",
    business_central=MappingTable(table=BC),
    dataverse=MappingTable(table=DV),
    direction=BOTH_WAYS,
    fields=tuple(FieldMapping(business_central=here, dataverse=(there,)) for here, there in COLUMNS.items()),
)
FIELDS = trait_fields(CUSTOMER, TABLES)
SHORT = {"name": "displayName", "mail": "email", "phone": "phoneNumber", "mobile": "mobilePhoneNumber",
         "place": "postalCode", "tax": "taxRegistrationNumber", "city": "city"}  # fmt: skip


def bc(id: str, **shown: str | None) -> Record:
    return Record(id, {SHORT[name]: text for name, text in shown.items()})


def dv(id: str, **shown: str | None) -> Record:
    return Record(id, {COLUMNS[SHORT[name]]: text for name, text in shown.items()})


def index_of(*rows: Record) -> SuggestionIndex:
    index = SuggestionIndex(FIELDS, TABLES)
    index.add(rows)
    return index


def suggested(record: Record, *rows: Record, least: float = 0.0) -> tuple[Suggestion, ...]:
    return index_of(*rows).suggest(record, least=least)


def test_fields_are_recognized_by_their_names() -> None:
    assert [(item.trait, item.line.caption) for item in FIELDS] == [
        (Trait.NAME, "displayName"),
        (Trait.E_MAIL, "email"),
        (Trait.PHONE, "phoneNumber"),
        (Trait.PHONE, "mobilePhoneNumber"),
        (Trait.POST_CODE, "postalCode"),
        (Trait.TAX_NUMBER, "taxRegistrationNumber"),
    ]


@pytest.mark.parametrize(
    ("here", "there", "score"),
    [
        pytest.param({"name": "Contoso", "mail": "a@b.example"}, {"name": "Contoso", "mail": "A@B.example"}, 100,
                     id="all"),
        pytest.param({"name": "Contoso Ltd."}, {"name": "CONTOSO"}, 80, id="a legal form tells nothing"),
        pytest.param({"name": "Müller GmbH & Co. KG"}, {"name": "muller"}, 80, id="nor an accent"),
        pytest.param({"name": "Works, Adventure"}, {"name": "Adventure Works"}, 80, id="words in any order"),
        pytest.param({"name": "Limited"}, {"name": "Limited"}, 80, id="but the legal form of none is a name"),
        pytest.param({"tax": "DE 123.456.789"}, {"tax": "123456789"}, 60, id="a tax number, its country left out"),
        pytest.param({"phone": "+49 89 1234567"}, {"phone": "089/123 45 67"}, 30, id="a phone number"),
        pytest.param({"phone": "+49 89 1234567"}, {"mobile": "089 1234567"}, 30, id="the best of two phones"),
        pytest.param({"name": "Contoso", "place": "81541"}, {"name": "Contoso", "place": "81549"}, 90, id="near by"),
        pytest.param({"name": "Contoso", "city": "Munich"}, {"name": "Contoso", "city": "Berlin"}, 80, id="no trait"),
        pytest.param({"name": "Contoso", "phone": "12"}, {"name": "Contoso", "phone": "12"}, 80, id="no phone number"),
        pytest.param({"mail": "x@contoso.example"}, {"mail": "y@contoso.example"}, 30, id="colleagues"),
        pytest.param({"mail": "jsmith@contoso.example"}, {"mail": "j.smith@contoso.example"}, 52.2, id="or the same"),
        pytest.param({"name": "Contoso", "mail": "south.office@a.example"},
                     {"name": "Contoso", "mail": "south.office@b.example"}, 78.6, id="an address that moved"),
        pytest.param({"name": "Contoso", "mail": "ada@a.example"}, {"name": "Contoso", "mail": "zoe@b.example"}, 57.1,
                     id="addresses that have nothing in common"),
    ],
)  # fmt: skip
def test_the_score_of_two_records(here: dict[str, str], there: dict[str, str], score: float) -> None:
    (found,) = suggested(bc("1", **here), dv("2", **there))
    assert found.score == pytest.approx(score, abs=0.1)
    assert found.score == pytest.approx(sum(reason.points for reason in found.reasons), abs=0.1)


def test_strangers_at_one_public_mail_provider_are_not_compared() -> None:
    assert suggested(bc("1", mail="ada@gmail.com"), dv("2", mail="zoe@gmail.com")) == ()


def test_the_reasons_show_what_was_compared() -> None:
    (found,) = suggested(bc("1", name="Contoso Ltd", phone=None), dv("2", name="Contosso", phone="089 1234567"))
    (reason,) = found.reasons
    assert (reason.trait, reason.business_central, reason.dataverse) == (Trait.NAME, "Contoso Ltd", "Contosso")
    assert reason.weight == 40
    assert 90 < reason.alike < 100
    assert reason.points == pytest.approx(reason.alike * 40 / 50)


def test_the_best_come_first_and_the_poor_not_at_all() -> None:
    rows = [
        dv("5", name="Contoso"),
        dv("4", name="Contoso"),
        dv("3", name="Contoso", mail="info@contoso.example"),
        dv("2", name="Contoso Something Else Entirely"),
    ]
    record = bc("1", name="Contoso", mail="info@contoso.example")
    assert [one.dataverse for one in suggested(record, *rows, least=50)] == ["3", "4", "5"]
    assert [one.dataverse for one in index_of(*reversed(rows)).suggest(record, top=2)] == ["3", "4"]


def test_what_too_many_share_is_no_reason_to_compare() -> None:
    rows = [dv(str(at), name="Hotel") for at in range(LARGEST_BLOCK + 1)]
    assert suggested(bc("1", name="Hotel"), *rows) == ()
    assert len(suggested(bc("1", name="Hotel"), *rows[1:])) == 3


SYLLABLES = (
    "ba be bi bo bu da de di do du fa fe ga go ka ke ki ko la le li lo ma me mi mo na ne no pa po ra re ri ro sa"
)
SIZE = 20_000


def slip(text: str, chance: random.Random) -> str:
    """The text with one letter swapped, doubled or left out."""
    at = chance.randrange(1, len(text) - 1)
    return chance.choice([
        text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        text[:at] + text[at] + text[at:],
        text[:at] + text[at + 1 :],
    ])  # fmt: skip


def company(chance: random.Random) -> tuple[list[Record], list[Record]]:
    """Two sides whose records of equal number mean the same, with slips in the names and half of the rest blank."""
    syllables = SYLLABLES.split()
    records, rows = [], []
    for at in range(SIZE):
        name = " ".join("".join(chance.choices(syllables, k=4)).capitalize() for _ in range(2))
        traits: dict[str, str | None] = {"place": f"{chance.randrange(10_000):05}", "phone": f"0{10_000_000 + at}"}
        kept = {trait: value if chance.random() < 0.5 else None for trait, value in traits.items()}
        records.append(bc(f"{at}", name=f"{name} Ltd", **traits))
        rows.append(dv(f"{at}", name=slip(name, chance).upper(), **kept))
    return records, rows


def test_among_twenty_thousand_the_one_that_is_meant_is_found() -> None:
    chance = random.Random(20)
    records, rows = company(chance)
    chance.shuffle(rows)
    asked = chance.sample(records, 1000)
    begun = time.process_time()
    index = index_of(*rows)
    found = {record.id: index.suggest(record) for record in asked}
    assert time.process_time() - begun < 6
    first = sum(bool(best) and best[0].dataverse == one for one, best in found.items())
    assert first >= 0.95 * len(asked)
