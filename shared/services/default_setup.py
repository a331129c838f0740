"""Use Default Synchronization Setup: standard mappings as they are shipped, with Microsoft's extra lines, disabled.

What is kept for a mapping (couplings, errors, where its feeds stand) is not touched, nor is whether it is enabled.
Source: the reset of codeunit CDS Setup Defaults.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.core.configuration_diff import MemberChange, differences
from shared.core.mapping import Mapping
from shared.defaults import extra_lines
from shared.services.context import Services
from shared.services.problems import Problem
from shared.services.repositories.mappings import StoredMapping
from shared.services.saving_mappings import checked, mappings_beside, refuse_other_version, save_mapping


@dataclass(frozen=True, slots=True)
class DefaultSetup:
    """What the default setup changes in a mapping, and the version that it has then (None: it is not there yet)."""

    mapping: str
    changes: tuple[MemberChange, ...]
    etag: str | None


async def use_default_setup(
    services: Services, name: str, etag: str | None, changed_by: str, *, preview: bool
) -> DefaultSetup:
    """A standard mapping as it is shipped; one that was deleted comes back.

    Raises Problem: 409 for a mapping that is no standard one, 412 for another version, 400 where it does not fit beside
    the others any more.
    """
    stored = await services.mappings.get(name)
    standard = next((one for one in services.standard_mappings if one.name == name.upper()), None)
    if standard is None:
        names = ", ".join(one.name for one in services.standard_mappings)
        raise Problem(409, "no_default_setup", f"{name} is no standard mapping. Those are {names}.", field="mapping")
    if stored is not None:
        refuse_other_version(stored, etag)
    return await _reset(services, standard, stored, changed_by, preview=preview)


async def use_default_setups(services: Services, changed_by: str, *, preview: bool) -> list[DefaultSetup]:
    """All standard mappings as they are shipped, one after the other. Custom mappings stay as they are."""
    stored = {one.mapping.name: one for one in await services.mappings.all()}
    return [
        await _reset(services, standard, stored.get(standard.name), changed_by, preview=preview)
        for standard in services.standard_mappings
    ]


async def _reset(
    services: Services, standard: Mapping, stored: StoredMapping | None, changed_by: str, *, preview: bool
) -> DefaultSetup:
    before = stored.mapping if stored else None
    fields = (*standard.fields, *extra_lines().get(standard.name, ()))
    after = standard.model_copy(update={"fields": fields, "enabled": before.enabled if before else standard.enabled})
    changes, etag = differences(before, after), stored.etag if stored else None
    if not changes or preview:
        return DefaultSetup(after.name, changes, etag)
    described = await checked(services, after, await mappings_beside(services, after.name), before)
    saved = await save_mapping(services, after, described.read, etag, changed_by)
    return DefaultSetup(after.name, changes, saved.etag)
