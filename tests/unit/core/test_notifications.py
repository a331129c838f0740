"""What is told and when: nothing twice, together what belongs together, and that it is solved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.core.notifications import (
    MOST_SHOWN,
    Card,
    Desk,
    Finding,
    Kind,
    Topic,
    began,
    delivered,
    failed,
    may_send,
    weigh,
)

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
EVERY = timedelta(minutes=15)
LATE = Finding("late|CUSTOMER", Topic.LATE, "It is late.", "CUSTOMER")
LATE_TOO = Finding("late|VENDOR", Topic.LATE, "It is late, too.", "VENDOR")


def errors(mark: str, count: int = 1) -> Finding:
    """Errors of one cause, the youngest from `mark`."""
    return Finding("errors|CUSTOMER|x", Topic.ERRORS, f"{count} records", "CUSTOMER", count, mark)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


class Office:
    """The desk over time: `find` tells what is found at each minute; every message arrives."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.minute = 0
        self.sent: list[tuple[int, Card]] = []

    def find(self, *found: Finding, minutes: int = 1) -> Office:
        for _ in range(minutes):
            now = after(self.minute)
            if may_send(self.desk, now, EVERY):
                outbox = weigh(self.desk, found, "default", now)
                if outbox.card is not None:
                    self.sent.append((self.minute, outbox.card))
                    self.desk = delivered(self.desk, outbox.afterwards, now)
                else:
                    self.desk = Desk(outbox.open, self.desk.last_sent_at)
            self.minute += 1
        return self

    @property
    def told(self) -> list[tuple[int, str, list[str]]]:
        """When, which kind, of what."""
        return [(minute, card.kind.value, [one.key for one in card.findings]) for minute, card in self.sent]


CASES = {
    "nothing is nothing": (Office().find(minutes=100), []),
    "it is told once, two minutes after it was found": (
        Office().find(LATE, minutes=1000),
        [(2, "problem", ["late|CUSTOMER"])],
    ),
    "what passes by itself is not told": (Office().find(LATE, minutes=2).find(minutes=60), []),
    "what comes within two minutes comes together": (
        Office().find(LATE).find(LATE, LATE_TOO, minutes=60),
        [(2, "problem", ["late|CUSTOMER", "late|VENDOR"])],
    ),
    "what is held back is in the next": (
        Office().find(LATE, minutes=5).find(LATE, LATE_TOO, minutes=60),
        [(2, "problem", ["late|CUSTOMER"]), (19, "problem", ["late|VENDOR"])],
    ),
    "solved is told once": (
        Office().find(LATE, minutes=30).find(minutes=100),
        [(2, "problem", ["late|CUSTOMER"]), (30, "solved", ["late|CUSTOMER"])],
    ),
    "solved comes not too soon either": (
        Office().find(LATE, minutes=5).find(minutes=100),
        [(2, "problem", ["late|CUSTOMER"]), (17, "solved", ["late|CUSTOMER"])],
    ),
    "one of two solved is not told": (
        Office().find(LATE, LATE_TOO, minutes=30).find(LATE, minutes=60),
        [(2, "problem", ["late|CUSTOMER", "late|VENDOR"])],
    ),
    "what comes and goes is told once": (
        Office().find(LATE, LATE_TOO, minutes=30).find(LATE, minutes=30).find(LATE, LATE_TOO, minutes=30),
        [(2, "problem", ["late|CUSTOMER", "late|VENDOR"])],
    ),
    "after it was solved it is told again": (
        Office().find(LATE, minutes=30).find(minutes=30).find(LATE, minutes=30),
        [(2, "problem", ["late|CUSTOMER"]), (30, "solved", ["late|CUSTOMER"]), (62, "problem", ["late|CUSTOMER"])],
    ),
    "younger errors are news, fewer are not": (
        Office().find(errors("1"), minutes=30).find(errors("2"), minutes=30).find(errors("1"), minutes=30),
        [(2, "problem", ["errors|CUSTOMER|x"]), (32, "problem", ["errors|CUSTOMER|x"])],
    ),
    "running again is told though errors are left": (
        Office().find(errors("1"), LATE, minutes=30).find(errors("1"), minutes=60).find(minutes=60),
        [
            (2, "problem", ["late|CUSTOMER", "errors|CUSTOMER|x"]),
            (30, "solved", ["late|CUSTOMER"]),
            (90, "solved", ["errors|CUSTOMER|x"]),
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_told_when(name: str) -> None:
    office, expected = CASES[name]
    assert office.told == expected


def test_a_message_has_room_for_so_many() -> None:
    names = [f"M{number:02}" for number in range(MOST_SHOWN + 5)]
    found = [Finding(f"late|{name}", Topic.LATE, f"{name} is late.", name) for name in names]
    ((_, card),) = Office().find(*found, minutes=10).sent
    assert (len(card.findings), card.further) == (MOST_SHOWN, 5)
    assert card.title == "25 things need a person"


@pytest.mark.parametrize(("left", "title"), [([], "Solved: nothing"), ([errors("1")], "Synchronization runs again")])
def test_a_solution_says_whether_all_is_well(left: list[Finding], title: str) -> None:
    sent = Office().find(LATE, *left, minutes=30).find(*left, minutes=30).sent
    assert sent[1][1].kind is Kind.SOLVED
    assert sent[1][1].title.startswith(title)


def test_a_message_that_did_not_arrive_is_tried_again_ever_more_rarely() -> None:
    desk, waits = Desk(), []
    for _ in range(7):
        desk = failed(began(desk, START), "away", START)
        assert desk.retry_at is not None
        waits.append((desk.retry_at - START).total_seconds() / 60)
        assert not may_send(desk, START, EVERY)
        assert may_send(desk, desk.retry_at, EVERY)
    assert waits == [1, 2, 4, 8, 15, 15, 15]
    assert (desk.failures, desk.trouble) == (7, "away")
    assert delivered(desk, {}, START) == Desk(last_sent_at=START)


@pytest.mark.parametrize(("minutes", "may"), [(4, False), (5, True)])
def test_while_somebody_sends_nobody_else_does(minutes: float, may: bool) -> None:
    assert may_send(began(Desk(), START), after(minutes), EVERY) is may


def test_mappings_that_stopped_with_the_same_words_are_one_thing() -> None:
    same = Finding("late|VENDOR", Topic.LATE, LATE.sentence, "VENDOR")
    ((_, card),) = Office().find(LATE, same, errors("1"), minutes=10).sent
    assert card.title == "2 things need a person"
    assert [one.mapping for one in card.findings] == ["CUSTOMER, VENDOR", "CUSTOMER"]
