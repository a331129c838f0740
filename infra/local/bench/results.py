"""What was measured, as it stands in the JSON: one record for each case, and for what is measured besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """Something to reach: what it is, the most that is allowed (or the least), what was measured."""

    what: str
    limit: float
    measured: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


@dataclass(frozen=True)
class Peer:
    """What somebody else would need for the same: requests by side and seconds."""

    calls: Mapping[str, float]
    seconds: float


@dataclass
class CaseResult:
    """One case. `records` is what "per 1,000" refers to; `next_run` what our own writes cost when the feeds bring them.

    `calls` were counted where they left, `served` where they came in. `busy` is the share of the time that each
    simulator was at work, `late` how many of its answers took longer than stated: times tell about the app as long as
    both are small. `complaints` say what was wrong with the end state of `compared` rows.
    """

    name: str
    title: str
    records: int
    calls: Mapping[str, int] = field(default_factory=dict)
    served: Mapping[str, int] = field(default_factory=dict)
    writes: Mapping[str, int] = field(default_factory=dict)
    busy: Mapping[str, float] = field(default_factory=dict)
    late: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    processor_seconds: float = 0.0
    slices: int = 0
    transactions: Mapping[str, int] = field(default_factory=dict)
    next_run: Mapping[str, int] = field(default_factory=dict)
    ideal: Peer | None = None
    loop: Peer | None = None
    compared: int = 0
    wrong: int = 0
    complaints: Sequence[str] = ()
    targets: Sequence[Target] = ()

    @property
    def right(self) -> bool:
        """Whether both sides hold what they must, and both have counted the same."""
        return not self.wrong and dict(self.calls) == dict(self.served)

    def per_thousand(self, side: str) -> float:
        """Calls to `side` for each 1,000 records."""
        return self.calls[side] * 1000 / self.records if self.records else float(self.calls[side])

    @property
    def all_transactions(self) -> int:
        """Transactions of the state, of all kinds."""
        return sum(self.transactions.values())


@dataclass
class Measure:
    """Something measured besides the cases: named numbers, what is to be reached, and remarks for people."""

    name: str
    title: str
    figures: Mapping[str, float | None] = field(default_factory=dict)
    targets: Sequence[Target] = ()
    notes: Sequence[str] = ()
    tables: Mapping[str, Sequence[tuple[str, float]]] = field(default_factory=dict)


@dataclass
class Report:
    """Everything from one run."""

    made_at: str
    machine: str
    records: int
    storage: str
    latency: Mapping[str, float]
    cases: list[CaseResult] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)

    @property
    def everything(self) -> list[CaseResult | Measure]:
        """Cases and measures."""
        return [*self.cases, *self.measures]

    @property
    def right(self) -> bool:
        """Whether every end state was right."""
        return all(case.right for case in self.cases)
