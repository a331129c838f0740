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
    NEW_RECORD = "new_record"
    RESTORED = "restored"
    MATCHED = "matched"
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

    @property
    def sentence(self) -> str:
        """The reason for a person."""
        return _SENTENCES[self]


_SENTENCES = {
    Reason.NOT_COUPLED: "The record is not coupled, and the mapping synchronizes only coupled records.",
    Reason.DIRECTION_FORBIDS: "The mapping's direction does not create records from this side.",
    Reason.OUTSIDE_FILTER: "The record is outside the mapping's filter.",
    Reason.LEFT_FILTER: "The record has left the mapping's filter; the coupling was removed.",
    Reason.IN_STEP: "Both records already agree.",
    Reason.SOURCE_CHANGED: "One side changed; the change was carried over.",
    Reason.NEW_RECORD: "The record had no counterpart; one was created and coupled.",
    Reason.RESTORED: "The coupled record was deleted and has been created anew.",
    Reason.MATCHED: "A free record of the other side agreed in the match fields and was coupled.",
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
    Reason.SEVERAL_MATCHES: "Several records agree in the match fields; couple the right one by hand.",
}
