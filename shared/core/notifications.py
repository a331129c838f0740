"""What the app tells people by itself: what is found, what of it is new, when it is told, and that it is solved.

Nothing is told twice. What comes within two minutes comes together, and from one message to the next a while passes;
what is held back is in the next one, unless it is solved by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

SETTLING = timedelta(minutes=2)
LOST_AFTER = timedelta(minutes=5)  # who sends takes seconds: then it has died, and the message is sent once more
LONGEST_RETRY = timedelta(minutes=15)
MOST_SHOWN = 20  # findings in a message: Teams takes 28 KB


class Topic(StrEnum):
    """What kind of thing needs a person."""

    ERRORS = "errors"
    GUARD = "guard"
    FAILED = "failed"
    LATE = "late"
    DEAD_LETTERS = "dead letters"

    @property
    def is_interruption(self) -> bool:
        """Whether synchronization itself has stopped, not just single records."""
        return self is not Topic.ERRORS


class Kind(StrEnum):
    """What a message is about."""

    PROBLEM = "problem"
    SOLVED = "solved"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that needs a person. The same thing has the same `key` each time it is found.

    `mark` grows when there is more of it: errors that are younger, say. `samples` are numbers and names of records.
    """

    key: str
    topic: Topic
    sentence: str
    mapping: str | None = None
    count: int = 1
    mark: str = ""
    samples: tuple[str, ...] = ()
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One message. `further` is how many findings it has no room for."""

    kind: Kind
    connection: str
    title: str
    at: datetime
    findings: tuple[Finding, ...] = ()
    further: int = 0


@dataclass(frozen=True, slots=True)
class Open:
    """What is open: since when, and the mark up to which people were told of it (None: not yet).

    `news_since` is since when there is more of it than they know; None: they know it all.
    """

    topic: Topic
    sentence: str
    since: datetime
    mapping: str | None = None
    told: str | None = None
    news_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What was told of one connection, as it is stored.

    `open` are the findings by key, those included that are solved and not yet told to be. `sending_at` is when a
    message was begun to be sent. `failures` counts the tries in a row that came to nothing, `trouble` says why,
    `retry_at` when the next one is.
    """

    open: dict[str, Open] = field(default_factory=dict)
    last_sent_at: datetime | None = None
    sending_at: datetime | None = None
    failures: int = 0
    trouble: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outbox:
    """What is open now, what to send, if anything, and what is open when that has arrived."""

    open: dict[str, Open]
    card: Card | None = None
    afterwards: dict[str, Open] = field(default_factory=dict)


def may_send(desk: Desk, now: datetime, every: timedelta) -> bool:
    """Whether it is time for a message: not too soon after the last one, and not before a failed one's next try."""
    if desk.sending_at is not None and now - desk.sending_at < LOST_AFTER:
        return False  # somebody is just sending one
    if desk.retry_at is not None and now < desk.retry_at:
        return False
    return desk.last_sent_at is None or now - desk.last_sent_at >= every


def weigh(desk: Desk, found: Sequence[Finding], connection: str, now: datetime) -> Outbox:
    """What to tell. What nobody was told of and is gone is forgotten silently."""
    seen = {one.key: _seen(desk.open.get(one.key), one, now) for one in found}
    gone = {key: one for key, one in desk.open.items() if key not in seen and one.told is not None}
    news = [one for one in found if seen[one.key].news_since is not None]
    if any(now - since >= SETTLING for one in news if (since := seen[one.key].news_since) is not None):
        told = {one.key: replace(seen[one.key], told=one.mark, news_since=None) for one in news}
        return Outbox(seen | gone, _problems(news, connection, now), seen | told | gone)
    solved = {} if news else _solved(gone, seen)
    if solved:
        left = {key: one for key, one in gone.items() if key not in solved}
        return Outbox(seen | gone, _solution(solved, len(seen), connection, now), seen | left)
    return Outbox(seen | gone)


def began(desk: Desk, now: datetime) -> Desk:
    """A message is about to be sent."""
    return replace(desk, sending_at=now)


def delivered(desk: Desk, afterwards: Mapping[str, Open], now: datetime) -> Desk:
    """A message has arrived."""
    return Desk(dict(afterwards), last_sent_at=now)


def failed(desk: Desk, trouble: str, now: datetime) -> Desk:
    """A message could not be delivered: once more later, ever more rarely."""
    pause = min(timedelta(minutes=2 ** min(desk.failures, 10)), LONGEST_RETRY)
    return replace(desk, sending_at=None, failures=desk.failures + 1, trouble=trouble, retry_at=now + pause)


def _seen(before: Open | None, found: Finding, now: datetime) -> Open:
    """What is open of a finding."""
    if before is None:
        return Open(found.topic, found.sentence, now, found.mapping, news_since=now)
    is_news = before.told is None or found.mark > before.told
    return replace(before, sentence=found.sentence, news_since=(before.news_since or now) if is_news else None)


def _solved(gone: Mapping[str, Open], seen: Mapping[str, Open]) -> dict[str, Open]:
    """Of what is gone, what is told to be solved: interruptions when none is left, errors when nothing at all is."""
    interrupted = any(one.topic.is_interruption for one in seen.values())
    return {key: one for key, one in gone.items() if not seen or (one.topic.is_interruption and not interrupted)}


def _problems(news: Sequence[Finding], connection: str, now: datetime) -> Card:
    """Interruptions first."""
    found = _merged(sorted(news, key=lambda one: (not one.topic.is_interruption, one.key)))
    title = "1 thing needs a person" if len(found) == 1 else f"{len(found)} things need a person"
    return Card(Kind.PROBLEM, connection, title, now, tuple(found[:MOST_SHOWN]), max(0, len(found) - MOST_SHOWN))


def _merged(found: Sequence[Finding]) -> list[Finding]:
    """Several mappings that stopped with the same words are one thing: they have one cause."""
    groups: dict[object, list[Finding]] = {}
    for one in found:
        alike = (one.topic, one.sentence) if one.topic.is_interruption and one.mapping else one.key
        groups.setdefault(alike, []).append(one)
    return [replace(group[0], mapping=_names(group)) for group in groups.values()]


def _names(group: Sequence[Finding]) -> str | None:
    return ", ".join(one.mapping for one in group if one.mapping) or None


def _solution(solved: Mapping[str, Open], left: int, connection: str, now: datetime) -> Card:
    title = "Synchronization runs again" if left else "Solved: nothing needs a person any more"
    shown = _merged([Finding(key, one.topic, one.sentence, one.mapping) for key, one in sorted(solved.items())])
    return Card(Kind.SOLVED, connection, title, now, tuple(shown[:MOST_SHOWN]), max(0, len(shown) - MOST_SHOWN))
