"""A phone confirmed by a call: through a receiver, and through the inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from smsc_async import LocalGuard, LocalTime, Session
from smsc_async._waiting_calls import ExpectedCall
from smsc_async.errors import (
    ConfirmationExpired,
    ConfirmationInProgress,
    InsufficientFunds,
    InvalidArgument,
    NoReply,
    SessionClosed,
)
from smsc_async.services.calls import Calls
from tests.services.fakes import Asked, FakeCaller
from tests.services.test_inbox import row
from tests.webhooks.receiver.gateway import NOW, call, post, receiver

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async.services.calls import ConfirmedCall, PendingConfirmation
    from smsc_async.webhooks import Receiver

PHONE = "380671234567"
NUMBER = {"phone": "380440000101", "all_phones": ["380440000101", "380440000102"]}


class Rows:
    """The rows of an inbox, and when each came."""

    def __init__(self, caller: FakeCaller) -> None:
        self.all: list[tuple[dict[str, object], float]] = []
        self._clock = caller.clock

    def append(self, one: dict[str, object], *, age: float = 0.0) -> None:
        """A row comes, or came *age* seconds ago."""
        self.all.append((one, self._clock.now() - age))

    def extend(self, several: list[dict[str, object]]) -> None:
        """Several come."""
        self.all += [(one, self._clock.now()) for one in several]


class Gateway:
    """
    A gateway that names numbers, and whose inbox fills.

    It looks back as far as it is asked to, else a day; in the inbox stands a call of three hours ago.
    """

    def __init__(self) -> None:
        self.failures: list[BaseException] = []
        self.caller = FakeCaller(self._answer)
        self.calls = Calls(self.caller)
        self.rows = Rows(self.caller)
        self.rows.append(row(3, "[waitcall]", PHONE), age=3 * 3_600.0)

    def _answer(self, asked: Asked) -> Any:
        if asked.endpoint == "calls.request":
            return NUMBER
        if self.failures:
            return self.failures.pop(0)
        after = int(asked.params.get("after_id", "0"))
        since = self.caller.clock.now() - 3_600.0 * float(asked.params.get("hour", "24"))
        return [one for one, came in self.rows.all if int(str(one["id"])) > after and came >= since]

    @property
    def looks(self) -> int:
        """How often the inbox was asked."""
        return sum(asked.endpoint == "inbox.list" for asked in self.caller.asked)


def listening(gateway: Gateway) -> Receiver:
    """Make a receiver on the gateway's clock."""
    return receiver(clock=gateway.caller.clock)


@pytest.mark.anyio
async def test_a_call_confirms_a_phone() -> None:
    """A number is asked for, the subscriber calls, the callback arrives, and the phone is confirmed."""
    gateway = Gateway()
    app = listening(gateway)
    async with gateway.calls.confirmation("+380 67 123-45-67", receiver=app) as pending:
        assert (PHONE, "380440000101") == (pending.subscriber, pending.number)
        assert ("380440000101", "380440000102") == pending.numbers
        assert f"<PendingConfirmation {PHONE} calls 380440000101 by 00:15:00 UTC>" == repr(pending)
        assert 200 == await post(app, call(PHONE, ts=NOW + 7))
        confirmed = await pending.wait()
        assert confirmed == await pending.wait()
    assert (PHONE, "380440000101") == (confirmed.subscriber, confirmed.number)
    assert confirmed.called_at is not None
    assert NOW + 7 == confirmed.called_at.timestamp()
    assert ["calls.request"] == [asked.endpoint for asked in gateway.caller.asked]


@pytest.mark.anyio
async def test_a_call_is_awaited_before_it_comes() -> None:
    """Who waits is woken by the call, and by nobody else's."""
    gateway = Gateway()
    app = listening(gateway)
    confirmed: list[ConfirmedCall] = []

    async def confirm() -> None:
        async with gateway.calls.confirmation(PHONE, receiver=app) as pending:
            confirmed.append(await pending.wait())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(confirm)
        await anyio.wait_all_tasks_blocked()
        assert 200 == await post(app, call("380671234568"))
        await anyio.wait_all_tasks_blocked()
        assert not confirmed
        assert 200 == await post(app, call("+380671234567"))
    assert [PHONE] == [one.subscriber for one in confirmed]


@pytest.mark.anyio
@pytest.mark.parametrize("inbox", [False, True])
async def test_after_fifteen_minutes_the_wait_ends(*, inbox: bool) -> None:
    """Nobody called: the error says from where, masked, and to where."""
    gateway = Gateway()
    app = None if inbox else listening(gateway)
    errors: list[ConfirmationExpired] = []

    async def confirm() -> None:
        async with gateway.calls.confirmation(PHONE, receiver=app) as pending:
            with pytest.raises(ConfirmationExpired) as caught:
                await pending.wait(timeout=10_000)
            errors.append(caught.value)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(confirm)
        await gateway.caller.clock.advance(899)
        assert not errors
        await gateway.caller.clock.advance(2)
    assert ["no call came from 380*******67 to 380440000101; ask for a number again"] == list(map(str, errors))
    assert PHONE not in repr(errors)


@pytest.mark.anyio
async def test_a_shorter_wait_may_be_gone_on_with() -> None:
    """Before the number expires the wait may be repeated, and a call in between is not lost."""
    gateway = Gateway()
    app = listening(gateway)

    async def run() -> None:
        async with gateway.calls.confirmation(PHONE, receiver=app) as pending:
            with pytest.raises(ConfirmationExpired):
                await pending.wait(timeout=60)
            await post(app, call(PHONE, ts=NOW + 60))
            assert NOW + 60 == (await pending.wait(timeout=60)).called_at.timestamp()  # type: ignore[union-attr]
            with pytest.raises(InvalidArgument, match="timeout: must be more than 0"):
                await pending.wait(timeout=0)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await gateway.caller.clock.advance(61)


@pytest.mark.anyio
@pytest.mark.parametrize("inbox", [False, True])
async def test_a_phone_is_confirmed_for_one_at_a_time(*, inbox: bool) -> None:
    """A second wait for the same phone is refused before anything is asked; other phones do not matter."""
    gateway = Gateway()
    app = None if inbox else listening(gateway)
    async with (
        gateway.calls.confirmation(PHONE, receiver=app),
        gateway.calls.confirmation("380671234568", receiver=app),
    ):
        asked = len(gateway.caller.asked)
        with pytest.raises(ConfirmationInProgress, match=r"a call from 380\*+67 is waited for already"):
            async with gateway.calls.confirmation("380 67 1234567", receiver=app):
                pytest.fail("it was let in")
        assert asked == len(gateway.caller.asked)
    async with gateway.calls.confirmation(PHONE, receiver=app) as pending:
        assert PHONE == pending.subscriber


@pytest.mark.anyio
async def test_a_call_of_another_day_confirms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A callback that tells of a call before the question is a repeat, and is not taken for an answer."""
    gateway = Gateway()
    app = listening(gateway)
    await gateway.caller.clock.advance(3_600)

    async def run() -> None:
        async with gateway.calls.confirmation(PHONE, receiver=app) as pending:
            assert 200 == await post(app, call(PHONE, ts=NOW))
            with pytest.raises(ConfirmationExpired):
                await pending.wait()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await gateway.caller.clock.advance(901)
    assert "confirms nothing: it came before it was asked for, by our clock" in caplog.text
    assert PHONE not in caplog.text


@pytest.mark.anyio
async def test_a_repeat_of_a_call_confirms_nothing_again() -> None:
    """The gateway's repeat of a callback that was acknowledged does not confirm the phone for the next one who asks."""
    gateway = Gateway()
    app = listening(gateway)
    app.on()(lambda _: None)
    async with gateway.calls.confirmation(PHONE, receiver=app) as pending:
        await post(app, call(PHONE))
        await pending.wait()

    async def again() -> None:
        async with gateway.calls.confirmation(PHONE, receiver=app) as pending:
            assert 200 == await post(app, call(PHONE))
            with pytest.raises(ConfirmationExpired):
                await pending.wait()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(again)
        await gateway.caller.clock.advance(901)


@pytest.mark.anyio
async def test_a_refused_request_leaves_nothing_behind() -> None:
    """Where no number is given, the error comes out, and the phone may be asked for again."""
    caller = FakeCaller({"error": "no money", "error_code": 3})
    app = receiver(clock=caller.clock)
    for _ in range(2):
        with pytest.raises(InsufficientFunds):
            async with Calls(caller).confirmation(PHONE, receiver=app):
                pytest.fail("it was let in")


@pytest.mark.anyio
async def test_two_tasks_may_wait_for_one_call() -> None:
    """Both are woken by it."""
    gateway = Gateway()
    app = listening(gateway)
    confirmed: list[ConfirmedCall] = []
    async with gateway.calls.confirmation(PHONE, receiver=app) as pending, anyio.create_task_group() as tasks:

        async def wait() -> None:
            confirmed.append(await pending.wait())

        for _ in range(3):
            tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        await post(app, call(PHONE))
    assert 3 == len(confirmed)


# The inbox --------------------------------------------------------------------------------------------------------


async def confirm_all(gateway: Gateway, phones: list[str], then: Callable[[], object], seconds: float) -> list[str]:
    """Wait for calls of *phones* at once, do something when all of them wait, and give those confirmed in *seconds*."""
    confirmed: list[str] = []
    waiting: list[PendingConfirmation] = []

    async def confirm(phone: str) -> None:
        async with gateway.calls.confirmation(phone) as pending:
            waiting.append(pending)
            call = await pending.wait()
            assert LocalTime("22.11.2026 10:20:30") == call.received
            assert call.called_at is None
            confirmed.append(call.subscriber)

    async with anyio.create_task_group() as tasks:
        for phone in phones:
            tasks.start_soon(confirm, phone)
        await anyio.wait_all_tasks_blocked()
        assert len(phones) == len(waiting)
        then()
        await gateway.caller.clock.advance(seconds)
        tasks.cancel_scope.cancel()
    return confirmed


@pytest.mark.anyio
async def test_without_a_receiver_the_inbox_is_looked_at() -> None:
    """The row of a call confirms the phone; a row of another day, and a message with other words, do not."""
    gateway = Gateway()
    more = [row(4, "hello", PHONE), row(5, "[waitcall]", PHONE)]
    assert [PHONE] == await confirm_all(gateway, [PHONE], lambda: gateway.rows.extend(more), 25)
    gateway = Gateway()
    assert [] == await confirm_all(gateway, [PHONE], lambda: gateway.rows.append(more[0]), 200)


@pytest.mark.anyio
async def test_one_look_serves_all_who_wait() -> None:
    """However many wait, the inbox is looked at three times a minute."""
    gateway = Gateway()
    phones = [f"3806712{number:05d}" for number in range(300)]
    rows = [row(10 + number, "[waitcall]", phone) for number, phone in enumerate(phones)]
    assert sorted(phones) == sorted(await confirm_all(gateway, phones, lambda: gateway.rows.extend(rows), 61))
    assert gateway.looks <= 5


@pytest.mark.anyio
async def test_who_looks_may_leave_and_another_goes_on() -> None:
    """The one that looks for all is cancelled, or has its call: the others get theirs all the same."""
    gateway = Gateway()
    confirmed: list[str] = []
    first = anyio.CancelScope()

    async def confirm(phone: str, scope: anyio.CancelScope) -> None:
        with scope:
            async with gateway.calls.confirmation(phone) as pending:
                confirmed.append((await pending.wait()).subscriber)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(confirm, "380671111111", first)
        await anyio.wait_all_tasks_blocked()
        for phone in ("380672222222", "380673333333"):
            tasks.start_soon(confirm, phone, anyio.CancelScope())
        await gateway.caller.clock.advance(25)
        first.cancel()
        gateway.rows.append(row(10, "[waitcall]", "380672222222"))
        await gateway.caller.clock.advance(25)
        assert ["380672222222"] == confirmed
        gateway.rows.append(row(11, "[waitcall]", "380673333333"))
        await gateway.caller.clock.advance(25)
    assert ["380672222222", "380673333333"] == confirmed


@pytest.mark.anyio
async def test_a_look_that_fails_is_made_again(caplog: pytest.LogCaptureFixture) -> None:
    """A network that is down for a while costs a look; what cannot get better ends the wait."""
    gateway = Gateway()

    def fail() -> None:
        gateway.failures += [NoReply("inbox.list", "reset")] * 2
        gateway.rows.append(row(10, "[waitcall]", PHONE))

    assert [PHONE] == await confirm_all(gateway, [PHONE], fail, 65)
    assert 2 == caplog.text.count("the inbox could not be read")

    gateway = Gateway()
    with pytest.RaisesGroup(SessionClosed):
        await confirm_all(gateway, [PHONE], lambda: gateway.failures.append(SessionClosed()), 65)


@pytest.mark.anyio
async def test_an_inbox_that_was_empty_fills() -> None:
    """The first row ever is found too."""
    gateway = Gateway()
    gateway.rows.all.clear()
    assert [PHONE] == await confirm_all(gateway, [PHONE], lambda: gateway.rows.append(row(1, "[waitcall]", PHONE)), 25)


async def confirm(gateway: Gateway, found: list[Any], phone: str = PHONE) -> None:
    """Confirm a phone by the inbox; note the call, or the error, and when."""
    async with gateway.calls.confirmation(phone) as pending:
        try:
            found.append(await pending.wait())
        except ConfirmationExpired as error:
            found.append(error)


@pytest.mark.anyio
@pytest.mark.parametrize("hours", [0.2, 2.0, 20.0])
async def test_an_old_call_in_the_inbox_confirms_nothing(hours: float) -> None:
    """Whether anything came within the last hour or not."""
    gateway = Gateway()
    gateway.rows.append(row(4, "[waitcall]", PHONE), age=hours * 3_600.0)
    found: list[Any] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(confirm, gateway, found)
        await gateway.caller.clock.advance(600)
        assert not found
        gateway.rows.append(row(5, "[waitcall]", f"+{PHONE}"))
        await gateway.caller.clock.advance(20)
        assert [PHONE] == [one.subscriber for one in found]


@pytest.mark.anyio
async def test_a_call_between_two_confirmations_is_nobodys() -> None:
    """Its owner called and had left; hours later somebody else asks for that phone, and must be called anew."""
    gateway = Gateway()
    found: list[Any] = []
    first = anyio.CancelScope()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(in_scope, first, gateway)
        await gateway.caller.clock.advance(5)
        first.cancel()
        await anyio.wait_all_tasks_blocked()
        gateway.rows.append(row(10, "[waitcall]", PHONE))
        await gateway.caller.clock.advance(3 * 3_600.0)
        tasks.start_soon(confirm, gateway, found)
        await gateway.caller.clock.advance(60)
        assert not found
        gateway.rows.append(row(11, "[waitcall]", PHONE))
        await gateway.caller.clock.advance(20)
        assert [PHONE] == [one.subscriber for one in found]


async def in_scope(scope: anyio.CancelScope, gateway: Gateway, phone: str = PHONE) -> None:
    """Wait until somebody else ends it."""
    with scope:
        await confirm(gateway, [], phone)


@pytest.mark.anyio
async def test_looks_that_failed_are_none() -> None:
    """After an outage the inbox is read before a number is asked for: what came meanwhile confirms nothing new."""
    gateway = Gateway()
    found: list[Any] = []
    first = anyio.CancelScope()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(confirm, gateway, [], "380679999999")
        tasks.start_soon(in_scope, first, gateway)
        await gateway.caller.clock.advance(45)
        gateway.failures += [NoReply("inbox.list", "down")] * 40
        await gateway.caller.clock.advance(60)
        gateway.rows.append(row(10, "[waitcall]", PHONE))
        first.cancel()
        await gateway.caller.clock.advance(500)
        gateway.failures.clear()
        tasks.start_soon(confirm, gateway, found)
        await gateway.caller.clock.advance(60)
        assert not found
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_call_of_the_last_moment_counts() -> None:
    """The number was called in time; that the inbox was to be looked at later is not the subscriber's fault."""
    gateway = Gateway()
    found: list[Any] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(confirm, gateway, found)
        await gateway.caller.clock.advance(899)
        gateway.rows.append(row(10, "[waitcall]", PHONE))
        await gateway.caller.clock.advance(2)
    assert [PHONE] == [getattr(one, "subscriber", None) for one in found if not isinstance(one, Exception)]


@pytest.mark.anyio
async def test_a_last_look_that_fails_leaves_the_phone_unconfirmed(caplog: pytest.LogCaptureFixture) -> None:
    """The error is the one that was to be expected."""
    gateway = Gateway()
    found: list[Any] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(confirm, gateway, found)
        await gateway.caller.clock.advance(899)
        gateway.failures += [NoReply("inbox.list", "down")] * 3
        await gateway.caller.clock.advance(2)
    assert [ConfirmationExpired] == [type(one) for one in found]
    assert "the inbox could not be read" in caplog.text


@pytest.mark.anyio
async def test_of_many_who_wait_one_goes_on_looking() -> None:
    """However many leave, in whichever order: each wakes one other at the most."""
    gateway = Gateway()
    rung: list[object] = []
    scopes = [anyio.CancelScope() for _ in range(200)]
    async with anyio.create_task_group() as tasks:
        for number, scope in enumerate(scopes):
            tasks.start_soon(in_scope, scope, gateway, f"38067{number:07}")
        await gateway.caller.clock.advance(1)
        ring = ExpectedCall.ring
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ExpectedCall, "ring", lambda self: (rung.append(self), ring(self)))
            for scope in scopes[:199]:
                scope.cancel()
                await anyio.wait_all_tasks_blocked()
        assert len(rung) <= 199
        looks = gateway.looks
        await gateway.caller.clock.advance(60)
        assert looks + 3 == gateway.looks
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_shorter_wait_says_how_long_the_number_is_good() -> None:
    """A new one need not be asked for."""
    gateway = Gateway()
    app = listening(gateway)

    async def run() -> None:
        async with gateway.calls.confirmation(PHONE, receiver=app) as pending:
            with pytest.raises(ConfirmationExpired, match=r"to 380440000101; wait on, for at most 895 s$") as caught:
                await pending.wait(timeout=5)
            assert 895.0 == caught.value.seconds_left

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await gateway.caller.clock.advance(6)


def test_sessions_of_one_account_share_the_looks() -> None:
    """One poll for all, and one wait for each phone; other accounts have their own."""
    guard = LocalGuard()
    one, same, other = (Session(login=login, password="password", guard=guard) for login in ("a", "a", "b"))
    assert one._conductor.inbox_watch is same._conductor.inbox_watch
    assert one._conductor.inbox_watch is not other._conductor.inbox_watch
