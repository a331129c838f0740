"""Records and refusals as answers show them."""

from __future__ import annotations

from shared.core.actions import View
from shared.core.coupling import CoupledRecord
from shared.core.refusals import Refusal
from shared.core.tables import Table
from shared.services.forms.base import RecordName, RefusalAnswer
from shared.services.matching.names import record_name


def name_of_coupled(end: CoupledRecord) -> RecordName:
    """One end of a coupling."""
    return RecordName(id=end.id, number=end.number, title=end.title)


def name_of_view(one: str, view: View | None, table: Table) -> RecordName:
    """A record that was asked for: by its id alone when it is not there."""
    record = view.record if view is not None else None
    return record_name(record, table) if record is not None else RecordName(id=one)


def refusal_answer(refusal: Refusal) -> RefusalAnswer:
    """Why something is not done."""
    return RefusalAnswer(code=refusal.code, message=refusal.message, remedy=refusal.remedy)
