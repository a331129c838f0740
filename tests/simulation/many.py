"""Playing many seeds, on several processors if there are any."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import batched
from multiprocessing import get_context

from tests.simulation.scenario import Plan
from tests.simulation.simulation import Outcome, play

AT_ONCE = 25  # seeds that a process plays before it reports


def outcomes(seeds: range, jobs: int) -> Iterator[tuple[int, Outcome | None]]:
    """How many seeds were played, and the first that broke a law among them."""
    chunks = iter(batched(seeds, AT_ONCE, strict=False))
    if jobs < 2:
        yield from map(play_some, chunks)
        return
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    running: set[Future[tuple[int, Outcome | None]]] = set()
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


def play_some(seeds: Sequence[int]) -> tuple[int, Outcome | None]:
    """Play these seeds up to the first that breaks a law."""
    logging.disable(logging.CRITICAL)
    for number, seed in enumerate(seeds, start=1):
        outcome = play(Plan(seed))
        if outcome.broken is not None:
            return number, outcome
    return len(seeds), None
