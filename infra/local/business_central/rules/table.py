"""What every table does; the special ones say what differs."""

from __future__ import annotations

from collections.abc import Callable

from infra.local.business_central import errors
from infra.local.business_central.checking import check_relation
from infra.local.business_central.database import Record
from infra.local.business_central.rules.work import Work
from infra.local.business_central.schema import ENTITY_SETS, EntitySet, Property, Stored

Validation = Callable[[Work, Record, Record, Stored], None]
"""Called as (work, record, before, value): puts the value in and draws the consequences; `before` is the stored row."""

# Which columns hold the key of another table, and follow when it is renamed.
_FOLLOWERS = {
    "salespeoplePurchasers": {
        "customers": "salespersonCode", "vendors": "salespersonCode", "contacts": "salespersonCode",
    },
    "currencies": {"customers": "currencyCode", "vendors": "currencyCode", "contacts": "currencyCode"},
    "countriesRegions": {
        "customers": "country", "vendors": "country", "contacts": "country", "companyInformation": "country",
    },
    "contacts": {"contacts": "companyNumber"},
    "itemCategories": {"items": "itemCategoryCode"},
    "unitsOfMeasure": {"items": "baseUnitOfMeasureCode"},
}  # fmt: skip


class Table:
    """A table without rules of its own. One object per entity set, without state."""

    def __init__(self, name: str) -> None:
        self.set: EntitySet = ENTITY_SETS[name]
        self.validations: dict[str, Validation] = {}
        self._blank: Record = {key: one.default for key, one in self.set.properties.items()}

    def blank(self) -> Record:
        """A new row before anything is filled in."""
        return dict(self._blank)

    def assign(self, work: Work, record: Record, before: Record, one: Property, value: Stored) -> None:
        """Give a property an accepted value."""
        validation = self.validations.get(one.name)
        if validation is None or (work.as_given and one.name not in self.always_validated):
            record[one.name] = value
        else:
            validation(work, record, before, value)

    always_validated: frozenset[str] = frozenset()
    """Properties whose validation keeps a row consistent, hence runs for seed data too."""

    def prepare(self, work: Work, record: Record) -> None:
        """Complete a new row before it is stored."""
        for one in self.set.properties.values():
            if one.required and one.not_blank and not record[one.name]:
                raise errors.bad_request(
                    f"The property '{one.name}' must be provided.", "BadRequest_RequiredParamNotProvided"
                )

    def take_over(self, work: Work, record: Record, contact_number: str) -> Record:
        """Fill a new row from a contact; answers the contact."""
        raise errors.business_rule(f"{self.set.table} cannot be created from a contact.")

    def entered(self, work: Work, record: Record, contact: Record | None) -> None:
        """Draw the consequences of a new row, which was made out of a contact or of nothing."""

    def complete(self, work: Work, record: Record, before: Record) -> None:
        """Check a changed row before it is stored."""
        for one in self.set.properties.values():
            if one.not_blank and record[one.name] == one.blank and before[one.name] != one.blank:
                raise errors.bad_request(f"{one.caption} must be filled in.", "BadRequest_RequiredParamNotProvided")

    def changed(self, work: Work, record: Record, before: Record) -> None:
        """Draw the consequences of a changed row."""

    def delete(self, work: Work, record: Record) -> None:
        """Remove a row, or refuse to."""
        self.refuse_if_used(work, record)
        work.remove(self.set, record)

    def refuse_if_used(self, work: Work, record: Record) -> None:
        """Refuse to delete what has open documents or entries."""
        key = record[self.set.key]
        if key in work.switches.undeletable.get(self.set.name, []) or record.get("balanceDue") or record.get("balance"):
            raise errors.business_rule(
                f"You cannot delete {self.set.table} {key} because there are open documents or ledger entries for it."
            )

    def rename(self, work: Work, record: Record, before: Record) -> None:
        """Give a row a new key; everything that names the old one follows, nothing else happens."""
        key, old, new = self.set.key, before[self.set.key], record[self.set.key]
        if work.database.exists(self.set.name, key, new):
            raise errors.same_key(self.set.table, self.set.properties[key].caption, str(new))
        work.modify(self.set, before, record)
        for follower, column in _FOLLOWERS.get(self.set.name, {}).items():
            for row in work.database.where(follower, f'"{column}" = ?', old):
                work.modify(ENTITY_SETS[follower], row, {**row, column: new})


def check_related(work: Work, table: Table, name: str, value: Stored) -> None:
    """Refuse a value that the property's relation does not have."""
    check_relation(work.database, table.set, table.set.properties[name], value)
