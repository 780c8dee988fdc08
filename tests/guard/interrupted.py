"""A program that a signal interrupts, again and again, while it asks a guard; it ends badly where the guard hangs."""

from __future__ import annotations

import signal
import sys
import threading

from smsc_async.guard import LocalGuard, Outcome
from tests.guard.demands import PLENTY, demand

INTERRUPTS = 300


class Striker:
    """Raises what Ctrl-C raises, once, a moment after it was armed."""

    def __init__(self) -> None:
        self.armed = False
        signal.signal(signal.SIGALRM, self.strike)

    def arm(self, seconds: float) -> None:
        self.armed = True
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def strike(self, *_: object) -> None:
        if self.armed:
            self.armed = False
            raise KeyboardInterrupt


async def work(guard: LocalGuard, striker: Striker, seconds: float) -> None:
    """Take and give back, until interrupted."""
    lease = await guard.acquire(demand(rule=PLENTY))
    striker.arm(seconds)
    while striker.armed:
        guard.finish(lease, Outcome.UNSENT)
        lease = await guard.acquire(demand(rule=PLENTY))


def usable(guard: LocalGuard) -> bool:
    """Tell whether another thread gets an answer."""
    asked = threading.Thread(target=guard.usage, args=["account"], daemon=True)
    asked.start()
    asked.join(5.0)
    return not asked.is_alive()


def main() -> None:
    """Interrupt at moments that differ by a hair."""
    striker = Striker()
    struck = 0
    for attempt in range(10 * INTERRUPTS):
        guard = LocalGuard()
        try:
            work(guard, striker, 0.000_03 + attempt % 50 * 0.000_001).send(None)
        except KeyboardInterrupt:
            struck += 1
        except StopIteration:  # the signal fell where Python cannot let an interrupt out
            pass
        if not usable(guard):
            sys.exit(f"hangs after {struck} interrupts")
        if struck == INTERRUPTS:
            sys.stdout.write(f"{struck} interrupts, and the guard could be used after each\n")
            return
    sys.exit(f"only {struck} interrupts")


if __name__ == "__main__":
    main()
