"""What this process knows of an account: paid calls by subject, repetitions spent, who waits for a call."""

from __future__ import annotations

import os
import threading
import weakref
from collections import Counter
from typing import TYPE_CHECKING

from smsc_async._inbox_watch import InboxWatch
from smsc_async._retry import Budget
from smsc_async._status_watch import StatusWatch

if TYPE_CHECKING:
    from smsc_async.guard import Guard

__all__ = ["Memory", "memory_of"]


class Memory:
    """
    Shared by all sessions of an account that share a guard.

    A *subject* is what a paid call is about, such as the phone of a rent, together with the endpoint's name.
    """

    def __init__(self) -> None:
        self.budget: Budget = Budget()
        self.inbox_watch: InboxWatch = InboxWatch()
        self.status_watch: StatusWatch = StatusWatch()
        self._counting = threading.Lock()
        self._succeeded: set[tuple[str, str]] = set()
        self._unresolved: set[tuple[str, str]] = set()
        self._going_on: Counter[tuple[str, str]] = Counter()

    def unresolved(self, endpoint: str, subject: str) -> bool:
        """Tell whether an earlier call on *subject* has an unknown outcome."""
        return (endpoint, subject) in self._unresolved

    def done(self, endpoint: str, subject: str) -> bool:
        """Tell whether an earlier call on *subject* succeeded or is unresolved."""
        return (endpoint, subject) in self._succeeded or self.unresolved(endpoint, subject)

    def begin(self, endpoint: str, subject: str) -> None:
        """Note that a call on *subject* is going to be made."""
        with self._counting:
            self._going_on[endpoint, subject] += 1

    def end(self, endpoint: str, subject: str) -> None:
        """Note that it has ended; how, the other methods say."""
        with self._counting:
            others = self._going_on.pop((endpoint, subject), 0) - 1
            if others > 0:  # in a child process the parent's calls may end too, and are not counted there
                self._going_on[endpoint, subject] = others

    def succeed(self, endpoint: str, subject: str) -> None:
        """Note that a call on *subject* was carried out; this settles an earlier unknown one for the caller."""
        self._succeeded.add((endpoint, subject))
        self._unresolved.discard((endpoint, subject))

    def settle(self, endpoint: str, subject: str) -> None:
        """Note that it is known now what became of a call on *subject*."""
        self._unresolved.discard((endpoint, subject))

    def lose(self, endpoint: str, subject: str) -> None:
        """Note that nobody knows whether a call on *subject* was carried out."""
        self._unresolved.add((endpoint, subject))

    def after_fork(self) -> None:
        """In a child process: how the parent's calls in flight end will never be known here."""
        self._counting = threading.Lock()  # another thread may have held it, and that thread is not in the child
        self.inbox_watch = InboxWatch()  # who waited, waits in the parent
        self.status_watch = StatusWatch()
        self._unresolved.update(self._going_on)
        self._going_on.clear()


_memories: weakref.WeakKeyDictionary[Guard, dict[str, Memory]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def memory_of(guard: Guard, account: str) -> Memory:
    """Give the account's memory; it lives as long as the guard."""
    with _lock:
        return _memories.setdefault(guard, {}).setdefault(account, Memory())


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - another thread may have held it, and that thread is not in the child
    _lock = threading.Lock()
    for memories in list(_memories.values()):
        for memory in memories.values():
            memory.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
