"""Names of people: how one text falls into three fields, and back."""

from __future__ import annotations

from infra.local.business_central.database import Record
from infra.local.business_central.schema import Stored
from infra.local.business_central.values import code

_PART = 30


def split_name(record: Record) -> None:
    """Fill first name, middle name and surname from `displayName`, each cut to its 30 characters.

    A single word is a first name. Else the last word is the surname and, of three or more, the last but one the
    middle name.
    """
    words = str(record["displayName"]).split()
    surname = words.pop() if len(words) > 1 else ""
    middle = words.pop() if len(words) > 1 else ""
    parts = {"firstName": " ".join(words), "middleName": middle, "surname": surname}
    record.update({name: part[:_PART] for name, part in parts.items()})


def join_name(record: Record) -> None:
    """Build `displayName` from the three parts."""
    parts = (str(record[name]) for name in ("firstName", "middleName", "surname"))
    rename(record, " ".join(part for part in parts if part)[:100])


def rename(record: Record, name: Stored) -> None:
    """Set `displayName`; the search name follows while it is the old name in capitals, or blank."""
    if record["searchName"] in ("", code(str(record["displayName"]))):
        record["searchName"] = code(str(name))
    record["displayName"] = name
