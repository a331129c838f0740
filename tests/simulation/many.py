"""Playing many seeds, on several processors if there are any."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from itertools import batched
from multiprocessing import get_context, parent_process

from tests.simulation.scenario import Plan
from tests.simulation.simulation import Outcome, play

AT_ONCE = 25  # seeds that a process plays before it reports


@dataclass(frozen=True, slots=True)
class Played:
    """Some seeds: how many, what happened in them, and those that broke a law."""

    seeds: int
    happened: Counter[str]
    broken: tuple[Outcome, ...] = ()


def outcomes(seeds: Sequence[int], jobs: int, *, go_on: bool = False) -> Iterator[Played]:
    """Play seeds, a few at a time, in as many processes; see `play_some`."""
    chunks = iter(batched(seeds, AT_ONCE, strict=False))
    play_chunk = partial(play_some, go_on=go_on)
    if jobs < 2:
        yield from map(play_chunk, chunks)
        return
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    running: set[Future[Played]] = set()
    try:
        while True:
            while len(running) < 2 * jobs and (chunk := next(chunks, None)) is not None:
                running.add(pool.submit(play_chunk, chunk))
            if not running:
                return
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def play_some(seeds: Sequence[int], *, go_on: bool = False) -> Played:
    """Play these seeds up to the first that breaks a law, or all of them with `go_on`; none after its command died."""
    logging.disable(logging.CRITICAL)
    happened, broken, played = Counter[str](), list[Outcome](), 0
    try:
        for seed in seeds:
            if (command := parent_process()) is not None and not command.is_alive():
                os._exit(1)  # nobody is left to report to, and the pool would wait for more for ever
            outcome = play(Plan(seed))
            happened += outcome.happened
            played += 1
            if outcome.broken is not None:
                broken.append(outcome)
                if not go_on:
                    break
    finally:
        logging.disable(logging.NOTSET)
    return Played(played, happened, tuple(broken))


def first_broken(seeds: Sequence[int]) -> tuple[int | None, str]:
    """The first seed that breaks a law, and the law."""
    found = play_some(seeds).broken
    return (found[0].plan.seed, found[0].law) if found else (None, "")
