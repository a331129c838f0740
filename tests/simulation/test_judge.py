"""The judge of every single write: whether somebody loses by it."""

from __future__ import annotations

import pytest

from shared.core.sides import Side
from tests.simulation.kinds import BC, DV, PERSON, Kind
from tests.simulation.ledger import Broken, Ledger, Shown


class Contact:
    """One contact as both sides show it, and the judge who looks on."""

    def __init__(self) -> None:
        self._shown: dict[Side, dict[str, Shown]] = {side: {} for side in Side}
        self.ledger = Ledger(self._look, {PERSON.name: PERSON.mapping()}, lambda: False)

    def _look(self, kind: Kind, side: Side) -> dict[str, Shown]:
        return dict(self._shown[side])

    def says(self, side: Side, mobile: str, *, by_person: bool) -> None:
        """Somebody, or the app, makes the record on `side` say this."""
        self._shown[side]["1"] = ("contact", {"mobile": mobile})
        self.ledger.looked(PERSON, side, by_person=by_person)


@pytest.mark.parametrize(("last", "is_lost"), [("9", False), ("33", True)])
def test_only_an_edit_that_was_not_taken_back_can_be_lost(last: str, is_lost: bool) -> None:
    """Business Central's record has moved on when the app makes the row of what it had read."""
    contact = Contact()
    contact.says(BC, "9", by_person=True)
    contact.says(BC, "32", by_person=True)
    contact.says(DV, "9", by_person=False)
    contact.says(DV, "33", by_person=True)
    contact.says(DV, last, by_person=True)
    if is_lost:
        with pytest.raises(Broken, match="no edit is lost"):
            contact.says(DV, "32", by_person=False)
    else:
        contact.says(DV, "32", by_person=False)
        assert contact.ledger.happened["taken back"] == 1
