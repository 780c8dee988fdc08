"""Interleaved rounds: each round asks every contender once, in an order of its own, so that noise meets all alike."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.harness.contenders import Contender, Worker

__all__ = ["RENEW", "Settings", "interleave", "progress"]

RENEW = 5  # rounds after which every contender gets a new process: hash seeds and layouts in memory differ by it


@dataclass(frozen=True)
class Settings:
    """How much is measured: *quick* is for seeing that everything runs, its figures mean nothing."""

    rounds: int = 25
    quick: bool = False

    def size(self, full: int, quick: int) -> int:
        """Choose how much one sample does."""
        return quick if self.quick else full

    def at_most(self, rounds: int) -> Settings:
        """Give settings with fewer rounds, for what takes long or does not vary."""
        return Settings(min(self.rounds, rounds), self.quick)


Samples = dict[str, dict[str, list[Any]]]  # by the contender's label and the request's name


def interleave(
    contenders: list[Contender], requests: Mapping[str, Mapping[str, Any]], settings: Settings, *, renew: int = RENEW
) -> Samples:
    """
    Measure.

    Args:
        contenders: Who takes part.
        requests: What each is asked in each round, by name; the first is also asked once for warming up.
        settings: How often.
        renew: After how many rounds each contender gets a new process.
    """
    samples: Samples = {contender.label: {name: [] for name in requests} for contender in contenders}
    workers: dict[str, Worker] = {}
    chance = random.Random(20_26)
    try:
        for number in range(settings.rounds):
            if number % renew == 0:
                _end(workers)
                for contender in contenders:
                    workers[contender.label] = Worker(contender)
                for worker in workers.values():
                    if not settings.quick:
                        worker.ask(**next(iter(requests.values())))
            for name, request in requests.items():
                for label in chance.sample(list(workers), len(workers)):
                    samples[label][name].append(workers[label].ask(**request))
            progress(number + 1, settings.rounds)
    finally:
        _end(workers)
    return samples


def _end(workers: dict[str, Worker]) -> None:
    while workers:
        workers.popitem()[1].end()


def progress(done: int, rounds: int) -> None:
    """Tell whoever waits how far it is."""
    done = min(done, rounds)
    if sys.stderr.isatty():
        print(f"\r  round {done} of {rounds}", end="\n" if done == rounds else "", file=sys.stderr, flush=True)
    elif done == rounds or done % 5 == 0:
        print(f"  round {done} of {rounds}", file=sys.stderr, flush=True)
