"""Why a person's request for two records is not done: a stable code, a sentence that names them, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.core.coupling import CoupledRecord, Coupling
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.tables import Table
from shared.core.transfer import Tables


class RefusalCode(StrEnum):
    """What stands in the way. Codes are stable."""

    INCOMPLETE = "incomplete_request"
    REPEATED = "record_named_twice"
    WRONG_TABLE = "wrong_table"
    GONE = "record_gone"
    OUTSIDE_FILTER = "outside_filter"
    ALREADY_COUPLED = "already_coupled"
    NOT_COUPLED = "not_coupled"
    OTHER_PARTNER = "coupled_with_another"
    DIRECTION_FORBIDS = "direction_forbids"
    CREATE_NOT_ALLOWED = "create_not_allowed"
    SKIPPED = "skipped"
    DESTINATION_CHANGED = "destination_changed"
    UPDATE_CONFLICT = "update_conflict"
    BROKEN = "coupled_to_deleted_record"
    HELD = "record_held"
    NOT_HELD = "record_not_held"
    BOTH_EXIST = "both_records_exist"
    NOT_A_RECORD = "not_a_record"
    UNKNOWN_ERROR = "unknown_error"
    EDITED_MEANWHILE = "edited_meanwhile"
    MAPPING_DISABLED = "mapping_disabled"

    @property
    def remedy(self) -> str:
        """What a person does about it."""
        return _REMEDIES[self]


_REMEDIES = {
    RefusalCode.INCOMPLETE: "Name one record of each side, or one record and `create_new`.",
    RefusalCode.REPEATED: "Name every record once in a request.",
    RefusalCode.WRONG_TABLE: "Use the mapping of that table.",
    RefusalCode.GONE: "Look the record up again; it may have been replaced by another one.",
    RefusalCode.OUTSIDE_FILTER: "Change the record so that the mapping's filter lets it pass, or change the filter.",
    RefusalCode.ALREADY_COUPLED: "Uncouple it first, or ask to replace its coupling.",
    RefusalCode.NOT_COUPLED: "Couple the record first.",
    RefusalCode.OTHER_PARTNER: "Name the two records of one coupling, or one of them only.",
    RefusalCode.DIRECTION_FORBIDS: "Choose a direction that the mapping has, or change the mapping's direction.",
    RefusalCode.CREATE_NOT_ALLOWED: "Create the record by hand and couple it, or change `create_new_in`.",
    RefusalCode.SKIPPED: "Retry the record's synchronization error first.",
    RefusalCode.DESTINATION_CHANGED: "Synchronize the record on its own and choose which data to keep.",
    RefusalCode.UPDATE_CONFLICT: "Choose whose data to keep: `send` or `get`, of an error also field by field.",
    RefusalCode.BROKEN: "Restore the deleted record, or delete the coupling.",
    RefusalCode.HELD: "Release the record first (`POST records/release`).",
    RefusalCode.NOT_HELD: "Nothing: it is synchronized like the others.",
    RefusalCode.BOTH_EXIST: "Synchronize the records, or retry.",
    RefusalCode.NOT_A_RECORD: "Add a choice with that code or name, or rename one; a retry looks for it at once.",
    RefusalCode.UNKNOWN_ERROR: "Nothing: it is solved, or see `GET /api/errors` for what is open.",
    RefusalCode.EDITED_MEANWHILE: "Look at the record as it is now, and decide again.",
    RefusalCode.MAPPING_DISABLED: "Enable the mapping first.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One request that is not done; nothing of it was."""

    code: RefusalCode
    message: str

    @property
    def remedy(self) -> str:
        """What a person does about it."""
        return self.code.remedy


def name_of_record(record: Record, table: Table) -> str:
    """A record as people know it: the table's caption, number and title, or its id."""
    parts = [str(record.values[one]) for one in (table.number, table.title) if one and record.values.get(one)]
    return " ".join([table.caption, *dict.fromkeys(parts or [record.id])])


def name_of_end(end: CoupledRecord, table: Table) -> str:
    """One end of a coupling as people know it."""
    parts = [text for text in (end.number, end.title) if text]
    return " ".join([table.caption, *dict.fromkeys(parts or [end.id])])


def name_of_pair(coupling: Coupling, tables: Tables) -> str:
    """Both records of a coupling, that of Business Central first."""
    return " and ".join(name_of_end(coupling.at(side), tables[side]) for side in Side)
