"""Number series: the next number of a table, or the right to give one by hand."""

from __future__ import annotations

from dataclasses import dataclass

from infra.local.business_central.database import SERIES, Record
from infra.local.business_central.errors import business_rule
from infra.local.business_central.rules.work import Work
from infra.local.business_central.schema import EntitySet


@dataclass(frozen=True)
class Series:
    """The code of a number series and the form of its numbers."""

    code: str
    form: str
    step: int

    def text(self, count: int) -> str:
        """The number after `count` earlier ones."""
        return self.form.format((count + 1) * self.step)


ALL = {
    "customers": Series("CUST", "C{:05d}", 10),
    "vendors": Series("VEND", "V{:05d}", 10),
    "contacts": Series("CONT", "CT{:06d}", 1),
    "items": Series("ITEM", "I{:05d}", 10),
}


def give_number(work: Work, entity_set: EntitySet, record: Record) -> None:
    """Fill a blank number from the series; refuse one given by hand where the series does not allow it."""
    series = ALL[entity_set.name]
    if not record["number"]:
        record["number"] = next_number(work, entity_set)
    elif not work.switches.manual_numbers and not work.as_given:
        raise business_rule(
            "You may not enter numbers manually. If you want to enter numbers manually, "
            f"please activate Manual Nos. in No. Series {series.code}."
        )


def next_number(work: Work, entity_set: EntitySet) -> str:
    """The next number that no row has."""
    series, database = ALL[entity_set.name], work.database
    count = reserve(work, entity_set, 0)
    while database.exists(entity_set.name, "number", series.text(count)):
        count += 1
    reserve(work, entity_set, 0, at=count + 1)
    return series.text(count)


def reserve(work: Work, entity_set: EntitySet, size: int, *, at: int | None = None) -> int:
    """Answer how many numbers are used, and use `size` more of them (or go on from `at`)."""
    rows = work.database.query(f"SELECT last FROM {SERIES} WHERE name = ?", (entity_set.name,))
    used = int(rows[0][0]) if rows else 0
    last = used + size if at is None else at
    if last != used:
        sql = f"INSERT INTO {SERIES} VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET last = excluded.last"
        work.database.connection.execute(sql, (entity_set.name, last))
    return used
