"""What a call is bounded by, and what it is counted as, seen through a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from smsc_async import Limit, LocalGuard, Retry, Session
from smsc_async._memory import Memory
from smsc_async._privacy import EXCERPT_LENGTH, excerpt
from smsc_async.errors import NoReply, OutcomeStillUnknown, OutcomeUnknown
from smsc_async.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

PHONE = "380950000001"


def session(transport: Callable[[], httpx.MockTransport], clock: FakeClock, **options: Any) -> Session:
    """Give a session with a guard of its own."""
    guard = LocalGuard(clock=clock)
    return Session(login="alex", password="hidden word", guard=guard, transport=transport, **options)


@pytest.mark.anyio
async def test_all_attempts_share_the_callers_time() -> None:
    """A repetition has what is left of `max_wait`, and not all of it once more."""
    clock = FakeClock()
    ended: list[float] = []
    made = 0

    async def slow(_: httpx.Request) -> httpx.Response:
        nonlocal made
        made += 1
        if made == 1:  # the credentials are accepted
            return httpx.Response(200, json=[])
        await clock.sleep(3.0 if made == 2 else 100.0)
        raise httpx.ReadError("reset")

    smsc = session(lambda: httpx.MockTransport(slow), clock, max_wait=5.0, retry=Retry(random=lambda: 0.0))

    await smsc.downloads.list()

    async def one() -> None:
        with pytest.raises(NoReply):
            await smsc.downloads.list()
        ended.append(clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        await clock.advance(200.0)
    assert (3, [5.0]) == (made, ended)
    await smsc.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("one", "other", "used"),
    [
        ({"phone": "+380 67 123-45-67"}, {"phone": "380671234567"}, [2]),
        ({"phone": PHONE, "id": "7"}, {"id": "7", "phone": PHONE}, [2]),
        ({"mes": "a b", "id": "7"}, {"id": "7", "mes": "a b"}, [2]),
        ({"phone": PHONE}, {"phone": "380671234567"}, [1, 1]),
        ({"mes": "a b"}, {"mes": "a c"}, [1, 1]),
        ({"id": "7"}, {"id": "7", "del": "1"}, [1, 1]),
    ],
)
async def test_what_the_gateway_could_call_identical_counts_together(
    one: dict[str, str], other: dict[str, str], used: list[int]
) -> None:
    """The spelling of a phone and the order of parameters make no other request; any other value does."""
    smsc = session(lambda: httpx.MockTransport(lambda _: httpx.Response(200, json={})), FakeClock())
    for params in (one, other):
        await smsc.call("phones.php", params, limits=(Limit(3),))
    assert used == [rule.used for rule in smsc.limits().rules]
    await smsc.aclose()


def test_a_child_takes_rents_in_flight_for_unresolved() -> None:
    """After a fork nobody will ever tell the child how its parent's rents ended."""
    memory = Memory()
    memory.begin("numbers.rent", PHONE)
    memory.begin("numbers.rent", "380950000002")
    memory.end("numbers.rent", "380950000002")
    memory.after_fork()
    assert (True, False) == tuple(memory.unresolved("numbers.rent", phone) for phone in (PHONE, "380950000002"))


@pytest.mark.parametrize("kind", [OutcomeUnknown, OutcomeStillUnknown])
def test_an_unknown_outcome_shows_no_whole_phone(kind: type[OutcomeUnknown]) -> None:
    """The error holds the phone for its catcher, and shows its ends alone."""
    error = kind("numbers.rent", PHONE, "no answer")
    assert PHONE == error.reference
    assert PHONE not in f"{error!s} {error!r}"


@pytest.mark.parametrize("text", ["word " * 1_000, b"word " * 1_000], ids=["text", "bytes"])
def test_no_more_than_the_beginning_of_a_foreign_text_is_shown(text: str | bytes) -> None:
    """An excerpt has a bounded length, and says where it was cut."""
    shown = excerpt(text)
    assert (EXCERPT_LENGTH + 1, "…") == (len(shown), shown[-1])
