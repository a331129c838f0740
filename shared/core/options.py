"""Option mappings: which record of a small BC table (payment terms, shipment methods) means which choice in Dataverse.

A choice means the record with its label for code or name, whatever the case, blanks and punctuation; what a person
has mapped explicitly comes first. Source: table CRM Option Mapping, where a choice's label is the record's code.
Choices are never written: an option mapping is one-way by nature, and a missing choice is a person's to add.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.core.sides import Side
from shared.core.tables import Value


@dataclass(frozen=True, slots=True)
class OptionRecord:
    """A record that may be chosen: its id, code and name."""

    id: str
    code: str
    name: str


@dataclass(slots=True)
class Options:
    """`answers` by side as for any reference, `captions` what people call the values."""

    answers: dict[Side, dict[Value, Value]] = field(default_factory=lambda: {side: {} for side in Side})
    captions: dict[Value, str] = field(default_factory=dict)


def pair_options(records: Iterable[OptionRecord], labels: Mapping[int, str], explicit: Mapping[str, int]) -> Options:
    """Pair records with choices. Of several records that mean one choice the first stands for it on the way back."""
    by_label = {_letters(label): value for value, label in labels.items()}
    by_code = {_letters(code): value for code, value in explicit.items() if value in labels}
    options = Options(captions={value: labels[value] for value in labels})
    backwards: dict[Value, Value] = {}
    for record in records:
        options.captions[record.id] = record.code
        choice = by_code.get(_letters(record.code))
        if choice is not None:
            backwards[choice] = record.id  # what a person says goes both ways
        else:
            choice = by_label.get(_letters(record.code), by_label.get(_letters(record.name)))
        if choice is not None:
            options.answers[Side.BUSINESS_CENTRAL][record.id] = choice
            options.answers[Side.DATAVERSE].setdefault(choice, record.id)
    options.answers[Side.DATAVERSE] |= backwards
    return options


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
