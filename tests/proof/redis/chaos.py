"""
Many processes share a guard while they are killed and stopped, and its store is killed, emptied and cut off.

A gateway of a few lines counts: it notes when each request came and when it was answered, and judges by its own log.
Which guard the processes use is a name, so that another guard goes through the same run.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from tests.guard.redis.servers import Server, binaries

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FACTORIES", "NUMBERS", "Gateway", "Judgement", "chaos"]

# The minute is shortened, and everything with it but what two processes of one machine need.
NUMBERS: dict[str, float] = {"window": 1.5, "margin": 0.3, "lateness": 0.3}
LASTS = 1.0  # seconds that an exchange may take
KEYS = 40
LIMIT = 3
SLOTS = 14


def redis_guard(place: str) -> Any:
    """Give the guard of a process; *place* is what the run passes on."""
    from smsc_async.guard import RedisGuard

    return RedisGuard(place, **NUMBERS, longest=LASTS, longest_file=LASTS)


FACTORIES: dict[str, Callable[[str], Any]] = {"redis": redis_guard}


class Gateway:
    """Counts requests: a line of text with a key is one; it is answered after a while."""

    def __init__(self) -> None:
        self.spans: dict[str, list[tuple[float, float]]] = defaultdict(list)  # counted at, and over at
        self.most = 0
        self.count = 0
        self.answered = 0
        self._active = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        chance = random.Random()
        with connection:
            connection.settimeout(10.0)
            try:
                key = connection.recv(100).decode()
            except OSError:
                return
            if not key:
                return
            with self._lock:
                began = time.monotonic()
                self._active += 1
                self.count += 1
                self.most = max(self.most, self._active)
                self.spans[key].append((began, began))
            time.sleep(chance.uniform(0.005, 0.12))
            with self._lock:
                self._active -= 1  # before the answer: who reads it may begin the next request at once
            try:
                connection.sendall(b"ok")
                self.answered += 1
            except OSError:
                pass

    def fullest(self) -> int:
        """Give the most requests of a key within any window."""
        most = 0
        for spans in self.spans.values():
            moments = sorted(began for began, _ in spans)
            for place, moment in enumerate(moments):
                most = max(most, sum(moment <= other < moment + NUMBERS["window"] for other in moments[place:]))
        return most

    def close(self) -> None:
        self._listener.close()


@attrs.frozen
class Judgement:
    """What came of a run."""

    requests: int
    fullest: int  # of a key, in a window
    most: int  # in flight
    killed: int
    stopped: int
    store: dict[str, int]

    @property
    def holds(self) -> bool:
        return self.fullest <= LIMIT and self.most <= SLOTS


def chaos(
    *, guard: str = "redis", kind: str = "valkey", requests: int = 3_000, workers: int = 8, seconds: float = 600.0, seed: int = 0
) -> Judgement:
    """Let it rain for as many requests; kills and stops come at a rate that gives a hundred and fifty."""
    chance = random.Random(seed)
    gateway = Gateway()
    done: dict[str, int] = defaultdict(int)
    killed = stopped = 0
    with Server(binaries()[kind], "--appendonly", "yes") as store:

        def start() -> subprocess.Popen[bytes]:
            words = [sys.executable, "-m", "tests.proof.redis.worker", guard, store.url, str(gateway.port)]
            env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
            return subprocess.Popen(words, env=env, stderr=subprocess.DEVNULL)

        processes = [start() for _ in range(workers)]
        until = time.monotonic() + seconds
        next_store = gateway.count + requests // 20
        try:
            while gateway.count < requests and time.monotonic() < until:
                time.sleep(chance.uniform(0.02, 0.3))
                dice = chance.random()
                if dice < 0.2 and killed < 100 * requests / 3_000:
                    place = chance.randrange(workers)
                    processes[place].kill()
                    processes[place].wait()
                    processes[place] = start()
                    killed += 1
                elif dice < 0.3 and stopped < 50 * requests / 3_000:
                    _stop(chance.choice(processes), chance.choice((0.05, 0.5, 1.5, 3.0)))
                    stopped += 1
                if gateway.count >= next_store:
                    next_store = gateway.count + requests // 20
                    what = chance.choice(("kill", "kill, empty", "flush", "scripts", "evict", "clock"))
                    _hurt(store, what)
                    done[what] += 1
        finally:
            for process in processes:
                process.kill()
                process.wait()
        time.sleep(0.3)
    gateway.close()
    return Judgement(gateway.count, gateway.fullest(), gateway.most, killed, stopped, dict(done))


def _stop(process: subprocess.Popen[bytes], seconds: float) -> None:
    process.send_signal(signal.SIGSTOP)
    threading.Timer(seconds, process.send_signal, [signal.SIGCONT]).start()


def _hurt(store: Server, what: str) -> None:
    if what.startswith("kill"):
        store.kill()
        if what == "kill, empty":
            store.forget()
        store.start()
        return
    client = store.client()
    if what == "flush":
        client.flushall()
    elif what == "scripts":
        client.script_flush()
    elif what == "evict":
        for name in client.scan_iter("{smsc:*}"):
            client.delete(name)
    client.close()


def report(judgement: Judgement) -> str:
    """Say it in a line of JSON."""
    return json.dumps({**attrs.asdict(judgement), "holds": judgement.holds})
