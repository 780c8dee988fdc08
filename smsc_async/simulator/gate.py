"""
Who gets in: the rules that hold for every endpoint, in the order in which the gateway is taken to apply them.

1. An unknown path is nobody's business (404).
2. A blocked address: error 4.
3. Wrong credentials, or a right one from an address that is not allowed: error 2. It is not counted in any window.
4. Fifteen or more in flight under the login, this one included: error 9, too many concurrent requests.
5. A full window: error 9, duplicate request.
6. Nothing to do: error 1.

A picture is for anybody: none of these rules holds for it.

In flight is a request from the moment its headers were there; under whose login is known only when its body was read,
so a request joins its login's count then (the judge, who has hindsight, counts it from its headers on). It leaves as
the last piece of its answer is handed over (just before, so that a client in another thread that has read the answer
is never ahead of the books), plus the switch `trailing`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final

from smsc_async.simulator.accounts import Account, Accounts
from smsc_async.simulator.blocks import Blocks
from smsc_async.simulator.log import Arrival, Log
from smsc_async.simulator.moments import Moments
from smsc_async.simulator.nouns import Call, Noun
from smsc_async.simulator.replies import Answer, Refusal
from smsc_async.simulator.request import Request
from smsc_async.simulator.switches import Switches
from smsc_async.simulator.windows import REFUSED_IN_FLIGHT, Slots, Windows

#: The action whose refusals make up the hundred in a row.
SEND: Final = "send"

#: The errors that make up the hundred, by the switch `bad_sends`.
BAD_SENDS: Final[dict[str, frozenset[int]]] = {
    "refused": frozenset({1, 3, 5, 6, 7, 8, 10}),
    "message": frozenset({6, 7, 8}),
    "all": frozenset({1, 3, 5, 6, 7, 8, 9, 10}),
}

#: Who asks for a picture.
ANYBODY: Final = Account(login="", password="")


class Gate:
    """Lets requests in or refuses them. Every method is called under the simulator's lock."""

    def __init__(self, *, accounts: Accounts, nouns: Mapping[str, Noun], moments: Moments, log: Log) -> None:
        self._accounts = accounts
        self._nouns = nouns
        self._moments = moments
        self._log = log
        self.windows: Windows = Windows(moments.minute)
        self.slots: Slots = Slots()
        self.blocks: Blocks = Blocks(moments.minute)
        self._inside: dict[int, tuple[Hashable, tuple[Hashable, ...]]] = {}  # number -> slot, windows to count in later

    def __repr__(self) -> str:
        return f"<Gate {len(self._inside)} inside>"

    def knows(self, request: Request) -> bool:
        """Tell whether there is such an endpoint."""
        return request.endpoint in self._nouns

    def action(self, request: Request) -> str | None:
        """Name what the request asks for."""
        noun = self._nouns.get(request.endpoint)
        return None if noun is None else noun.action(request)

    def arrive(self, arrival: Arrival, request: Request, switches: Switches) -> Call | Refusal:
        """Count the request, and let it in or refuse it."""
        noun = self._nouns[request.endpoint]
        action = noun.action(request)
        if noun.public:
            arrival.arrived_at = self._moments.now()
            arrival.action = action
            return self._call(arrival, request, ANYBODY, switches)
        account = self._accounts.claimed(request)
        login = account.login if account is not None else request.params.get("login") or None
        arrival.arrived_at = self._moments.now()
        arrival.action = action
        arrival.login = login
        arrival.key = noun.compared(request, switches)
        arrival.limits = () if action is None else noun.limits(action)
        arrival.phone = request.phone or request.params.get("phones", "")
        now = self._moments.gateway_now(switches.clock_rate)
        host = request.host if switches.separate_hosts else None
        slot = (login, host)
        if login is not None:
            self.slots.enter(slot, arrival.number)
        self._inside[arrival.number] = (slot, ())
        refused = self._refuse_person(arrival, request, account, now, switches)
        if refused is not None or account is None:
            return refused or Refusal("authorise")
        windows = _windows(arrival, host, switches)
        limits = tuple(zip(windows, arrival.limits, strict=True))
        if self.slots.active(slot, now) >= REFUSED_IN_FLIGHT:
            refused = Refusal("concurrency")
        elif any(self.windows.full(window, limit, now, switches) for window, limit in limits):
            refused = Refusal("duplicate")
        if refused is None or switches.refused_counts:
            if switches.counted_at == "arrival":
                self.windows.count(windows, now)
            else:
                self._inside[arrival.number] = (slot, windows)
        if refused is not None or action is None:
            refused = refused or Refusal("parameters")
            self.acted(arrival, refused, switches)
            return refused
        return self._call(arrival, request, account, switches)

    def acted(self, arrival: Arrival, answer: Answer, switches: Switches) -> None:
        """Take note of what became of a request: refused sends may block the address that they come from."""
        if arrival.action != SEND or arrival.foreign:
            return
        if not isinstance(answer, Refusal):
            self.blocks.good_send(arrival.client)
        elif answer.code in BAD_SENDS[switches.bad_sends]:
            self.blocks.bad_send(arrival.client, self._moments.gateway_now(switches.clock_rate))

    def leave(self, arrival: Arrival, switches: Switches) -> None:
        """Let the request go: its answer is on the way, or it ended otherwise. Again does no harm."""
        self._log.complete(arrival, self._moments.now())
        inside = self._inside.pop(arrival.number, None)
        if inside is None:
            return
        slot, windows = inside
        now = self._moments.gateway_now(switches.clock_rate)
        self.slots.leave(slot, arrival.number, now + switches.trailing)
        self.windows.count(windows, now)

    def clear(self) -> None:
        """Forget windows, slots and blocks."""
        self.windows.clear()
        self.slots.clear()
        self.blocks.clear()
        self._inside.clear()

    def _call(self, arrival: Arrival, request: Request, account: Account, switches: Switches) -> Call:
        return Call(
            action=arrival.action or "",
            request=request,
            account=account,
            switches=switches,
            moments=self._moments.in_zone(account.time_zone),
            number=arrival.number,
        )

    def _refuse_person(
        self, arrival: Arrival, request: Request, account: Account | None, now: float, switches: Switches
    ) -> Refusal | None:
        if arrival.foreign:  # their credentials are their own business
            return None
        if self.blocks.blocked(request.client, now, prolongs=switches.block_prolongs):
            return Refusal("blocked")
        if account is not None and account.accepts(request, switches):
            return None
        # An address that the account itself allows is never blocked (https://smscentre.com/faq/99).
        if account is None or account.addresses is None or request.client not in account.addresses:
            self.blocks.authorisation_error(request.client, now)
        return Refusal("authorise")


def _windows(arrival: Arrival, host: str | None, switches: Switches) -> tuple[Hashable, ...]:
    """Give the window that goes with each of the limits."""
    wide = switches.identical == "action"
    windows: list[Hashable] = []
    for limit in arrival.limits:
        action = (arrival.login, host, arrival.endpoint, limit.scope or arrival.action)
        windows.append((*action, arrival.key) if limit.identical and not wide else action)
    return tuple(windows)
