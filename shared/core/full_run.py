"""How a full synchronization differs from a scheduled run: what is stored with the run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FullRun:
    """How a full synchronization goes, beside comparing every record.

    `forced` (from the review): uncoupled records are coupled or created, whatever *Synch. Only Coupled Records* says,
    and no conflict is left to a person. `unconditional`: the source's data is written wherever the destination differs.
    `release_guard`: the run may take away more than is plausible.
    """

    forced: bool = False
    unconditional: bool = False
    release_guard: bool = False
