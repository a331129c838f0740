"""Playing many seeds, on several processors if there are any."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import batched
from multiprocessing import get_context

from tests.simulation.scenario import Plan
from tests.simulation.simulation import Outcome, play

AT_ONCE = 25  # seeds that a process plays before it reports


@dataclass(frozen=True, slots=True)
class Played:
    """Some seeds: how many, what happened in them, and the first that broke a law."""

    seeds: int
    happened: Counter[str]
    broken: Outcome | None = None


def outcomes(seeds: range, jobs: int) -> Iterator[Played]:
    """Play seeds, a few at a time, in as many processes."""
    chunks = iter(batched(seeds, AT_ONCE, strict=False))
    if jobs < 2:
        yield from map(play_some, chunks)
        return
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    running: set[Future[Played]] = set()
    try:
        while True:
            while len(running) < 2 * jobs and (chunk := next(chunks, None)) is not None:
                running.add(pool.submit(play_some, chunk))
            if not running:
                return
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def play_some(seeds: Sequence[int]) -> Played:
    """Play these seeds up to the first that breaks a law."""
    logging.disable(logging.CRITICAL)
    happened = Counter[str]()
    try:
        for number, seed in enumerate(seeds, start=1):
            outcome = play(Plan(seed))
            happened += outcome.happened
            if outcome.broken is not None:
                return Played(number, happened, outcome)
    finally:
        logging.disable(logging.NOTSET)
    return Played(len(seeds), happened)


def first_broken(seeds: Sequence[int]) -> tuple[int | None, str]:
    """The first seed that breaks a law, and the law."""
    outcome = play_some(seeds).broken
    return (None, "") if outcome is None or outcome.broken is None else (outcome.plan.seed, outcome.broken.law)
