"""
The judge: reads the raw log and the messages that were taken, and nothing else.

It shares no code with what enforces the limits, so that a mistake in one shows in the other. Times are the true clock's
and a minute is exactly a minute, whatever the switches make of it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterable, Sequence
from typing import Final, Literal

from smsc_async.simulator.log import Arrival
from smsc_async.simulator.messages import Message
from smsc_async.simulator.verdict import ALLOWED_IN_FLIGHT, Verdict, WindowFigure

#: What makes a send a bad one in the hundred in a row: whatever is about what it says, and not about who or how often.
NOT_BAD: Final = frozenset({"authorise", "blocked", "duplicate", "concurrency"})
MINUTES_OF_A_ROW: Final = 10

Group = tuple[str, str, str, tuple[Hashable, ...], int]


def judge(
    arrivals: Sequence[Arrival],
    *,
    window: float,
    identical: Literal["exact", "action"] = "exact",
    messages: Iterable[Message] = (),
    forgotten: int = 0,
    messages_forgotten: int = 0,
    crashes: Iterable[str] = (),
) -> Verdict:
    """Judge *arrivals*, given in the order in which they entered."""
    ours = [arrival for arrival in arrivals if not arrival.foreign]
    concurrency, saturated = _concurrency(ours)
    refusals = Counter(arrival.refusal for arrival in ours if arrival.refusal is not None)
    paid = Counter(_deed(arrival) for arrival in ours if arrival.paid)
    sent = [message for message in messages if message.refused is None and not message.deleted]
    by_id = Counter((message.login, message.phone, str(message.id)) for message in sent if message.own_id)
    by_text = Counter((message.login, message.phone, message.text) for message in sent if not message.kind.wordless)
    errors = Counter(arrival.client for arrival in ours if arrival.refusal == "authorise")
    return Verdict(
        window=window,
        requests=len(ours),
        foreign=len(arrivals) - len(ours),
        forgotten=forgotten,
        unfinished=sum(arrival.completed_at is None for arrival in ours),
        windows=tuple(_figure(group, members, window) for group, members in _groups(ours, identical).items()),
        refusals=dict(refusals),
        excused=_excused(arrivals, window, identical),
        concurrency=concurrency,
        saturated=saturated,
        paid=dict(paid),
        repeated=dict(_repeated(ours)),
        messages=len(sent),
        messages_forgotten=messages_forgotten,
        sent_again={deed: times for deed, times in by_id.items() if times > 1},
        texts_again={deed: times for deed, times in by_text.items() if times > 1},
        bad_sends=_rows_of_bad_sends(ours, window * MINUTES_OF_A_ROW),
        authorisation_errors=dict(errors),
        credentials_in_url=sum(arrival.credentials_in_url for arrival in ours),
        outcomes=dict(Counter(arrival.outcome for arrival in ours)),
        faults=dict(Counter(name for arrival in ours for name in arrival.faults)),
        crashes=tuple(crashes),
    )


def _groups(arrivals: Iterable[Arrival], identical: Literal["exact", "action"]) -> dict[Group, list[Arrival]]:
    """Sort arrivals by the windows that they fall into."""
    groups: defaultdict[Group, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        if arrival.login is None or arrival.arrived_at is None or arrival.action is None:
            continue
        for limit in arrival.limits:
            key = arrival.key if limit.identical and identical == "exact" else ()
            action = limit.scope or arrival.action
            groups[(arrival.login, arrival.endpoint, action, key, limit.requests)].append(arrival)
    return groups


def _figure(group: Group, members: Sequence[Arrival], window: float) -> WindowFigure:
    login, endpoint, action, key, limit = group
    moments = sorted(_arrived(member) for member in members)
    worst, worst_at, full, first = 0, 0.0, 0, 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= window:
            first += 1
        held = last - first + 1
        if held == limit:
            full += 1
        if held > worst:
            worst, worst_at = held, moment
    return WindowFigure(
        login=login,
        endpoint=endpoint,
        action=action,
        key=key,
        limit=limit,
        worst=worst,
        worst_at=worst_at,
        full=full,
        exposed=_exposed(members, window),
    )


def _exposed(members: Sequence[Arrival], window: float) -> int:
    """
    Give the most requests that could be counted within a minute, each at any instant while it is in flight.

    Such a minute may as well begin where one of them ends: it holds all that end no earlier and begin before its end.
    """
    starts = sorted(member.entered_at for member in members)
    ends = sorted(math.inf if member.completed_at is None else member.completed_at for member in members)
    return max((bisect_left(starts, end + window) - bisect_left(ends, end) for end in ends), default=0)


def _concurrency(arrivals: Iterable[Arrival]) -> tuple[int, int]:
    """Give the most in flight under one login, and how often fourteen were reached, by order and not by clock."""
    steps: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for arrival in arrivals:
        if arrival.login is None:
            continue
        steps[arrival.login].append((arrival.entered_order, 1))
        if arrival.completed_order is not None:
            steps[arrival.login].append((arrival.completed_order, -1))
    worst, saturated = 0, 0
    for changes in steps.values():
        active = 0
        for _, change in sorted(changes):
            active += change
            worst = max(worst, active)
            saturated += change > 0 and active == ALLOWED_IN_FLIGHT
    return worst, saturated


def _excused(arrivals: Sequence[Arrival], window: float, identical: Literal["exact", "action"]) -> int:
    """Count our refusals with error 9 that would not have come without foreign traffic."""
    if not any(arrival.foreign for arrival in arrivals):
        return 0
    excused: set[int] = set()
    for group, members in _groups(arrivals, identical).items():
        limit = group[-1]
        for refused in members:
            if refused.foreign or refused.refusal != "duplicate":
                continue
            within = [other for other in members if 0 <= _arrived(refused) - _arrived(other) < window]
            foreign = sum(other.foreign for other in within)
            if foreign and len(within) - foreign <= limit:
                excused.add(refused.number)
    for refused in arrivals:
        if refused.foreign or refused.refusal != "concurrency":
            continue
        beside = [
            other for other in arrivals if other.login == refused.login and _in_flight_at(other, refused.entered_order)
        ]
        foreign = sum(other.foreign for other in beside)
        if foreign and len(beside) - foreign <= ALLOWED_IN_FLIGHT:
            excused.add(refused.number)
    return len(excused)


def _in_flight_at(arrival: Arrival, order: int) -> bool:
    return arrival.entered_order <= order and (arrival.completed_order is None or arrival.completed_order > order)


def _repeated(arrivals: Iterable[Arrival]) -> Counter[tuple[str, str, str]]:
    """Count the rents that were asked for again after the gateway had carried them out."""
    rented: set[tuple[str, str, str]] = set()
    repeated: Counter[tuple[str, str, str]] = Counter()
    for arrival in sorted((a for a in arrivals if a.action == "buy" and a.arrived_at is not None), key=_arrived):
        deed = _deed(arrival)
        if deed in rented:
            repeated[deed] += 1
        if arrival.paid:
            rented.add(deed)
    return repeated


def _rows_of_bad_sends(arrivals: Iterable[Arrival], span: float) -> dict[str, int]:
    """Give by address the longest row of refused sends, without a good one between, within *span* seconds."""
    rows: defaultdict[str, deque[float]] = defaultdict(deque)
    longest: dict[str, int] = {}
    answered = (arrival for arrival in arrivals if arrival.action == "send" and arrival.arrived_at is not None)
    for arrival in sorted(answered, key=_arrived):
        row = rows[arrival.client]
        if arrival.acted:
            row.clear()
        elif arrival.refusal is not None and arrival.refusal not in NOT_BAD:
            row.append(_arrived(arrival))
            while row[-1] - row[0] > span:
                row.popleft()
            longest[arrival.client] = max(longest.get(arrival.client, 0), len(row))
    return longest


def _deed(arrival: Arrival) -> tuple[str, str, str]:
    return (arrival.login or "", arrival.action or "", arrival.phone)


def _arrived(arrival: Arrival) -> float:
    return math.inf if arrival.arrived_at is None else arrival.arrived_at
