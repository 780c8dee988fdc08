"""Whatever is done to a store, in any order, it does what a plain list does."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from smsc_async.webhooks.stores import Claim, Entry, Store
from tests.webhooks.stores.making import ANY, NOW, made
from tests.webhooks.stores.model import Model, Taken

if TYPE_CHECKING:
    from collections.abc import Coroutine

KEEP = 1_000.0
KIND = st.sampled_from(sorted(ANY))
SOME_KINDS = st.sets(KIND, min_size=1).map(frozenset)
KEYS = st.sampled_from([f"key {number}" for number in range(8)])
SUBJECTS = st.sampled_from(["", "a", "b"])
PROGRESS = st.sampled_from([None, 0.0, 1.0, 2.0, 3.0])
HANDLERS = st.sampled_from(["one", "two"])
SECONDS = st.sampled_from([0.0, 1.0, 30.0, 60.0, 400.0, 1_000.0, 2_500.0])


class StoreMachine(RuleBasedStateMachine):
    """A store and the model, which are told the same."""

    kind: str

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.store: Store = made(self.kind, Path(self.folder.name), keep=KEEP)
        self.model = Model(KEEP, forgets_waiting=self.kind == "memory")
        self.claims: list[tuple[Claim, Taken]] = []
        self.moment = NOW

    def teardown(self) -> None:
        self.run(self.store.aclose())
        self.runner.close()
        self.folder.cleanup()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def now(self) -> float:
        """Give a moment that nothing else has: what is done at one moment may be done in any order."""
        self.moment += 0.25
        return self.moment

    @rule(key=KEYS, kind=KIND, subject=SUBJECTS, progress=PROGRESS)
    def add(self, key: str, kind: str, subject: str, progress: float | None) -> None:
        now = self.now()
        entry = Entry(kind=kind, key=key, payload=f"{key} at {now}".encode(), subject=subject, progress=progress)
        assert self.model.add(entry, now) is self.run(self.store.add(entry, now=now))

    @rule(wanted=SOME_KINDS | KEYS, lease=SECONDS)
    def claim(self, wanted: str | frozenset[str], lease: float) -> None:
        now = self.now()
        expected = self.model.claim(wanted, now, lease)
        actual = self.run(self.store.claim(wanted, now=now, lease=lease))
        assert (expected is None) == (actual is None)
        if expected is not None:
            entry = expected.event.entry
            assert (entry.key, entry.payload, expected.attempt, expected.handled, expected.stale) == (
                actual.key,
                actual.payload,
                actual.attempt,
                actual.handled,
                actual.stale,
            )
            assert actual.token not in {claim.token for claim, _ in self.claims}
            self.claims.append((actual, expected))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), handler=HANDLERS)
    def mark(self, data: st.DataObject, handler: str) -> None:
        claim, taken = data.draw(st.sampled_from(self.claims))
        self.model.mark(taken, handler)
        self.run(self.store.mark(claim, handler))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        claim, taken = data.draw(st.sampled_from(self.claims))
        now = self.now()
        self.model.settle(taken, now)
        self.run(self.store.settle(claim, now=now))

    @precondition(lambda self: self.claims)
    @rule(after=SECONDS)
    def settle_the_last(self, after: float) -> None:
        """Most claims end well."""
        claim, taken = self.claims[-1]
        now = self.now()
        self.model.settle(taken, now)
        self.run(self.store.settle(claim, now=now))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), after=SECONDS)
    def release(self, data: st.DataObject, after: float) -> None:
        claim, taken = data.draw(st.sampled_from(self.claims))
        at = self.now() + after
        self.model.release(taken, at)
        self.run(self.store.release(claim, at=at))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), after=SECONDS)
    def extend(self, data: st.DataObject, after: float) -> None:
        claim, taken = data.draw(st.sampled_from(self.claims))
        until = self.now() + after
        self.model.extend(taken, until)
        self.run(self.store.extend(claim, until=until))

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.moment += seconds

    @rule()
    def restart(self) -> None:
        """A process ends and another one begins; only what is in memory alone goes on as it is."""
        self.run(self.store.aclose())
        if self.kind == "sqlite":
            self.store = made(self.kind, Path(self.folder.name), keep=KEEP)

    @invariant()
    def due(self) -> None:
        now = self.now()
        for kinds in (ANY, frozenset({"Other"})):
            assert self.model.due(kinds, now) == self.run(self.store.due(kinds, now=now))

    @rule()
    def feed(self) -> None:
        if self.kind == "sqlite":
            payloads, position = self.run(self.store.feed(0, limit=100))
            assert [event.entry.payload for event in self.model.events] == payloads
            assert ([], position) == self.run(self.store.feed(position, limit=100))


class MemoryMachine(StoreMachine):
    kind = "memory"


class SqliteMachine(StoreMachine):
    kind = "sqlite"


TestMemory = MemoryMachine.TestCase
TestSqlite = SqliteMachine.TestCase
