"""What a preview looks at, and what it finds would happen."""

from __future__ import annotations

from enum import StrEnum


class PreviewKind(StrEnum):
    """What would be done."""

    MODIFIED = "modified"  # the next run: what has changed since the last one
    FULL = "full"  # a full synchronization
    RECORDS = "records"  # Synchronize Now of certain records
    UNCOUPLE = "uncouple"  # Delete Coupling of certain records
    RESTORE = "restore"  # Restore Records: what is left is created anew on the other side
    DELETE = "delete"  # Delete Records: what is left of a pair is deleted

    @property
    def is_of_records(self) -> bool:
        """Whether it looks at certain records."""
        return self not in (PreviewKind.MODIFIED, PreviewKind.FULL)


class Effect(StrEnum):
    """What would happen to a pair. The last three leave it as it is."""

    CREATE = "create"
    UPDATE = "update"
    RESTORE = "restore"
    COUPLE = "couple"
    UNCOUPLE = "uncouple"
    DELETE = "delete"
    CONFLICT = "conflict"
    WAIT = "wait"
    ERROR = "error"

    @property
    def writes(self) -> bool:
        """Whether something would be done at all."""
        return self not in (Effect.CONFLICT, Effect.WAIT, Effect.ERROR)
