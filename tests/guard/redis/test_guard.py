"""The guard of many machines: two guards are two processes, on one server; on asyncio and trio."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from smsc_async.errors import AccountLocked, GuardUnavailable, InvalidArgument, InvalidArgumentType, WaitTooLong
from smsc_async.guard import Outcome, RedisGuard
from smsc_async.guard import redis as front
from smsc_async.guard._redis_answers import Refused
from smsc_async.guard._redis_door import Door
from tests.guard.demands import PAIR, PLENTY, SINGLE, demand
from tests.guard.redis.moved import MovedServer, admitted, until
from tests.guard.redis.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smsc_async.guard import Lease

pytestmark = pytest.mark.anyio
REST = 61.5


@pytest.fixture
def shared(moved: MovedServer) -> Iterator[MovedServer]:
    """A server, and its guards closed at the end."""
    yield moved
    moved.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards that give up soon."""
    monkeypatch.setattr(front, "_PATIENCE", 0.3)
    monkeypatch.setattr(front, "_SILENCE", 0.1)


def slots(shared: MovedServer) -> int:
    """Count the leases that the server knows."""
    return shared.account().get("s", "|||").split("|")[2].count(";")


# Tokens and slots -----------------------------------------------------------------------------------------------------


async def test_processes_share_tokens(shared: MovedServer) -> None:
    """A token that one process has is out for all, and rests for all (G1)."""
    one, other = await shared.ready(), await shared.ready()
    lease = await admitted(one, demand(rule=SINGLE))
    with pytest.raises(WaitTooLong):
        await other.acquire(demand(rule=SINGLE), deadline=shared.clock.now() + 30.0)
    one.finish(lease, Outcome.ACCEPTED)
    shared.settle()
    with pytest.raises(WaitTooLong, match="identical"):
        await other.acquire(demand(rule=SINGLE), deadline=shared.clock.now() + 61.0)
    shared.move(REST)
    other.finish(await admitted(other, demand(rule=SINGLE)), Outcome.ACCEPTED)


async def test_processes_share_slots_and_wake_each_other(shared: MovedServer) -> None:
    """The fifteenth call waits, in whatever process, and goes when one ends elsewhere; nobody has to ask for it (G2)."""
    one, other = await shared.ready(), await shared.ready()
    leases = [await admitted(one, demand(f"k{number}")) for number in range(14)]
    got: list[Lease] = []

    async def wait() -> None:
        got.append(await other.acquire(demand("late")))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await until(lambda: other._waited_for)
        assert [] == got
        one.finish(leases.pop(), Outcome.ACCEPTED)
        await until(lambda: got)
    assert 14 == slots(shared)


async def test_calls_of_a_process_start_in_order(shared: MovedServer) -> None:
    """A call that was refused elsewhere keeps its place in its own process (P3)."""
    one, other = await shared.ready(), await shared.ready()
    held = await admitted(one, demand("same", SINGLE))
    order: list[int] = []

    async def wait(number: int) -> None:
        lease = await other.acquire(demand("same", PAIR))
        order.append(number)
        other.finish(lease, Outcome.UNSENT)

    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(wait, number)
            await anyio.sleep(0.01)
        one.finish(held, Outcome.UNSENT)
        await until(lambda: len(order) == 5)
    assert [0, 1, 2, 3, 4] == order


async def test_a_lost_message_delays_a_call_by_a_second(shared: MovedServer) -> None:
    """Who hears nothing looks again by itself."""
    one, other = await shared.ready(), await shared.ready()
    leases = [await admitted(one, demand(f"k{number}")) for number in range(14)]
    got: list[Lease] = []
    other._links._heard = lambda *_: None

    async def wait() -> None:
        got.append(await other.acquire(demand("late")))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await until(lambda: other._waited_for)
        one.finish(leases.pop(), Outcome.ACCEPTED)
        await until(lambda: slots(shared) == 13)
        await shared.advance(0.9)
        await anyio.sleep(0.05)
        assert [] == got
        await shared.advance(0.4)
        await until(lambda: got)


async def test_a_block_of_one_process_stops_all(shared: MovedServer) -> None:
    """After error 2 no other process tries the same credentials; afterwards, one call at a time (P7, G22)."""
    one, other = await shared.ready(), await shared.ready()
    one.finish(await admitted(one, demand("a")), Outcome.LOGIN_REFUSED)
    shared.settle()
    for guard in (one, other):
        with pytest.raises(AccountLocked, match="error 2"):
            await guard.acquire(demand("b"))
    shared.move(600.0)
    probe = await admitted(other, demand("c"))
    with pytest.raises(WaitTooLong):
        await other.acquire(demand("d"), deadline=shared.clock.now())
    other.finish(probe, Outcome.ACCEPTED)
    await admitted(other, demand("d"))


async def test_a_penalty_of_one_process_holds_for_all(shared: MovedServer) -> None:
    """A duplicate that the gateway refused closes the key everywhere, and one probe goes first (G21)."""
    one, other = await shared.ready(), await shared.ready()
    one.finish(await admitted(one, demand("same")), Outcome.DUPLICATE)
    shared.settle()
    with pytest.raises(WaitTooLong) as raised:
        await other.acquire(demand("same"), deadline=shared.clock.now() + 1.0)
    assert pytest.approx(REST, abs=0.01) == raised.value.wait
    shared.move(REST)
    await admitted(other, demand("same"))
    with pytest.raises(WaitTooLong):
        await one.acquire(demand("same"), deadline=shared.clock.now())


# Leases ---------------------------------------------------------------------------------------------------------------


async def test_a_lease_says_until_when_it_may_be_used(shared: MovedServer) -> None:
    """Its first byte leaves within ten seconds of the asking, and its exchange ends with its deadline (R2)."""
    guard = await shared.ready()
    lease = await admitted(guard, demand("a"))
    asked_at = shared.clock.now()
    assert (asked_at + 10.0, asked_at + 30.0) == (lease.send_by, lease.expires_at)


async def test_a_grant_that_comes_too_late_is_not_used(shared: MovedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that slept between grant and use gives it back, and asks anew (R2)."""
    guard = await shared.ready()
    ask = guard._ask_once
    asked: list[bytes] = []

    async def slow(asking: Any, since: float, until: float) -> list[Any]:
        answer = await ask(asking, since, until)
        asked.append(asking.id)
        if len(asked) == 1:
            shared.move(11.0)
        return answer

    monkeypatch.setattr(guard, "_ask_once", slow)
    lease = await admitted(guard, demand("a", SINGLE))
    assert 2 == len(set(asked))
    assert asked[1] == lease.id  # type: ignore[attr-defined]
    await until(lambda: slots(shared) == 1)


async def test_a_lost_answer_is_asked_for_again_under_the_same_name(shared: MovedServer) -> None:
    """The connection breaks after the question; the lease is taken once (R12)."""
    guard = await shared.ready()
    link = next(iter(guard._links._links.values()))
    read, link._take = link._take, lambda reply: link.lose("cut")  # type: ignore[method-assign]
    lease = await admitted(guard, demand("a", SINGLE))
    assert read is not None
    assert 1 == slots(shared)
    guard.finish(lease, Outcome.UNSENT)
    await until(lambda: slots(shared) == 0)


async def test_a_call_that_is_cancelled_while_it_asks_takes_nothing(shared: MovedServer) -> None:
    """What it may have been granted is given back behind the question (R12, G5)."""
    guard = await shared.ready()
    for number in range(20):
        with anyio.move_on_after(0) as scope:
            await guard.acquire(demand(f"k{number}"))
        assert scope.cancelled_caught
    await until(lambda: slots(shared) == 0)
    assert 0 == guard.usage("account").in_flight


async def test_what_could_not_be_told_is_told_later(shared: MovedServer) -> None:
    """A call that ends while the connection is broken is given back on the next one (R13)."""
    guard = await shared.ready()
    lease = await admitted(guard, demand("a", SINGLE))
    next(iter(guard._links._links.values())).lose("cut")
    guard.finish(lease, Outcome.ACCEPTED)
    guard.finish(await admitted(guard, demand("b")), Outcome.ACCEPTED)
    await until(lambda: slots(shared) == 0)


def test_a_guard_works_in_one_event_loop_after_another(shared: MovedServer, anyio_backend: str) -> None:
    """The connection outlives its event loop; what was given back at its end is delivered."""

    async def ready() -> RedisGuard:
        return await shared.ready()

    guard = anyio.run(ready, backend=anyio_backend)

    async def call() -> None:
        guard.finish(await guard.acquire(demand("a", PLENTY)), Outcome.ACCEPTED)

    for _ in range(3):
        anyio.run(call, backend=anyio_backend)
    threads = [threading.Thread(target=anyio.run, args=[call], kwargs={"backend": anyio_backend}) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10.0)
    guard.close()
    assert 0 == slots(shared)


async def test_what_was_given_back_last_is_delivered_when_the_guard_is_closed(shared: MovedServer) -> None:
    """A process may end right after its last call."""
    guard = await shared.ready()
    guard.finish(await admitted(guard, demand("a")), Outcome.ACCEPTED)
    guard.close()
    assert 0 == slots(shared)


# What goes wrong there ------------------------------------------------------------------------------------------------


async def test_an_account_that_the_server_does_not_know_waits_behind_the_fence(shared: MovedServer) -> None:
    """A call whose time ends before says how long it would be; others wait, in order (R4, R8)."""
    guard = shared.guard()
    with pytest.raises(WaitTooLong, match="nobody remembers") as raised:
        await guard.acquire(demand("a"), deadline=shared.clock.now() + 60.0)
    assert pytest.approx(97.5, abs=0.1) == raised.value.wait
    got: list[Lease] = []

    async def wait() -> None:
        got.append(await guard.acquire(demand("a")))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await until(lambda: any(room.keeper for room in guard._rooms.values()))
        await shared.advance(97.0)
        assert [] == got
        await shared.advance(0.6)
        await until(lambda: got)


async def test_a_server_that_is_restarted_is_fenced(own_server: Server, impatient: None) -> None:
    """Killed and started again with nothing, or with what it had written: it may not remember all (R4, R5)."""
    guard = RedisGuard(own_server.url)
    for options in ((), ("--appendonly", "yes", "--appendfsync", "always"), ("--appendonly", "yes")):
        with pytest.raises(WaitTooLong, match="nobody remembers"):
            await guard.acquire(demand("a"), deadline=guard.clock.now() + 5.0)
        guard._local.fenced_until.clear()
        own_server.kill()
        with pytest.raises(GuardUnavailable, match="cannot be reached"):
            await guard.acquire(demand("a"))
        own_server.start(*options)
        client = own_server.client()
        for name in client.scan_iter("{smsc:*}"):  # if only because it is another run of the server
            client.hset(name, "fence", 0)
    guard.close()


async def test_a_replica_is_no_guard_and_a_promoted_one_is_fenced(own_server: Server, impatient: None) -> None:
    """It refuses to be asked while it is a replica; as a primary it may lag behind what the old one granted (R6, R16)."""
    client = own_server.client()
    with Server(own_server.binary) as primary:
        guard = RedisGuard(primary.url)
        with pytest.raises(WaitTooLong):
            await guard.acquire(demand("a"), deadline=guard.clock.now() + 5.0)
        guard.close()
        client.replicaof("127.0.0.1", str(primary.port))
        await until(lambda: client.info("replication")["master_link_status"] == "up")
        moved = RedisGuard(own_server.url)
        with pytest.raises(GuardUnavailable, match="not a primary"):
            await moved.acquire(demand("a"))
        client.replicaof("NO", "ONE")
        for name in client.scan_iter("{smsc:*}"):
            client.hset(name, "fence", 0)
        with pytest.raises(WaitTooLong, match="nobody remembers"):
            await moved.acquire(demand("a"), deadline=moved.clock.now() + 5.0)
        client.replicaof("127.0.0.1", str(primary.port))
        with pytest.raises(GuardUnavailable, match="primary"):
            await moved.acquire(demand("b", credential="other", account="other"))
        moved.close()


async def test_a_server_whose_clock_was_set_forward_is_fenced(shared: MovedServer) -> None:
    """Tokens would come home early; the guard finds out, and waits (R9)."""
    guard = await shared.ready()
    shared.step_clock(10.0)
    with pytest.raises(WaitTooLong, match="nobody remembers"):
        await guard.acquire(demand("a"), deadline=shared.clock.now() + 5.0)


async def test_a_slow_way_is_no_step_of_the_clock(shared: MovedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that was long under way arrives late, and nobody is fenced for it (R9)."""
    guard = await shared.ready()
    names = guard._names(demand().identity)
    take = names.take

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(names, name)

        def take(self, *words: Any) -> bytes:
            step = take(*words)
            shared.move(4.0)
            return step

    guard._known_names[demand().identity] = Slow()  # type: ignore[assignment]
    monkeypatch.setattr(front, "send_within", lambda lasts: 100.0)
    lease = await admitted(guard, demand("a"))
    assert lease.demand.endpoint == "test.call"


def test_clocks_that_disagree_are_refused(server: Server) -> None:
    """A machine whose clock differs from the server's by more than two seconds does not take part (R11)."""
    for error in (3.0, -3.0):
        door = Door(server.url, time.monotonic, lambda: time.time() + error)  # noqa: B023 - called in this turn
        with pytest.raises(Refused, match="clocks disagree"):
            door.open()
    Door(server.url, time.monotonic, lambda: time.time() + 1.5).open().socket.close()


async def test_a_server_that_is_away_closes_the_guard(impatient: None) -> None:
    """Nothing is sent, and the call fails within its time (R15)."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        guard = RedisGuard(f"redis://:secret-word@127.0.0.1:{nobody.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(GuardUnavailable, match="cannot be reached") as raised:
            await guard.acquire(demand("a"))
        assert time.monotonic() - began < 5.0
        assert "secret-word" not in f"{guard!r} {raised.value!r} {raised.value.__context__!r}"
        assert 0 == guard.usage("account").in_flight


async def test_a_server_that_does_not_answer_closes_the_guard(shared: MovedServer, impatient: None) -> None:
    """It took the question and is silent: the call fails within its time, and nothing is sent (R15)."""
    guard = RedisGuard(shared.server.url)
    shared.guards.append(guard)
    with pytest.raises(WaitTooLong):
        await guard.acquire(demand("a"), deadline=guard.clock.now() + 5.0)
    guard._local.fenced_until.clear()
    shared.lift_the_fence()
    threading.Thread(target=shared.server.client().execute_command, args=["DEBUG", "SLEEP", "1"]).start()
    await anyio.sleep(0.1)
    with pytest.raises(GuardUnavailable):
        await guard.acquire(demand("a"))


async def test_a_script_that_was_forgotten_is_brought_again(shared: MovedServer) -> None:
    """SCRIPT FLUSH costs one more round trip (R16)."""
    guard = await shared.ready()
    shared.client.script_flush()
    lease = await admitted(guard, demand("a"))
    shared.client.script_flush()
    guard.finish(lease, Outcome.ACCEPTED)
    await until(lambda: slots(shared) == 0)


async def test_a_member_of_a_cluster_that_does_not_keep_the_account_is_refused(own_server: Server) -> None:
    """There is one key, in one hash slot, and a guard talks to its primary alone (R16)."""
    own_server.kill()
    own_server.start("--cluster-enabled", "yes", "--cluster-config-file", "nodes")
    guard = RedisGuard(own_server.url)
    with pytest.raises(GuardUnavailable, match="cluster"):
        await guard.acquire(demand("a"), deadline=guard.clock.now() + 0.3)
    guard.close()


async def test_processes_with_other_numbers_are_refused(shared: MovedServer) -> None:
    """Whoever counts on another minute must not take part (R17)."""
    await shared.ready()
    for numbers in ({"window": 30.0}, {"margin": 0.5}, {"lateness": 1.0}, {"max_concurrency": 7}, {"longest": 60.0}):
        with pytest.raises(GuardUnavailable, match="do not agree"):
            await shared.guard(**numbers).acquire(demand("a"))


async def test_garbage_closes_the_guard(shared: MovedServer) -> None:
    """What another tenant wrote into the account is not guessed at (R18)."""
    guard = await shared.ready()
    (name,) = shared.client.scan_iter("{smsc:*}")
    shared.client.hset(name, "s", "mine")
    with pytest.raises(GuardUnavailable, match="written by somebody else"):
        await guard.acquire(demand("a"))
    shared.client.set(name, "mine")
    with pytest.raises(GuardUnavailable, match="written by somebody else"):
        await guard.acquire(demand("a"))


async def test_nothing_that_is_stored_or_said_tells_whose_it_is(shared: MovedServer) -> None:
    """Account, credentials, keys and gateway are digests on the server (R19)."""
    canaries = ["canary-account", "canary-credential", "canary-key", "canary.example"]
    wanted = demand(canaries[2], account=canaries[0], credential=canaries[1], gateway=f"https://{canaries[3]}")
    with shared.server.client().monitor() as monitor:
        guard = shared.guard()
        with pytest.raises(WaitTooLong):
            await guard.acquire(wanted, deadline=shared.clock.now() + 1.0)
        shared.lift_the_fence()
        guard._local.fenced_until.clear()
        guard.finish(await admitted(guard, wanted), Outcome.ACCEPTED)
        guard.close()
        shared.client.echo("the end")
        said = ""
        while "the end" not in said:
            said += monitor.next_command()["command"]
    (name,) = shared.client.scan_iter("{smsc:*}")
    seen = f"{said} {name} {shared.client.hgetall(name)}"
    assert "FINISH" in seen
    assert not [canary for canary in canaries if canary in seen or canary.encode().hex() in seen]


# Arguments ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "settings", "error"),
    [
        ("http://host", {}, InvalidArgument),
        ("redis+sentinel://host", {}, InvalidArgument),
        (6379, {}, InvalidArgumentType),
        ("redis://host", {"longest": 0}, InvalidArgument),
        ("redis://host", {"longest_file": 10.0}, InvalidArgument),
        ("redis://host", {"max_concurrency": 15}, InvalidArgument),
    ],
)
def test_wrong_arguments_are_told_before_anything_is_opened(url: Any, settings: Any, error: type[Exception]) -> None:
    """They are typed errors of the constructor."""
    with pytest.raises(error):
        RedisGuard(url, **settings)


async def test_a_call_may_not_last_longer_than_the_guard_counts_on() -> None:
    """What may be under way when all is forgotten is bounded."""
    wanted = demand("a")
    wanted.lasts = 31.0
    with pytest.raises(InvalidArgument, match="longest"):
        await RedisGuard("redis://127.0.0.1:1").acquire(wanted)


def test_the_package_names_it() -> None:
    """It is at the door, and behind its extra."""
    import smsc_async

    assert RedisGuard is smsc_async.RedisGuard
