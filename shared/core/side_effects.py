"""Rules of single tables that go beyond their field mappings, each switched by a member of the mapping."""

from __future__ import annotations

from shared.core.mapping import Mapping
from shared.core.merge import Merge, PairValues
from shared.core.sides import Side

INACTIVE = 1  # statecode of account and contact
BLOCKED = "All"


def block_inactive(mapping: Mapping, pair: PairValues, merged: Merge) -> None:
    """Block the BC record of an inactive Dataverse row; an active one unblocks nobody (`block_when_inactive`).

    Source: the CRM subscribers for Customer and Vendor; there the row's filter has to let an inactive row through.
    """
    if not mapping.block_when_inactive or not mapping.direction.allows(Side.DATAVERSE):
        return
    inactive = pair.now[Side.DATAVERSE].get("statecode") == INACTIVE
    if inactive and pair.now[Side.BUSINESS_CENTRAL].get("blocked") is None:
        merged.writes[Side.BUSINESS_CENTRAL]["blocked"] = BLOCKED
