"""What a schedule may ask for: rules, keys, whose calls they are, and which of them a call may not overtake."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import attrs

from smsc_async.guard import Demand, Identity, Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Call", "Charge", "Key", "World", "world"]

_PAIR = Rule("pair", Reason.IDENTICAL, 2)
_TRIPLE = Rule("triple", Reason.IDENTICAL, 3)
_FIFTY = Rule("fifty", Reason.IDENTICAL, 50)
_SINGLE = Rule("single", Reason.IDENTICAL, 1)
_FEW = Rule("few of the action", Reason.ACTION, 4)
_TEN = Rule("ten of the action", Reason.ACTION, 10)
_SUBJECT = Rule("subject", Reason.SUBJECT, 1, rests=False)
_FILES = Rule("files", Reason.DOWNLOADS, 4, rests=False)

_OTHERS = 24  # keys that nothing limits before the slots do: more than there are slots

# In the order in which a call's plan names them: the subject, identical requests, the action, files.
KINDS: dict[str, tuple[tuple[Rule, str], ...]] = {
    "pair a": ((_PAIR, "a"),),
    "pair b": ((_PAIR, "b"),),
    "triple c": ((_TRIPLE, "c"),),
    "triple d": ((_TRIPLE, "d"),),
    "fifty e": ((_FIFTY, "e"),),
    "action f": ((_TRIPLE, "f"), (_FEW, "x")),
    "action g": ((_TRIPLE, "g"), (_FEW, "x")),
    "bulk": ((_TEN, "y"),),
    "rent h": ((_SUBJECT, "phone"), (_PAIR, "h")),
    "rent i": ((_SUBJECT, "phone"), (_TRIPLE, "i"), (_TEN, "z")),
    "file j": ((_FIFTY, "j"), (_FILES, "files")),
    "file k": ((_PAIR, "k"), (_FILES, "files")),
    "single l": ((_SINGLE, "l"), (_TEN, "y")),
    "shared 3": ((_TRIPLE, "m"),),  # two endpoints count one key: the stricter limit holds
    "shared 2": ((_PAIR, "m"),),
    **{f"other {n}": ((_FIFTY, f"other {n}"),) for n in range(_OTHERS)},
    "message n": ((_FIFTY, "n"),),
    "message o": ((_FIFTY, "o"),),
    "message p": ((_TRIPLE, "p"),),
    "message q": ((_SINGLE, "q"), (_TEN, "r")),
    "note r": ((_TEN, "r"),),  # no message
}

# For the exhaustive search: limits of one and two.
_TWO = Rule("two of the action", Reason.ACTION, 2)
_FILE = Rule("one file", Reason.DOWNLOADS, 1, rests=False)
SMALL_KINDS: dict[str, tuple[tuple[Rule, str], ...]] = {
    "one": ((_SINGLE, "one"),),
    "two": ((_PAIR, "two"),),
    "one of two": ((_SINGLE, "p"), (_TWO, "w")),
    "another of two": ((_PAIR, "q"), (_TWO, "w")),
    "buy": ((_SUBJECT, "phone"), (_SINGLE, "b")),
    "file": ((_PAIR, "f"), (_FILE, "files")),
    "message": ((_PAIR, "m"),),
    "message alone": ((_SINGLE, "n"),),
}

# Whose calls: account, credential, origin.
PARTIES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "one": (("A", "key", "G"),),
    "two credentials": (("A", "key", "G"), ("A", "login", "G")),
    "three accounts": (("A", "key", "G"), ("B", "b", "G"), ("C", "c", "H")),
    "two accounts": (("A", "key", "G"), ("B", "b", "G")),
    "many accounts": tuple((f"A{n}", f"key {n}", "G" if n % 4 else "H") for n in range(8)),
}


@attrs.frozen(eq=False)
class Key:
    """What one limit counts, of one account. No two keys of a world are the same."""

    index: int
    account: int
    name: bytes
    n: int  # the smallest limit that counts it
    rests: bool
    shared: bool  # by endpoints with different limits


@attrs.frozen(eq=False)
class Charge:
    """One token that a call takes."""

    key: int
    n: int  # what this call's own endpoint allows
    rests: bool


@attrs.frozen(eq=False)
class Call:
    """One kind of call by one party."""

    index: int
    name: str
    demand: Demand
    account: int
    credential: int
    origin: int
    charges: tuple[Charge, ...]
    message: bool  # whether a hundred refusals of such calls in a row would block the address
    covered: tuple[int, ...]  # the calls of this party that need nothing but what this one needs


@attrs.frozen(eq=False)
class World:
    """Every call that a schedule may make."""

    accounts: tuple[str, ...]
    credentials: tuple[str, ...]
    origins: tuple[str, ...]
    keys: tuple[Key, ...]
    calls: tuple[Call, ...]

    def named(self, kinds: Iterable[str]) -> tuple[int, ...]:
        """Give the indices of the calls of these kinds, of every party, the first party's first."""
        wanted = list(kinds)
        return tuple(call.index for call in self.calls for kind in wanted if call.name.endswith(f" {kind}"))


def _is_message(kind: str) -> bool:
    return kind.startswith("message")


def _needs(kind: str, charges: Iterable[tuple[Rule, str]]) -> set[str]:
    return {name for _, name in charges} | ({"a place in the row"} if _is_message(kind) else set())


@lru_cache
def world(parties: str, kinds: tuple[str, ...] = ()) -> World:
    """Make the world of some *parties*, with some *kinds* of calls or all."""
    identities = PARTIES[parties]
    accounts = tuple(dict.fromkeys(account for account, _, _ in identities))
    credentials = tuple(dict.fromkeys(credential for _, credential, _ in identities))
    origins = tuple(dict.fromkeys(origin for _, _, origin in identities))
    chosen = {kind: (KINDS | SMALL_KINDS)[kind] for kind in kinds or KINDS}
    keys: dict[tuple[str, str], Key] = {}
    for account in accounts:
        for rule, name in (charge for charges in chosen.values() for charge in charges):
            ns = {other.n for charges in chosen.values() for other, others in charges if others == name}
            if (account, name) not in keys:
                index = accounts.index(account)
                keys[account, name] = Key(len(keys), index, name.encode(), min(ns), rule.rests, len(ns) > 1)
    calls: list[Call] = []
    for account, credential, origin in identities:
        first = len(calls)
        for number, (kind, charges) in enumerate(chosen.items()):
            needs = _needs(kind, charges)
            covered = [first + other for other, theirs in enumerate(chosen.items()) if needs >= _needs(*theirs)]
            calls.append(
                Call(
                    first + number,
                    f"{account}/{credential} {kind}",
                    Demand(
                        kind,
                        Identity(account, credential, origin),
                        tuple((rule, name.encode()) for rule, name in charges),
                        may_block=_is_message(kind),
                    ),
                    accounts.index(account),
                    credentials.index(credential),
                    origins.index(origin),
                    tuple(Charge(keys[account, name].index, rule.n, rule.rests) for rule, name in charges),
                    _is_message(kind),
                    tuple(covered),
                )
            )
    return World(accounts, credentials, origins, tuple(keys.values()), tuple(calls))
