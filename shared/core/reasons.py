"""Every reason code that a plan, an error or a job message can carry, with its sentence."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why something was done, not done, or refused. Codes are stable."""

    NOT_COUPLED = "not_coupled"
    DIRECTION_FORBIDS = "direction_forbids"
    OUTSIDE_FILTER = "outside_filter"
    LEFT_FILTER = "left_filter"
    IN_STEP = "in_step"
    SOURCE_CHANGED = "source_changed"
    OVERWRITTEN = "overwritten"
    NEW_RECORD = "new_record"
    RESTORED = "restored"
    BOTH_DELETED = "both_deleted"
    COUPLING_REMOVED = "coupling_removed"
    UPDATE_CONFLICT = "update_conflict"
    DELETION_CONFLICT = "deletion_conflict"
    WAITS_FOR_PARENT = "waits_for_parent"
    VALUE_REFUSED = "value_refused"
    SERVICE_REFUSED = "service_refused"
    SERVICE_BUSY = "service_busy"
    PERMISSION_MISSING = "permission_missing"
    CREATE_NOT_ALLOWED = "create_not_allowed"
    CHANGED_MEANWHILE = "changed_meanwhile"
    SEVERAL_MATCHES = "several_matches"
    SKIPPED = "skipped"
    NOT_DUE = "not_due"
    OPTION_NOT_MAPPED = "option_not_mapped"
    HELD = "held"
    RELEASED = "released"
    WAITS_FOR_RELEASE = "waits_for_release"
    CONFLICT_DECIDED = "conflict_decided"
    CHOSEN = "chosen"
    MATCHED = "matched"

    @property
    def sentence(self) -> str:
        """The reason for a person."""
        return _SENTENCES[self]

    @property
    def outlook(self) -> str:
        """The same of what has not been done yet."""
        return _OUTLOOKS.get(self, self.sentence)

    @property
    def advice(self) -> str:
        """What a person does about a record that is held for this reason; empty where nothing is held."""
        return _ADVICE.get(self, "")


_SENTENCES = {
    Reason.NOT_COUPLED: "The record is not coupled, and the mapping synchronizes only coupled records.",
    Reason.DIRECTION_FORBIDS: "The mapping's direction does not create records from this side.",
    Reason.OUTSIDE_FILTER: "The record is outside the mapping's filter.",
    Reason.LEFT_FILTER: "The record has left the mapping's filter; the coupling was removed.",
    Reason.IN_STEP: "Both records already agree.",
    Reason.SOURCE_CHANGED: "One side changed; the change was carried over.",
    Reason.OVERWRITTEN: "Both sides differed; in a full synchronization one side's data was written over the other's.",
    Reason.NEW_RECORD: "The record had no counterpart; one was created and coupled.",
    Reason.RESTORED: "The coupled record was deleted and has been created anew.",
    Reason.BOTH_DELETED: "Both records were deleted; the coupling was removed.",
    Reason.COUPLING_REMOVED: "The coupled record was deleted; the coupling was removed.",
    Reason.UPDATE_CONFLICT: "The same data was edited on both sides.",
    Reason.DELETION_CONFLICT: "The record is coupled to a deleted record.",
    Reason.WAITS_FOR_PARENT: "The record waits until the record it refers to is coupled.",
    Reason.VALUE_REFUSED: "A value does not fit its destination.",
    Reason.SERVICE_REFUSED: "The other side refused the data.",
    Reason.SERVICE_BUSY: "The other side was busy; it will be tried again.",
    Reason.PERMISSION_MISSING: "The application user lacks a permission.",
    Reason.CREATE_NOT_ALLOWED: "The mapping does not create records there; create it by hand and it will be coupled.",
    Reason.CHANGED_MEANWHILE: "The record kept changing while it was synchronized; it will be tried again.",
    Reason.SKIPPED: "The record failed twice in the same way and has not changed since; it is left alone.",
    Reason.NOT_DUE: "The record failed before and has not changed since; its next try is not due yet.",
    Reason.OPTION_NOT_MAPPED: "A value has no choice on the other side; the records keep the value they have.",
    Reason.HELD: "A person keeps the record out of synchronization (`GET /api/records/held`).",
    Reason.RELEASED: "The record was kept out of synchronization; the next run takes it along.",
    Reason.WAITS_FOR_RELEASE: "The record agrees with one that is kept out of synchronization; it waits for that one.",
    Reason.SEVERAL_MATCHES: "Several records agree in the match fields; make them differ, or remove the surplus one.",
    Reason.CONFLICT_DECIDED: "The same data was edited on both sides; `update_conflict_resolution` says who wins.",
    Reason.CHOSEN: "A person chose it for just this record.",
    Reason.MATCHED: "The records agreed in the match fields and were coupled.",
}

_OUTLOOKS = {
    Reason.LEFT_FILTER: "The record has left the mapping's filter; the coupling would be removed.",
    Reason.SOURCE_CHANGED: "One side changed; the change would be carried over.",
    Reason.OVERWRITTEN: "Both sides differ; a full synchronization would write one side's data over the other's.",
    Reason.NEW_RECORD: "The record has no counterpart; one would be created and coupled.",
    Reason.RESTORED: "The coupled record was deleted and would be created anew.",
    Reason.BOTH_DELETED: "Both records were deleted; the coupling would be removed.",
    Reason.COUPLING_REMOVED: "The coupled record was deleted; the coupling would be removed.",
    Reason.MATCHED: "The records agree in the match fields and would be coupled.",
}
"""Of what would be done: a preview tells nothing as done."""

_ADVICE = {
    Reason.UPDATE_CONFLICT: "The error's `fields` hold both values. Choose whose data is used, also field by field, "
    "with `POST /api/errors/synchronize`; or write the right value where it is wrong: equal values are no conflict. Or "
    "let one system win for the whole mapping with `update_conflict_resolution`: `SendUpdateToIntegration` for "
    "Business Central, `GetUpdateFromIntegration` for Dataverse.",
    Reason.DELETION_CONFLICT: "Create the deleted record anew with `POST /api/errors/restore`, delete the other one "
    "too (`delete-records`), or keep that without its coupling (`delete-couplings`). Or set the mapping's "
    "`deletion_conflict_resolution` to `RestoreRecords` or `RemoveCoupling`.",
    Reason.VALUE_REFUSED: "Change the value to what the other side can hold; the message says what that is.",
    Reason.SERVICE_REFUSED: "The message has the service's own words, `column` the field it names. Correct the value "
    "in the record, or add what the service misses over there: a country, say.",
    Reason.PERMISSION_MISSING: "Give the application user what the message names; the next run takes along all that "
    "lacked it. `GET /api/health` tries every table.",
    Reason.CREATE_NOT_ALLOWED: "Create the record by hand on the other side; the next run couples it.",
    Reason.SEVERAL_MATCHES: "The message names the candidates. Change a match field in the wrong ones, or delete the "
    "duplicates: as soon as exactly one is left, it gets coupled.",
    Reason.WAITS_FOR_PARENT: "Nothing, if the record it refers to is about to be coupled: this one follows by itself. "
    "Else see why that one is not: is it an error itself, or does its mapping synchronize only coupled records?",
    Reason.SERVICE_BUSY: "Nothing. If it stays for long, `GET /api/health` tells which service cannot be reached.",
    Reason.CHANGED_MEANWHILE: "Nothing.",
    Reason.RELEASED: "Nothing.",
    Reason.WAITS_FOR_RELEASE: "Release the other record: both are coupled then. Or make them differ.",
    Reason.OPTION_NOT_MAPPED: "Add a choice with that code or name, or rename one; the records follow by themselves.",
}
