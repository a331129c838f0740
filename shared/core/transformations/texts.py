"""Rules on plain text: case, blanks, parts, replacements, look-up."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from shared.core.model import Model
from shared.core.tables import Value
from shared.core.transformations import letters
from shared.core.transformations.rule import LONGEST_SETTING, Refusal, Rule, TextRule, as_text, shown

type Setting = Annotated[str, Field(max_length=LONGEST_SETTING)]
type Find = Annotated[str, Field(min_length=1, max_length=LONGEST_SETTING)]


class Uppercase(TextRule):
    """All letters as capitals (see `letters` for letters that have no single capital)."""

    type: Literal["Uppercase"] = "Uppercase"
    always_loses: ClassVar[bool] = True

    def change(self, text: str) -> str:
        return letters.upper(text)

    def examples(self) -> tuple[Value, ...]:
        return ("Contoso ab",)


class Lowercase(TextRule):
    """All letters as small letters."""

    type: Literal["Lowercase"] = "Lowercase"
    always_loses: ClassVar[bool] = True

    def change(self, text: str) -> str:
        return letters.lower(text)

    def examples(self) -> tuple[Value, ...]:
        return ("Contoso AB",)


class TitleCase(TextRule):
    """Each word with a capital first letter; words in capitals are kept (see `letters.title`)."""

    type: Literal["Title Case"] = "Title Case"
    always_loses: ClassVar[bool] = True

    def change(self, text: str) -> str:
        return letters.title(text)

    def examples(self) -> tuple[Value, ...]:
        return ("contoso ab",)


class Trim(TextRule):
    """Without the spaces at both ends. Spaces only, as AL's DelChr: tabs and no-break spaces stay."""

    type: Literal["Trim"] = "Trim"
    always_loses: ClassVar[bool] = True

    def change(self, text: str) -> str:
        return text.strip(" ")

    def examples(self) -> tuple[Value, ...]:
        return (" Contoso",)


class Substring(TextRule):
    """A part of the text.

    It begins at `start_position` (1 is the first character) or behind the first `starting_text`, else at the beginning;
    it has `length` characters or goes up to the next `ending_text`, else to the end. A starting or ending text that
    does not occur gives a blank; texts compare by case; a pair of quotes around them is taken off, so that "' '" is a
    space. Characters are Unicode code points (Business Central counts an emoji as two).
    """

    type: Literal["Substring"] = "Substring"
    start_position: int | None = Field(default=None, ge=1)
    length: int | None = Field(default=None, ge=1)
    starting_text: Setting = ""
    ending_text: Setting = ""
    always_loses: ClassVar[bool] = True

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.start_position and self.starting_text:
            raise ValueError("give start_position or starting_text, not both")
        if self.length and self.ending_text:
            raise ValueError("give length or ending_text, not both")
        if not (self.start_position or self.starting_text or self.length or self.ending_text):
            raise ValueError("give start_position, starting_text, length or ending_text; without any nothing is cut")
        return self

    def change(self, text: str) -> str:
        rest = self._from_start(text)
        if not self.ending_text:
            return rest[: self.length]
        part, found, _ = rest.partition(_unquoted(self.ending_text))
        return part if found else ""

    def _from_start(self, text: str) -> str:
        if self.starting_text:
            return text.partition(_unquoted(self.starting_text))[2]
        return text[(self.start_position or 1) - 1 :]

    def examples(self) -> tuple[Value, ...]:
        start, end = _unquoted(self.starting_text), _unquoted(self.ending_text)
        before, within = (self.start_position or 1) - 1, self.length or 1
        if max(before, within) > 10_000:  # longer than any column that a mapping carries: no need to spell it out
            return ()
        return (f"{'x' * before}{start}{'y' * within}{end}z",)


def _unquoted(text: str) -> str:
    """Without a pair of single or double quotes around it; quotes around nothing stay, there is nothing to find."""
    quoted = len(text) > 2 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


class Replace(TextRule):
    """`replace_value` in place of every `find_value`; texts compare by case."""

    type: Literal["Replace"] = "Replace"
    find_value: Find
    replace_value: Setting = ""

    def change(self, text: str) -> str:
        return text.replace(self.find_value, self.replace_value)

    def examples(self) -> tuple[Value, ...]:
        find, replace = self.find_value, self.replace_value
        return (f"x{find}y", f"x{replace}y", f"x{find}{replace}y", f"x{replace}{find}y")


class RemoveNonAlphanumeric(TextRule):
    """Letters and digits only, of every script.

    Microsoft removes what .NET's word class does not hold, and the underscore. Here all marks that belong to letters
    stay (there the spacing ones go, which breaks Indic words), and all joining punctuation goes.
    """

    type: Literal["Remove Non-Alphanumeric Characters"] = "Remove Non-Alphanumeric Characters"
    always_loses: ClassVar[bool] = True

    def change(self, text: str) -> str:
        return "".join(filter(letters.is_alphanumeric, text))

    def examples(self) -> tuple[Value, ...]:
        return ("A. B-1",)


class LookupPair(Model):
    """One row of a look-up table."""

    source: Setting
    target: Setting


class FieldLookup(Rule):
    """The target of the pair whose source is the text, compared by case.

    Microsoft looks in a table of the company; here the pairs are part of the rule. `field_lookup_rule` is Microsoft's:
    whether a blank target is taken or the original kept. Where no pair fits, Microsoft gives a blank; here
    `not_found` says whether to refuse (a value that nobody thought of is not lost), keep the original or blank it. A
    blank without a pair of its own stays blank.
    """

    type: Literal["Field Lookup"] = "Field Lookup"
    table: tuple[LookupPair, ...] = Field(min_length=1, max_length=1000)
    field_lookup_rule: Literal["Target", "Original If Target Is Blank"] = "Target"
    not_found: Literal["refuse", "original", "blank"] = "refuse"

    @model_validator(mode="after")
    def _sources_are_distinct(self) -> Self:
        seen: set[str] = set()
        for pair in self.table:
            if pair.source in seen:
                raise ValueError(f"{shown(pair.source)} stands twice among the sources of the table")
            seen.add(pair.source)
        return self

    def apply(self, value: Value) -> Value | Refusal:
        text = as_text(value)
        for pair in self.table:
            if pair.source == text:
                return pair.target or self._for_blank_target(value)
        return self._for_missing(value) if text else None

    def _for_blank_target(self, value: Value) -> Value:
        return None if self.field_lookup_rule == "Target" else value

    def _for_missing(self, value: Value) -> Value | Refusal:
        if self.not_found == "refuse":
            return Refusal(f"{shown(value)} is not among the {len(self.table)} sources of the table.")
        return value if self.not_found == "original" else None

    def examples(self) -> tuple[Value, ...]:
        return (*(text for pair in self.table for text in (pair.source, pair.target)), "Contoso ?")
