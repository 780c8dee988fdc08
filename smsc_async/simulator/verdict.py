"""What the judge found: figures, readable problems, and how far the limits were reached at all."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final

import attrs

#: Fourteen at once are allowed; the fifteenth is refused (the vendor's page, error 9).
ALLOWED_IN_FLIGHT: Final = 14

#: "5 authorisation errors within 30 minutes" block the address (https://smscentre.com/faq/99).
BLOCKING_ERRORS: Final = 5

#: "100 erroneous send requests in a row within 10 minutes" do, too (ibid.).
BLOCKING_SENDS: Final = 100


@attrs.frozen(kw_only=True)
class WindowFigure:
    """How full the minute of one kind of request became."""

    login: str
    endpoint: str
    action: str
    key: tuple[Hashable, ...]  # the parameters that were compared; empty where any request of the action counts
    limit: int
    worst: int  # the most requests that arrived within less than a minute
    worst_at: float  # when the last of those arrived
    full: int  # how many windows held exactly the limit: the edge was reached
    exposed: int  # the most that could fall within a minute, if each is counted at any instant while it is in flight

    @property
    def name(self) -> str:
        """What the window counts, in words."""
        key = ", ".join(f"{name}={value}" for name, value in (pair for pair in self.key if isinstance(pair, tuple)))
        return f"{self.login} {self.endpoint} {self.action}" + (f" [{key}]" if key else "")


@attrs.frozen(kw_only=True)
class Verdict:
    """
    The judge's findings over everything in the log.

    Foreign requests are counted apart: windows, concurrency and refusals are those of our own traffic.
    """

    window: float  # seconds
    requests: int  # without foreign ones
    foreign: int
    forgotten: int  # arrivals that the log had no room for
    unfinished: int  # still in flight
    windows: tuple[WindowFigure, ...]
    refusals: Mapping[str, int]  # by kind: "duplicate", "concurrency", "authorise", "blocked", "money" ...
    excused: int  # error 9 that foreign traffic explains; it is among the refusals
    concurrency: int  # the most in flight at once under one login
    saturated: int  # how often exactly fourteen were reached
    paid: Mapping[tuple[str, str, str], int]  # (login, action, phone) -> how often it was carried out
    repeated: Mapping[tuple[str, str, str], int]  # rents asked for again after they had been carried out
    authorisation_errors: Mapping[str, int]  # by address
    credentials_in_url: int
    outcomes: Mapping[str, int]
    faults: Mapping[str, int]  # by name
    messages: int = 0  # that were sent, to one recipient each; not those taken back
    messages_forgotten: int = 0  # for which there was no room
    sent_again: Mapping[tuple[str, str, str], int] = attrs.field(factory=dict[tuple[str, str, str], int])
    """(login, phone, client's id) -> how often it was sent, of those that were sent more than once."""
    texts_again: Mapping[tuple[str, str, str], int] = attrs.field(factory=dict[tuple[str, str, str], int])
    """(login, phone, text) -> likewise, whatever the ids; it may have been meant."""
    bad_sends: Mapping[str, int] = attrs.field(factory=dict[str, int])  # by address: the longest row of refused sends
    crashes: tuple[str, ...] = ()  # defects of the simulator itself

    @property
    def full_windows(self) -> int:
        """How many windows held exactly their limit: without any, "no violation" proves nothing."""
        return sum(figure.full for figure in self.windows)

    @property
    def ok(self) -> bool:
        """Whether there is nothing to complain of."""
        return not self.problems()

    def problems(self, *, any_instant: bool = False, same_text: bool = False) -> list[str]:
        """
        Say what is wrong, a sentence each; empty where nothing is.

        Args:
            any_instant: Judge windows not by the moment of arrival alone, but by every instant at which the gateway
                could count a request: from its headers to the end of its answer.
            same_text: Complain of the same text to the same phone, too, under whatever ids it was sent.
        """
        found = [f"The simulator itself failed: {crash}." for crash in self.crashes]
        if self.forgotten:
            found.append(f"The log has forgotten {self.forgotten} arrivals, so that this verdict covers only the rest.")
        if self.messages_forgotten:
            found.append(
                f"{self.messages_forgotten} messages were forgotten, so that this verdict is of the rest only."
            )
        found += [
            f"{figure.name}: {figure.worst} requests arrived within {self.window:g} s (by {figure.worst_at:.3f}), "
            f"{figure.limit} are allowed."
            for figure in self.windows
            if figure.worst > figure.limit
        ]
        if any_instant:
            found += [
                f"{figure.name}: {figure.exposed} requests could be counted within {self.window:g} s, "
                f"{figure.limit} are allowed."
                for figure in self.windows
                if figure.exposed > figure.limit >= figure.worst
            ]
        if self.concurrency > ALLOWED_IN_FLIGHT:
            found.append(
                f"{self.concurrency} requests were in flight at once under one login, {ALLOWED_IN_FLIGHT} are allowed."
            )
        nines = self.refusals.get("duplicate", 0) + self.refusals.get("concurrency", 0) - self.excused
        if nines:
            found.append(f"{nines} requests were refused with error 9 by our own doing.")
        if self.refusals.get("blocked", 0):
            found.append(f"{self.refusals['blocked']} requests came from a blocked address.")
        found += [
            f"{errors} authorisation errors came from {address}; {BLOCKING_ERRORS} within half an hour block it."
            for address, errors in self.authorisation_errors.items()
            if errors >= BLOCKING_ERRORS
        ]
        found += [
            f"{phone} was rented {times} times by {login}: it was paid for more than once."
            for (login, action, phone), times in self.paid.items()
            if action == "buy" and times > 1
        ]
        found += [
            f"{phone} was asked for again {times} times by {login} after it had been rented."
            for (login, _, phone), times in self.repeated.items()
        ]
        found += [
            f"Message {name} to {phone} was sent {times} times by {login}."
            for (login, phone, name), times in self.sent_again.items()
        ]
        if same_text:
            found += [
                f"The same text was sent {times} times to {phone} by {login}."
                for (login, phone, _), times in self.texts_again.items()
            ]
        found += [
            f"{row} bad sends in a row came from {address}; {BLOCKING_SENDS} within ten minutes block it."
            for address, row in self.bad_sends.items()
            if row >= BLOCKING_SENDS
        ]
        if self.credentials_in_url:
            found.append(f"{self.credentials_in_url} requests carried credentials in the URL.")
        return found

    def __str__(self) -> str:
        problems = self.problems()
        lines = [
            f"{self.requests} requests, {self.foreign} foreign, {self.unfinished} unfinished; window {self.window:g} s",
            f"  in flight at once: at most {self.concurrency}; {ALLOWED_IN_FLIGHT} were reached {self.saturated} times",
            f"  windows: {len(self.windows)}, full exactly to the limit {self.full_windows} times",
        ]
        fullest = sorted(self.windows, key=lambda figure: figure.worst / figure.limit, reverse=True)
        lines += [
            f"    {figure.worst} of {figure.limit} ({figure.exposed} at any instant): {figure.name}"
            for figure in fullest[:5]
        ]
        lines += [
            f"  {title}: " + ", ".join(f"{name} {count}" for name, count in counts.items())
            for title, counts in (("outcomes", self.outcomes), ("refusals", self.refusals), ("faults", self.faults))
            if counts
        ]
        if self.paid:
            lines.append(f"  paid, allotted or sent: {sum(self.paid.values())}")
        if self.messages:
            lines.append(
                f"  messages: {self.messages}; sent again under one id {len(self.sent_again)}, "
                f"with one text {len(self.texts_again)}"
            )
        lines += [f"PROBLEM: {problem}" for problem in problems] or ["no problems"]
        return "\n".join(lines)
