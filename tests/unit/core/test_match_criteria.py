"""What is compared when records are matched: which fields, in which form, and what a blank means."""

from __future__ import annotations

import pytest

from shared.core.mapping import Conversion, FieldMapping, Mapping
from shared.core.match_criteria import BlankValues, CriteriaError, agreement_of, criteria_of, reader_of
from shared.core.match_criteria import NotCompared as Not
from shared.core.references import ReferenceAnswers
from shared.core.sides import Direction, Side
from shared.core.tables import Value, Values
from tests.unit.core.tables import BC, DV, FROM, TABLES, TO, column, line, mapping

REFERENCE = {"kind": "coupled_record", "mappings": ["PARENT"]}
PARENTS = ReferenceAnswers("Parent", ("PARENT",), {BC: {"p1": "q1"}, DV: {"q1": "p1"}}, blanks={BC: "q0", DV: "p0"})


def field(business_central: str, dataverse: str | tuple[str, ...], **settings: object) -> FieldMapping:
    return FieldMapping.model_validate(
        {"business_central": business_central, "dataverse": dataverse, **settings}
    )  # fmt: skip


def replacing(direction: Direction, find: str, replacement: str) -> dict[str, object]:
    rule = {"type": "Replace", "find_value": find, "replace_value": replacement}
    return {"transformations": [{"direction": direction, "rules": [rule]}]}


TEXT = line("a")
NUMBER, FLAG = field("amount", "amount"), field("flag", "flag")
PARENT = field("parent", "parent", reference=REFERENCE)
PERSON = field("whole", ("first", "middle", "last"), conversion=Conversion.PERSON_NAME)
REFERENCES = {PARENT.id: PARENTS}


def value(
    one: FieldMapping,
    side: Side,
    values: Values,
    *,
    case_sensitive: bool = False,
    blanks: BlankValues = BlankValues.LEFT_OUT,
) -> Value | Not:
    assert one.business_central is not None
    sensitive = [one.business_central] if case_sensitive else []
    criteria = criteria_of(mapping(one, match_by=[[one.business_central]]), TABLES, case_sensitive=sensitive)
    return reader_of(criteria.fields[0], side, TABLES, blanks)(values, REFERENCES)


@pytest.mark.parametrize(
    ("one", "here", "there"),
    [
        pytest.param(TEXT, {"a_bu": " Ünt "}, {"a_da": "üNT"}, id="case and blanks around"),
        pytest.param(TEXT, {"a_bu": "e\u0301"}, {"a_da": "\u00e9"}, id="one letter written in two ways"),
        pytest.param(TEXT, {"a_bu": "Straß"}, {"a_da": "STRASS"}, id="letters that have no capital"),
        pytest.param(field("code", "a_da"), {"code": "AB"}, {"a_da": "ab"}, id="a code and a text"),
        pytest.param(NUMBER, {"amount": None}, {"amount": 0}, id="a blank number is a value"),
        pytest.param(FLAG, {"flag": None}, {"flag": False}, id="so is a blank Boolean"),
        pytest.param(PARENT, {"parent": "p1"}, {"parent": "q1"}, id="a reference to the same record"),
        pytest.param(PERSON, {"whole": "Ada King  Lovelace"},
                     {"first": "Ada", "middle": "King", "last": "LOVELACE"}, id="a person's name"),
        pytest.param(line("a", TO, **replacing(TO, "Lt", "L")), {"a_bu": "X Lt"}, {"a_da": "X L"}, id="a rule To"),
        pytest.param(line("a", FROM, **replacing(FROM, "L", "Lt")), {"a_bu": "X Lt"}, {"a_da": "X L"},
                     id="a rule From"),
        pytest.param(line("a", too_long="truncate"), {"a_bu": "Contoso"}, {"a_da": "Conto"}, id="as long as fits"),
    ],
)  # fmt: skip
def test_values_agree(one: FieldMapping, here: Values, there: Values) -> None:
    found = value(one, BC, here)
    assert not isinstance(found, Not)
    assert found == value(one, DV, there)


@pytest.mark.parametrize(
    ("one", "here", "there", "case_sensitive"),
    [
        pytest.param(TEXT, {"a_bu": "e"}, {"a_da": "é"}, False, id="an accent"),
        pytest.param(TEXT, {"a_bu": "x"}, {"a_da": "X"}, True, id="case, where it matters"),
        pytest.param(NUMBER, {"amount": 1}, {"amount": None}, False, id="one and nothing"),
        pytest.param(PARENT, {"parent": "p1"}, {"parent": "q2"}, False, id="references to different records"),
    ],
)
def test_values_differ(one: FieldMapping, here: Values, there: Values, case_sensitive: bool) -> None:
    sides = [value(one, side, held, case_sensitive=case_sensitive) for side, held in ((BC, here), (DV, there))]
    assert not any(isinstance(found, Not) for found in sides)
    assert sides[0] != sides[1]


@pytest.mark.parametrize(
    ("one", "values", "blanks", "expected"),
    [
        pytest.param(TEXT, {"a_bu": None}, BlankValues.LEFT_OUT, Not.BLANK, id="a text"),
        pytest.param(TEXT, {"a_bu": "  "}, BlankValues.LEFT_OUT, Not.BLANK, id="nothing but spaces"),
        pytest.param(PARENT, {"parent": None}, BlankValues.LEFT_OUT, Not.BLANK, id="a reference"),
        pytest.param(field("state", "state"), {"state": None}, BlankValues.LEFT_OUT, None, id="an enum is a value"),
        pytest.param(field("state", "state"), {"state": None}, BlankValues.NEVER_MATCH, Not.BLANK, id="unless asked"),
        pytest.param(line("a", TO, **replacing(TO, "n/a", "")), {"a_bu": "n/a"}, BlankValues.LEFT_OUT, Not.BLANK,
                     id="what a rule makes blank"),
        pytest.param(PARENT, {"parent": "p9"}, BlankValues.LEFT_OUT, Not.UNUSABLE, id="an uncoupled reference"),
        pytest.param(TEXT, {"a_bu": "too long"}, BlankValues.LEFT_OUT, Not.UNUSABLE, id="what does not fit"),
    ],
)  # fmt: skip
def test_what_has_no_value_to_compare(
    one: FieldMapping, values: Values, blanks: BlankValues, expected: Value | Not
) -> None:
    assert value(one, BC, values, blanks=blanks) is expected


RULES = mapping(line("a"), line("b", enabled=False), PARENT, match_by=[["a_bu", "parent"], ["b_bu"]])


def test_criteria_name_what_must_be_read_and_answered() -> None:
    criteria = criteria_of(RULES, TABLES)
    assert criteria.columns(BC) == ("a_bu", "parent", "b_bu")
    assert criteria.columns(DV) == ("a_da", "parent", "b_da")
    assert criteria.references == (PARENT,)


def test_groups_stand_alone_or_accumulate() -> None:
    def names(criteria_groups: object) -> list[list[str]]:
        return [[item.line.caption for item in group] for group in criteria_groups]  # type: ignore[attr-defined]

    assert names(criteria_of(RULES, TABLES).groups) == [["a_bu", "parent"], ["b_bu"]]
    assert names(criteria_of(RULES, TABLES, accumulated=True).groups) == [
        ["a_bu", "parent"],
        ["a_bu", "parent", "b_bu"],
    ]
    assert names(criteria_of(RULES, TABLES, groups=[["b_bu"]]).groups) == [["b_bu"]]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (mapping(line("a")), "Specify at least one match field for TEST."),
        (mapping(line("a"), match_by=[["b_bu"]]), "TEST has no field mapping for b_bu that could be compared."),
        (
            mapping(FieldMapping(business_central="a_bu", constant="x"), match_by=[["a_bu"]]),
            "TEST has no field mapping for a_bu that could be compared.",
        ),
        (
            mapping(field("parent", "a_da"), match_by=[["parent"]]),
            "parent is an id on one side only and cannot be a match field of TEST.",
        ),
    ],
)
def test_criteria_that_cannot_be_used_are_refused(rules: Mapping, message: str) -> None:
    with pytest.raises(CriteriaError) as refused:
        criteria_of(rules, TABLES)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("here", "there", "agreed"),
    [
        ({"a_bu": "x", "b_bu": "y"}, {"a_da": "X", "b_da": "Y"}, True),
        ({"a_bu": "x", "b_bu": None}, {"a_da": "x", "b_da": "y"}, True),
        ({"a_bu": "x", "b_bu": "y"}, {"a_da": "x", "b_da": None}, False),
        ({"a_bu": "x", "b_bu": "y"}, {"a_da": "x", "b_da": "z"}, False),
        ({"a_bu": None, "b_bu": None}, {"a_da": None, "b_da": None}, False),
    ],
)
def test_a_pair_is_confirmed_by_its_values(here: Values, there: Values, agreed: bool) -> None:
    group = [column("a", BC), column("b", BC)]
    criteria = criteria_of(mapping(line("a"), line("b"), match_by=[group]), TABLES)
    assert agreement_of(criteria, TABLES)(0, {BC: here, DV: there}, {}) is agreed
