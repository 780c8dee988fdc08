"""The verdict: what the processes wrote down, held against the gateway's books."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smsc_async.simulator import Message
    from tests.proof.deliveries.witness import Line

__all__ = ["judge"]


def judge(lines: Iterable[Line], taken: Sequence[Message]) -> list[str]:
    """
    Say what is wrong, when all processes are gone and nothing is under way; each message had a phone of its own.

    Args:
        lines: What the processes wrote down: what they kept, and what they knew to be sent.
        taken: What the gateway has taken, oldest first.
    """
    kept: dict[str, Line] = {}
    sent: dict[str, Line] = {}
    for line in lines:
        if line.what in {"kept", "sent"}:
            (kept if line.what == "kept" else sent).setdefault(line.key, line)
    since = {message.id: message.accepted_at for message in reversed(taken)}
    times = Counter(message.phone for message in taken)
    complaints = [f"twice: {phone} got a message {count} times" for phone, count in times.items() if count > 1]
    complaints += [f"not kept: {each.id} of {each.phone}" for each in taken if each.id not in kept]
    complaints += [f"missing: {each} was said to be sent, and was not" for each in sent if each not in since]
    complaints += [f"too early: {each} was said to be sent before it was" for each in _too_early(sent, since)]
    complaints += [f"left open: {each} was kept, and is not known to be sent" for each in kept if each not in sent]
    return complaints


def _too_early(sent: dict[str, Line], since: dict[int | str, float]) -> Iterable[str]:
    return [each for each, line in sent.items() if line.moment < since.get(each, 0.0)]
