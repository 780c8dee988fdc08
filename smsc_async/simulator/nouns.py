"""What the gateway asks of each noun: a path, its actions and their limits, and to act."""

from __future__ import annotations

from typing import Protocol

import attrs

from smsc_async.simulator.accounts import Account
from smsc_async.simulator.moments import Moments
from smsc_async.simulator.replies import Answer
from smsc_async.simulator.request import Compared, Request
from smsc_async.simulator.switches import Switches
from smsc_async.simulator.windows import Limit


@attrs.frozen(kw_only=True)
class Call:
    """A request that was let in, with the account it acts for."""

    action: str
    request: Request
    account: Account
    switches: Switches
    moments: Moments  # with dates in the account's time zone
    number: int = 0  # of the arrival

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

    @property
    def public(self) -> bool:
        """Whether anybody may ask, without a login; then nothing is counted."""
        ...

    def action(self, request: Request) -> str | None:
        """Name what the request asks for; None where it asks for nothing (error 1)."""
        ...

    def limits(self, action: str) -> tuple[Limit, ...]:
        """Give the documented limits of *action*."""
        ...

    def compared(self, request: Request, switches: Switches) -> Compared:
        """Give what makes requests of this endpoint identical."""
        ...

    def pays(self, action: str) -> bool:
        """Tell whether *action* charges, allots or sends something."""
        ...

    def act(self, call: Call) -> Answer:
        """Carry the call out. Called under the simulator's lock; never waits."""
        ...


class Plain:
    """What most nouns have in common: they are for clients, who are known by every parameter of what they ask."""

    public = False

    def compared(self, request: Request, switches: Switches) -> Compared:  # noqa: ARG002 - others need them
        """Give every parameter that matters."""
        return request.compared()
