"""A server on a moved clock, asked step by step, and guards that share it."""

from __future__ import annotations

import select
import time
from typing import Any

import anyio

from smsc_async.guard import Demand, Lease, Outcome
from smsc_async.guard.redis import RedisGuard
from smsc_async.testing import FakeClock
from tests.guard.demands import PLENTY, demand
from tests.guard.redis.servers import Server
from tests.proof.redis.differential import CLOCK

SCHEMA = "1 60000 1500 5000 14 4 30000 600000"
HASH = "{smsc:test}"
FENCE = 97.5  # seconds: an exchange, its grace, lateness, window and margin


class MovedServer:
    """The script on a server whose time stands still until it is moved."""

    def __init__(self, server: Server, script: str) -> None:
        self.server = server
        self.client = server.client()
        self.sha = self.client.script_load(script)
        self.clock = FakeClock(1000.0)
        self.ahead = 0.0  # of the server's time, before the clock's
        self._began = time.time() - 1000.0
        self.serials = 0
        self.guards: list[RedisGuard] = []
        self.set()

    # ---------------------------------------------------------------- time

    @property
    def now(self) -> int:
        """The server's time in milliseconds."""
        return round((self._began + self.clock.now() + self.ahead) * 1000)

    def set(self) -> None:
        """Let the server know the time."""
        seconds, millis = divmod(self.now, 1000)
        pipe = self.client.pipeline()
        pipe.delete(CLOCK)
        pipe.rpush(CLOCK, seconds, millis * 1000)
        pipe.execute()

    def move(self, seconds: float) -> None:
        """Let time pass, everywhere; nobody sleeps on the clock."""
        self.settle()
        self.clock._now += seconds
        self.set()

    async def advance(self, seconds: float) -> None:
        """Let time pass, and who sleeps on the clock wake up."""
        self.settle()
        self.clock._now += seconds
        self.set()
        self.clock._now -= seconds
        await self.clock.advance(seconds)

    def settle(self) -> None:
        """Let the server read what the guards have said so far."""
        for guard in self.guards:
            for link in guard._links._links.values():
                link.flush()
                if link._pending and not link.closed:
                    select.select([link._socket], [], [], 5.0)

    def step_clock(self, seconds: float) -> None:
        """Set the server's clock, and no other."""
        self.ahead += seconds
        self.set()

    # ---------------------------------------------------------------- the script

    def begin(self) -> None:
        """Let the fence of a new account pass."""
        self.take("begin.0")
        self.move(FENCE)
        self.take("begin.1", key="begun", n=1000)
        self.finish("begin.1", "ACCEPTED", key="begun", n=1000)
        self.move(700.0)

    def words(self, step: str, lease: str, more: object, wanted: dict[str, Any]) -> list[Any]:
        words: list[Any] = [step, wanted.get("schema", SCHEMA), lease, wanted.get("lasts", 30_000)]
        words += [wanted.get("seen", 0), wanted.get("elapsed", 0), wanted.get("sure", 0), more]
        words += ["cred", "gate", int(wanted.get("may_block", False))]
        return [*words, wanted.get("key", lease), wanted.get("n", 2), int(wanted.get("rests", True))]

    def run(self, step: str, lease: str, more: object, **wanted: Any) -> list[Any]:
        answer: list[Any] = self.client.evalsha(self.sha, 1, HASH, *self.words(step, lease, more, wanted))
        assert lease == answer[2]
        return [answer[0], *answer[3:]]

    def take(self, lease: str, *, waited: int = 0, **wanted: Any) -> list[Any]:
        """Ask for a call; by default of a key of its own."""
        return self.run("TAKE", lease, waited, **wanted)

    def finish(self, lease: str, outcome: str = "ACCEPTED", **wanted: Any) -> list[Any]:
        """Give it back."""
        return self.run("FINISH", lease, outcome, **wanted)

    # ---------------------------------------------------------------- guards

    def guard(self, **settings: Any) -> RedisGuard:
        """Give a guard as another process would have it."""
        made = RedisGuard(self.server.url, clock=self.clock, **settings)
        self.guards.append(made)
        return made

    def lift_the_fence(self) -> None:
        """Let every fence be over, as if its time had passed."""
        for name in self.client.scan_iter("{smsc:*}"):
            self.client.hset(name, mapping={"fence": 0, "far": 0})
            self.client.hdel(name, "s")

    async def ready(self, **settings: Any) -> RedisGuard:
        """Give a guard of an account that is known, and whose credentials were accepted."""
        guard = self.guard(**settings)
        try:
            lease = await guard.acquire(demand("accepted", PLENTY), deadline=self.clock.now() + 1.0)
        except Exception:
            self.lift_the_fence()
            guard._local.fenced_until.clear()
            lease = await guard.acquire(demand("accepted", PLENTY))
        guard.finish(lease, Outcome.ACCEPTED)
        return guard

    def account(self) -> dict[str, str]:
        """Give what the server knows of the account."""
        names = list(self.client.scan_iter("{smsc:*}"))
        assert 1 == len(names)
        found: dict[str, str] = self.client.hgetall(names[0])
        return found

    def close(self) -> None:
        """End the connections."""
        for guard in self.guards:
            guard.close()


async def until(holds: Any) -> None:
    """Wait until something holds; what comes over the network takes its time."""
    with anyio.fail_after(10.0):
        while not holds():
            await anyio.sleep(0.001)


async def admitted(guard: RedisGuard, wanted: Demand) -> Lease:
    """Give a call that must be admitted at once."""
    with anyio.fail_after(10.0):
        return await guard.acquire(wanted)
