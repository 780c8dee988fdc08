"""Faults on request: which requests are disturbed, how often, and in what order."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import attrs

from smsc_async.simulator.disturbance import Disturbance, Effect
from smsc_async.simulator.request import Request


@attrs.define(eq=False)
class Fault:
    """
    An effect, and which requests it befalls.

    Args:
        effect: What happens: `Drop`, `Delay`, `HttpStatus` and so on.
        endpoint: Only requests of this endpoint, such as ``"receive_phones.php"``; the ``.php`` may be left out.
        action: Only this action: ``"get"``, ``"buy"``, ``"chg"``, ``"wait_call"``, ``"get_list"``, ``"get_file"``,
            ``"balance"``, ``"get_answers"``, ``"send"``, ``"cost"``, ``"status"``, ``"statuses"`` (many), ``"delete"``,
            ``"deletes"``, ``"imgcode"``.
        when: Only requests for which this is true.
        times: How often at most; None: without end.
        skip: How many matching requests pass unharmed first.
        chance: With what probability, by the simulator's own random numbers (see its ``seed``).
        name: What the log calls it; the effect's name by default.
    """

    effect: Effect
    endpoint: str | None = attrs.field(default=None, kw_only=True)
    action: str | None = attrs.field(default=None, kw_only=True)
    when: Callable[[Request], bool] | None = attrs.field(default=None, kw_only=True, repr=False)
    times: int | None = attrs.field(default=1, kw_only=True)
    skip: int = attrs.field(default=0, kw_only=True)
    chance: float = attrs.field(default=1.0, kw_only=True)
    name: str = attrs.field(default="", kw_only=True)
    hits: int = attrs.field(init=False, default=0)  # how often it struck

    @property
    def spent(self) -> bool:
        """Whether it has struck as often as it may."""
        return self.times is not None and self.hits >= self.times

    @property
    def title(self) -> str:
        """What the log calls it."""
        return self.name or type(self.effect).__name__

    def strikes(self, request: Request, action: str | None, random: Random) -> bool:
        """Decide whether this request is befallen, and count it if so."""
        if self.spent or not self._matches(request, action):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.chance < 1 and random.random() >= self.chance:
            return False
        self.hits += 1
        return True

    def _matches(self, request: Request, action: str | None) -> bool:
        if self.endpoint is not None and self.endpoint.removesuffix(".php") != request.endpoint.removesuffix(".php"):
            return False
        if self.action is not None and self.action != action:
            return False
        return self.when is None or self.when(request)


class Faults:
    """
    The faults in force, in the order of adding.

    All that match strike together: delays add up, and of two that replace the answer the later one wins.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._faults: list[Fault] = []

    def __repr__(self) -> str:
        return f"<Faults {self._faults}>"

    def __len__(self) -> int:
        return len(self._faults)

    def add(self, *faults: Fault) -> Fault:
        """Put faults in force; give the last one back, whose ``hits`` can be read."""
        self._faults = [*self._faults, *faults]
        return faults[-1]

    def remove(self, fault: Fault) -> None:
        """Take a fault out of force."""
        self._faults = [other for other in self._faults if other is not fault]

    def clear(self) -> None:
        """Take all faults out of force."""
        self._faults = []

    def disturb(self, request: Request, action: str | None) -> Disturbance:
        """Work out what befalls *request*."""
        disturbance = Disturbance(random=self._random)
        for fault in self._faults:
            if fault.strikes(request, action, self._random):
                disturbance.titles.append(fault.title)
                fault.effect.apply(disturbance)
        return disturbance
