"""What the gateway asks of each noun: a path, its actions and their limits, and to act."""

from __future__ import annotations

from typing import Protocol

import attrs

from smsc_async.simulator.accounts import Account
from smsc_async.simulator.moments import Moments
from smsc_async.simulator.replies import Answer
from smsc_async.simulator.request import Request
from smsc_async.simulator.switches import Switches
from smsc_async.simulator.windows import Limit


@attrs.frozen(kw_only=True)
class Call:
    """A request that was let in, with the account it acts for."""

    action: str
    request: Request
    account: Account
    switches: Switches
    moments: Moments

    @property
    def now(self) -> float:
        """The true time."""
        return self.moments.now()


class Noun(Protocol):
    """One endpoint of the gateway, with its state; another is a module with such a class and a line in `Simulator`."""

    @property
    def path(self) -> str:
        """The file name in the address, such as ``"balance.php"``."""
        ...

    def action(self, request: Request) -> str | None:
        """Name what the request asks for; None where it asks for nothing (error 1)."""
        ...

    def limits(self, action: str) -> tuple[Limit, ...]:
        """Give the documented limits of *action*."""
        ...

    def pays(self, action: str) -> bool:
        """Tell whether *action* charges, allots or sends something."""
        ...

    def act(self, call: Call) -> Answer:
        """Carry the call out. Called under the simulator's lock; never waits."""
        ...
