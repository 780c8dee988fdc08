"""What every store promises a receiver."""

from __future__ import annotations

import anyio
import pytest

from smsc_async.webhooks.stores import MemoryStore, Standing, Store
from tests.webhooks.stores.making import ANY, NOW, entry, taken

pytestmark = pytest.mark.anyio


async def test_it_is_a_store(store: Store) -> None:
    """It has all methods, and says how it is."""
    assert isinstance(store, Store)
    assert type(store).__name__ in repr(store)
    assert store.durable is not isinstance(store, MemoryStore)


async def test_an_event_is_new_once(store: Store) -> None:
    """A repeat is told from a new event, before and after it was handled."""
    assert Standing.NEW is await store.add(entry("a"), now=NOW)
    assert Standing.WAITING is await store.add(entry("a"), now=NOW + 1)
    claim = await taken(store, "a")
    assert Standing.WAITING is await store.add(entry("a"), now=NOW + 2)
    await store.settle(claim, now=NOW + 3)
    assert Standing.SETTLED is await store.add(entry("a"), now=NOW + 4)


async def test_of_many_at_once_one_is_new(store: Store) -> None:
    """The same event from 30 tasks is new to one of them."""
    found = []

    async def add() -> None:
        found.append(await store.add(entry("a"), now=NOW))

    async with anyio.create_task_group() as tasks:
        for _ in range(30):
            tasks.start_soon(add)
    assert 1 == found.count(Standing.NEW)
    assert 29 == found.count(Standing.WAITING)


async def test_of_many_at_once_one_gets_the_claim(store: Store) -> None:
    """An event that 30 tasks want is claimed by one of them."""
    await store.add(entry("a"), now=NOW)
    found = []

    async def claim() -> None:
        found.append(await store.claim(ANY, now=NOW, lease=60.0))

    async with anyio.create_task_group() as tasks:
        for _ in range(30):
            tasks.start_soon(claim)
    assert 29 == found.count(None)


async def test_a_claim_has_what_was_added(store: Store) -> None:
    """Key and payload come back as they were, any bytes of it."""
    odd = entry("odd")
    payload = bytes(range(256))
    await store.add(type(odd)(kind="Event", key="odd", payload=payload, subject="a\0b\ud800"), now=NOW)
    claim = await taken(store, "odd")
    assert ("odd", payload, 1, frozenset(), False) == (
        claim.key,
        claim.payload,
        claim.attempt,
        claim.handled,
        claim.stale,
    )


async def test_nothing_shows_what_an_event_says(store: Store) -> None:
    """Neither an entry nor a claim nor the store shows phones or texts."""
    secret = type(entry("a"))(kind="Event", key="a", payload=b"380501234567", subject="380501234567")
    await store.add(secret, now=NOW)
    shown = repr([secret, await taken(store), store])
    assert "380501234567" not in shown


async def test_there_is_nothing_to_claim_where_nothing_waits(store: Store) -> None:
    """No event, an unknown key, a claimed event and a settled one give no claim."""
    assert await store.claim(ANY, now=NOW, lease=60.0) is None
    assert await store.claim("a", now=NOW, lease=60.0) is None
    assert await store.due(ANY, now=NOW) is None
    await store.add(entry("a"), now=NOW)
    claim = await taken(store)
    assert await store.claim("a", now=NOW, lease=60.0) is None
    await store.settle(claim, now=NOW)
    assert await store.claim("a", now=NOW + 1_000, lease=60.0) is None
    assert await store.claim(ANY, now=NOW + 1_000, lease=60.0) is None


async def test_events_are_taken_as_they_came(store: Store) -> None:
    """With no key, the one that has waited longest is claimed first, also of those of one moment."""
    for number, key in enumerate("cabed"):
        await store.add(entry(key), now=NOW + number // 2)
    assert list("cabed") == [(await taken(store, now=NOW + 9)).key for _ in range(5)]


async def test_a_released_event_waits_behind_those_that_waited_longer(store: Store) -> None:
    """An event that fails again and again does not hold the others up."""
    await store.add(entry("fails"), now=NOW)
    await store.add(entry("later"), now=NOW + 1)
    await store.release(await taken(store, now=NOW + 2), at=NOW + 3)
    assert ["later", "fails"] == [(await taken(store, now=NOW + 4)).key for _ in range(2)]


async def test_a_released_event_waits_until_its_moment(store: Store) -> None:
    """It can be claimed from the moment on that it was released at, and not before."""
    await store.add(entry("a"), now=NOW)
    await store.release(await taken(store), at=NOW + 10)
    assert await store.claim(ANY, now=NOW + 9.9, lease=60.0) is None
    assert await store.claim("a", now=NOW + 9.9, lease=60.0) is None
    assert NOW + 10 == await store.due(ANY, now=NOW + 1)
    assert 2 == (await taken(store, now=NOW + 10)).attempt


async def test_a_claim_runs_out(store: Store) -> None:
    """An event whose claim has run out, because a process died, is claimed again, and keeps its marks."""
    await store.add(entry("a"), now=NOW)
    first = await taken(store, lease=60.0)
    await store.mark(first, "one")
    assert await store.claim(ANY, now=NOW + 59.9, lease=60.0) is None
    again = await taken(store, now=NOW + 60)
    assert (2, frozenset({"one"})) == (again.attempt, again.handled)
    assert first.token != again.token


@pytest.mark.parametrize("act", ["settle", "release"])
async def test_an_old_claim_does_not_disturb_a_newer_one(store: Store, act: str) -> None:
    """Who comes back after the lease has run out and somebody has taken the event settles and releases nothing."""
    await store.add(entry("a", "subject"), now=NOW)
    await store.add(entry("b", "subject"), now=NOW)
    old = await taken(store, "a", lease=60.0)
    newer = await taken(store, "a", now=NOW + 60, lease=60.0)
    await (store.settle(old, now=NOW + 61) if act == "settle" else store.release(old, at=NOW + 61))
    assert Standing.WAITING is await store.add(entry("a"), now=NOW + 62)
    assert await store.claim(ANY, now=NOW + 62, lease=60.0) is None  # nor does "b" of the same subject start
    await store.settle(newer, now=NOW + 63)
    assert Standing.SETTLED is await store.add(entry("a"), now=NOW + 64)


async def test_a_claim_that_ran_out_holds_until_somebody_takes_the_event(store: Store) -> None:
    """A handler that took too long still settles its event where nobody else has begun."""
    await store.add(entry("a"), now=NOW)
    claim = await taken(store, lease=60.0)
    await store.settle(claim, now=NOW + 100)
    assert Standing.SETTLED is await store.add(entry("a"), now=NOW + 101)


async def test_a_claim_that_was_given_up_settles_nothing(store: Store) -> None:
    """After a release the claim is no claim any more."""
    await store.add(entry("a"), now=NOW)
    claim = await taken(store)
    await store.release(claim, at=NOW)
    await store.settle(claim, now=NOW)
    assert Standing.WAITING is await store.add(entry("a"), now=NOW)


async def test_a_mark_counts_whoever_makes_it(store: Store) -> None:
    """That a handler has had an event is true also after the claim has run out."""
    await store.add(entry("a"), now=NOW)
    old = await taken(store, lease=60.0)
    newer = await taken(store, now=NOW + 60, lease=60.0)
    await store.mark(old, "one")
    await store.mark(old, "one")
    await store.mark(newer, "two")
    await store.release(newer, at=NOW + 61)
    assert {"one", "two"} == (await taken(store, now=NOW + 61)).handled


async def test_a_claim_from_before_an_event_was_forgotten_does_nothing(store: Store) -> None:
    """An event that was forgotten and came again is another one."""
    await store.add(entry("a"), now=NOW)
    old = await taken(store)
    await store.settle(old, now=NOW)
    assert Standing.NEW is await store.add(entry("a"), now=NOW + 1_000)
    await store.mark(old, "one")
    claim = await taken(store, now=NOW + 1_000)
    assert frozenset() == claim.handled
    await store.settle(old, now=NOW + 1_001)
    await store.release(old, at=NOW)
    assert await store.claim(ANY, now=NOW + 1_001, lease=60.0) is None


async def test_events_of_a_subject_are_claimed_one_at_a_time(store: Store) -> None:
    """While one is claimed the others wait; events of other subjects and of none do not."""
    for key, subject in ("a1", "a"), ("a2", "a"), ("b1", "b"), ("n1", ""), ("n2", ""):
        await store.add(entry(key, subject), now=NOW)
    claims = [await taken(store) for _ in range(4)]
    assert ["a1", "b1", "n1", "n2"] == [claim.key for claim in claims]
    assert await store.claim(ANY, now=NOW, lease=60.0) is None
    assert await store.claim("a2", now=NOW, lease=60.0) is None
    await store.settle(claims[0], now=NOW + 1)
    assert "a2" == (await taken(store, now=NOW + 1)).key


async def test_a_claim_that_ran_out_frees_its_subject(store: Store) -> None:
    """Another event of the subject can be claimed then, and the late one frees nothing that is not its own."""
    for key in ("a1", "a2", "a3"):
        await store.add(entry(key, "a"), now=NOW)
    late = await taken(store, "a1", lease=60.0)
    newer = await taken(store, "a2", now=NOW + 60, lease=60.0)
    await store.settle(late, now=NOW + 61)
    assert await store.claim("a3", now=NOW + 62, lease=60.0) is None
    await store.release(newer, at=NOW + 63)
    assert "a3" == (await taken(store, "a3", now=NOW + 63)).key


async def test_a_claim_that_is_extended_after_it_ran_out_holds_its_subject_again(store: Store) -> None:
    """Then two hold it, because another event of it was taken meanwhile; and the end of one leaves the other's."""
    await store.add(entry("a", subject="s"), now=NOW)
    await store.add(entry("b", subject="s"), now=NOW + 1)
    first = await taken(store, "a", now=NOW + 2, lease=0.0)
    await taken(store, "b", now=NOW + 3, lease=1.0)
    await store.extend(first, until=NOW + 60)
    assert None is await store.claim(ANY, now=NOW + 5, lease=60.0)
    await store.settle(first, now=NOW + 6)
    assert "b" == (await taken(store, now=NOW + 7)).key


async def test_an_event_with_less_progress_than_one_before_it_is_stale(store: Store) -> None:
    """It is so in whatever order they came; the same progress is not stale, nor is the event itself tried again."""
    for key, progress in ("new", 2.0), ("old", 1.0), ("same", 2.0), ("newer", 3.0):
        await store.add(entry(key, "a", progress), now=NOW)
    await store.add(entry("other", "b", 0.0), now=NOW)
    await store.add(entry("none", "a"), now=NOW)
    found = {}
    for now, key in enumerate(["new", "old", "same", "newer", "new", "other", "none", "newer"], int(NOW)):
        claim = await taken(store, key, now=now)
        found[now - int(NOW), key] = claim.stale
        await store.release(claim, at=now)
    assert [(1, "old"), (4, "new")] == [place for place, stale in found.items() if stale]


async def test_how_far_a_subject_is_is_known_as_long_as_any_event_of_it(store: Store) -> None:
    """The furthest event may be forgotten before another one; then an old status is stale still, and not after that."""
    await store.add(entry("far", "a", 5.0), now=NOW)
    await store.settle(await taken(store, "far"), now=NOW)
    await store.add(entry("near", "a", 3.0), now=NOW + 500)
    await store.settle(await taken(store, "near", now=NOW + 500), now=NOW + 500)
    await store.add(entry("old", "a", 4.0), now=NOW + 1_100)
    assert Standing.NEW is await store.add(entry("far", "a", 5.0), now=NOW + 1_100)
    old = await taken(store, "old", now=NOW + 1_100)
    assert old.stale
    await store.settle(old, now=NOW + 1_100)
    await store.settle(await taken(store, "far", now=NOW + 1_101), now=NOW + 1_101)
    await store.add(entry("old", "a", 4.0), now=NOW + 9_000)
    assert not (await taken(store, "old", now=NOW + 9_000)).stale


async def test_progress_without_a_subject_means_nothing(store: Store) -> None:
    """Events that are about nothing in common are not compared."""
    await store.add(entry("far", "", 5.0), now=NOW)
    await store.add(entry("near", "", 1.0), now=NOW)
    assert [False, False] == [(await taken(store)).stale for _ in range(2)]


async def test_due_says_when_to_look_again(store: Store) -> None:
    """It is now where an event is free, else the next moment at which one may become free."""
    await store.add(entry("a1", "a"), now=NOW)
    await store.add(entry("a2", "a"), now=NOW)
    assert NOW + 5 == await store.due(ANY, now=NOW + 5)
    claim = await taken(store, lease=60.0)
    assert NOW + 60 == await store.due(ANY, now=NOW + 5)
    await store.release(claim, at=NOW + 20)
    assert NOW + 6 == await store.due(ANY, now=NOW + 6)


async def test_settled_events_are_forgotten(store: Store) -> None:
    """After the time for which they are kept their repeats are new; it takes a few additions for many of them."""
    for number in range(20):
        await store.add(entry(f"{number}"), now=NOW)
        await store.settle(await taken(store), now=NOW)
    assert Standing.SETTLED is await store.add(entry("19"), now=NOW + 999)
    for number in range(10):
        await store.add(entry(f"other {number}"), now=NOW + 1_000)
    assert {Standing.NEW} == {await store.add(entry(f"{number}"), now=NOW + 1_000) for number in range(20)}


async def test_closing_keeps_everything(store: Store) -> None:
    """A store that was closed goes on where it was, as often as one likes."""
    await store.aclose()
    await store.add(entry("a"), now=NOW)
    claim = await taken(store)
    await store.aclose()
    await store.aclose()
    await store.settle(claim, now=NOW)
    assert Standing.SETTLED is await store.add(entry("a"), now=NOW)
