"""A paid call is in the journal from before it leaves until its end is known and told."""
# ruff: noqa: ASYNC240 - nothing else runs while a test looks at the file

from __future__ import annotations

import logging
from contextlib import ExitStack, closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from smsc_async import (
    InsufficientFunds,
    InvalidArgumentType,
    JournalUnavailable,
    LocalGuard,
    NotSent,
    OutcomeStillUnknown,
    OutcomeUnknown,
    Rental,
    Replay,
    Retry,
    Session,
    SessionClosed,
    TooManyRequests,
    events,
)
from smsc_async._journal import journal as room
from smsc_async._journal.journal import Journal
from smsc_async.testing import FakeClock, SimulatedGateway
from tests.canaries import RUN
from tests.journal.accounts import PHONE, leave_open, locked, process, session, standing

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

BOUGHT = {"phone": PHONE, "cost": "30.00"}
LOST = httpx.ReadError("the connection broke")
NO_MONEY = {"error": "money", "error_code": 3}
OTHER = "380950000002"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal will be."""
    return tmp_path / "journal.db"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that does not wait for other processes for long."""
    monkeypatch.setattr(room, "_BUSY_TIMEOUT", 0.05)


async def test_the_row_is_on_the_disk_before_the_request_leaves(anyio_backend: str, path: Path) -> None:
    """Whoever reads the file as the request comes in finds the call; when the session is closed it is gone."""
    found: list[Any] = []

    def answer() -> object:
        found.extend(standing(path))
        return BOUGHT

    async with session(path, answer) as smsc:
        assert Rental(phone=PHONE, cost=Decimal("30.00")) == await smsc.numbers.rent(PHONE)
        assert [] == await smsc.unresolved()
    assert [("numbers.rent", PHONE, None)] == found
    assert [] == standing(path)


async def test_the_row_outlives_the_value_for_a_moment(anyio_backend: str, path: Path) -> None:
    """Another process, or one that comes after a kill, finds a call whose value was just handed over."""
    async with session(path, BOUGHT) as smsc:
        await smsc.numbers.rent(PHONE)
        assert [("numbers.rent", PHONE, None)] == standing(path)
        with process():
            assert [PHONE] == [call.subject for call in await smsc.unresolved()]


async def test_reads_are_not_written_down(anyio_backend: str, path: Path) -> None:
    """A call that changes nothing does not even open the file."""
    async with session(path, []) as smsc:
        await smsc.numbers.available()
        await smsc.call("phones.php", {"x": 1}, replay=Replay.READ)
    assert not path.exists()


async def test_a_refusal_is_struck_before_the_error_comes(anyio_backend: str, path: Path) -> None:
    """It leaves no row, not even for a moment."""
    async with session(path, NO_MONEY, BOUGHT) as smsc:
        with pytest.raises(InsufficientFunds):
            await smsc.numbers.rent(PHONE)
        assert [] == standing(path)
        with process():
            await smsc.numbers.rent(PHONE)


async def test_what_never_left_is_struck_before_the_error_comes(anyio_backend: str, path: Path) -> None:
    """Where nobody was there, nothing was bought."""
    nobody = {"base_url": "http://127.0.0.1:9", "backup_urls": (), "transport": None}
    async with session(path, None, **nobody) as smsc:
        with pytest.raises(NotSent):
            await smsc.numbers.rent(PHONE)
        assert [] == standing(path)


async def test_each_attempt_has_a_row_of_its_own(anyio_backend: str, path: Path) -> None:
    """While a call waits to be repeated, because it was not carried out, nothing is written down."""
    rows: list[int] = []

    def told(event: events.Event) -> None:
        if isinstance(event, events.Repeating | events.Attempt):
            rows.append(len(standing(path)))

    busy = {"error": "too many concurrent requests", "error_code": 9}
    async with session(path, busy, BOUGHT, observer=told, retry=Retry(random=lambda: 0.0)) as smsc:
        await smsc.numbers.rent(PHONE)
    assert [1, 0, 1] == rows


async def test_an_unknown_outcome_stays(anyio_backend: str, path: Path) -> None:
    """It is listed with its reason, here and in another process, until somebody settles it."""
    async with session(path, LOST) as smsc:
        with pytest.raises(OutcomeUnknown):
            await smsc.numbers.rent(PHONE)
        (here,) = await smsc.unresolved()
    with process():
        async with session(path, BOUGHT) as smsc:
            (there,) = await smsc.unresolved()
            assert here == there
            assert ("numbers.rent", PHONE) == (there.endpoint, there.subject)
            assert "the connection broke" in there.reason
            assert there.opened_at.utcoffset() is not None
            assert f"subject='{PHONE}'" in repr(there)
            assert there.key not in repr(there)
            with pytest.raises(OutcomeStillUnknown):
                await smsc.numbers.rent(PHONE)
            await smsc.settle(there)
            await smsc.settle(there)
            assert [] == await smsc.unresolved()
            await smsc.numbers.rent(PHONE)


async def test_settling_is_heard_of_by_the_process_that_lost_it(anyio_backend: str, path: Path) -> None:
    """The memory of the process does not outlive what the caller has said."""
    told: list[events.Event] = []
    async with session(path, LOST, BOUGHT, observer=told.append) as smsc:
        with pytest.raises(OutcomeUnknown):
            await smsc.numbers.rent(PHONE)
        with pytest.raises(OutcomeStillUnknown, match="an earlier call"):
            await smsc.numbers.rent(PHONE)
        for call in await smsc.unresolved():
            await smsc.settle(call)
        await smsc.numbers.rent(PHONE)
    assert events.OutcomeSettled("numbers.rent", "380*******01") in told


async def test_a_call_that_a_killed_process_left_is_held_against_the_next(anyio_backend: str, path: Path) -> None:
    """It says since when, sends nothing, gives the lease back, and does not mind other phones and accounts."""
    seen: list[httpx.Request] = []
    async with session(path, BOUGHT, seen=seen) as smsc:
        leave_open(smsc, path, "numbers.rent", PHONE)
        with pytest.raises(OutcomeStillUnknown, match=r"2026-01-01 00:00:00 UTC .* its process died"):
            await smsc.numbers.rent(PHONE)
        usage = smsc.limits()
        assert ([], 0, ()) == (seen, usage.in_flight, usage.rules)
        await smsc.numbers.rent(OTHER)
    async with session(path, BOUGHT, account="another") as other:
        assert [] == await other.unresolved()
        await other.numbers.rent(PHONE)


async def test_force_pays_in_spite_of_it_and_settles_it(anyio_backend: str, path: Path) -> None:
    """A success strikes what was open before; a refusal leaves it."""
    async with session(path, NO_MONEY, BOUGHT) as smsc:
        leave_open(smsc, path, "numbers.rent", PHONE)
        leave_open(smsc, path, "numbers.rent", OTHER)
        with pytest.raises(InsufficientFunds):
            await smsc.numbers.rent(PHONE, force=True)
        assert 2 == len(await smsc.unresolved())
        await smsc.numbers.rent(PHONE, force=True)
        assert [OTHER] == [call.subject for call in await smsc.unresolved()]
    assert [("numbers.rent", OTHER, None)] == standing(path)


async def test_a_duplicate_is_not_repeated_where_the_journal_has_one_before(anyio_backend: str, path: Path) -> None:
    """What the gateway calls a repeat may be one of the call that an earlier process left."""
    duplicate = {"error": "duplicate request", "error_code": 9}
    async with session(path, duplicate, retry=Retry(), max_wait=1000.0) as smsc:
        leave_open(smsc, path, "numbers.rent", PHONE)
        with pytest.raises(TooManyRequests):
            await smsc.numbers.rent(PHONE, force=True)


async def test_a_lost_call_is_noted_though_its_row_was_struck(anyio_backend: str, path: Path) -> None:
    """Somebody who paid in spite of a call that was under way does not make it forgotten."""

    def settled_elsewhere() -> object:
        with closing(room._File(path, None).connect()) as db:
            db.execute("DELETE FROM calls")
        return LOST

    async with session(path, settled_elsewhere) as smsc:
        with pytest.raises(OutcomeUnknown):
            await smsc.numbers.rent(PHONE)
        assert [PHONE] == [call.subject for call in await smsc.unresolved()]


async def test_calls_side_by_side_are_not_held_against_each_other(anyio_backend: str, path: Path) -> None:
    """A confirmation is asked for again whatever became of the last; a number that came settles those that did not."""
    reply = {"phone": "380440000001", "all_phones": ["380440000001"]}
    async with session(path, LOST, reply) as smsc:
        leave_open(smsc, path, "calls.request", PHONE)
        with pytest.raises(OutcomeUnknown):
            await smsc.calls.request(PHONE)
        assert 2 == len(await smsc.unresolved())
        await smsc.calls.request(PHONE)
    assert [("calls.request", PHONE, None)] == standing(path)  # it may be under way in another process


@pytest.mark.parametrize(
    ("params", "subject"), [({"phones": "1, 2"}, "1, 2"), ({"id": 7, "phones": "1"}, "7"), ({"x": "y"}, None)]
)
async def test_any_paid_call_is_written_down(
    anyio_backend: str, path: Path, params: dict[str, str | int], subject: str | None
) -> None:
    """A call of an endpoint without a service is named by its id or its phone, where it has one."""
    async with session(path, LOST) as smsc:
        with pytest.raises(OutcomeUnknown):
            await smsc.call("jobs.php", params)
        (call,) = await smsc.unresolved()
        assert ("jobs", subject) == (call.endpoint, call.subject)
        await smsc.settle(call)


@pytest.mark.usefixtures("impatient")
async def test_a_row_that_cannot_be_written_keeps_the_call_from_leaving(anyio_backend: str, path: Path) -> None:
    """Nothing is sent, the lease goes back as unsent, and when the file can be used again the call goes out."""
    seen: list[httpx.Request] = []
    async with session(path, BOUGHT, seen=seen) as smsc:
        await smsc.unresolved()
        with locked(path), pytest.raises(JournalUnavailable, match="nothing was sent: database is locked"):
            await smsc.numbers.rent(PHONE)
        usage = smsc.limits()
        assert ([], 0, ()) == (seen, usage.in_flight, usage.rules)
        await smsc.numbers.rent(PHONE)
    assert [] == standing(path)


@pytest.mark.usefixtures("impatient")
async def test_a_row_that_cannot_be_struck_does_not_keep_the_value(
    anyio_backend: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log warns, this process knows better, and the next call strikes it."""
    async with session(path, BOUGHT) as smsc:
        await smsc.numbers.rent(PHONE)
        journal = smsc._conductor.shared.journal
        assert journal is not None
        with locked(path):
            await journal.aclose()
        assert "stay in the journal" in caplog.text
        assert [("numbers.rent", PHONE, None)] == standing(path)
        assert [] == await smsc.unresolved()
        await smsc.numbers.rent(OTHER)
        assert [("numbers.rent", OTHER, None)] == standing(path)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("reply", "error"), [(NO_MONEY, InsufficientFunds), (LOST, OutcomeUnknown)])
async def test_an_end_that_cannot_be_noted_changes_nothing_for_the_caller(
    anyio_backend: str, path: Path, reply: object, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """The error comes as it is, the log warns, and the row stays: that is the safe side."""
    hold = ExitStack()

    def answer() -> object:
        hold.enter_context(locked(path))
        return reply

    async with session(path, answer) as smsc:
        with hold, pytest.raises(error):
            await smsc.numbers.rent(PHONE)
        assert "could not be noted" in caplog.text
        assert [("numbers.rent", PHONE, None)] == standing(path)
        assert (error is OutcomeUnknown) == bool(await smsc.unresolved())


async def test_what_was_left_is_told_once(anyio_backend: str, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The first paid call of a session, or of a view of it, warns of what earlier processes left; phones are masked."""
    told: list[events.Event] = []
    async with session(path, BOUGHT, observer=told.append) as smsc:
        leave_open(smsc, path, "numbers.rent", PHONE)
        leave_open(smsc, path, "calls.request", "380671234567", reason="no answer")
        for view, phone in ((smsc.with_options(max_wait=60.0), OTHER), (smsc, "380950000003")):
            await view.numbers.rent(phone)
        assert 2 == len(await smsc.with_options(max_wait=60.0).unresolved())
    (warned,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "2 paid calls without a known end, the first is numbers.rent of 380*******01 since 2026-01-01" in warned
    left = [event for event in told if isinstance(event, events.LeftUnresolved)]
    assert [("numbers.rent", "380*******01"), ("calls.request", "380*******67")] == [
        (event.endpoint, event.reference) for event in left
    ]
    assert "no answer" == left[1].reason


async def test_who_asks_first_is_not_warned(anyio_backend: str, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A caller who has listed what was left open knows of it."""
    async with session(path, BOUGHT) as smsc:
        leave_open(smsc, path, "numbers.rent", OTHER)
        assert 1 == len(await smsc.unresolved())
        await smsc.numbers.rent(PHONE)
    assert "" == caplog.text


async def test_without_a_journal_nothing_can_be_listed(anyio_backend: str, path: Path) -> None:
    """An empty listing would say that nothing is open; a closed session says that it is."""
    smsc = session(path, journal=False)
    with pytest.raises(JournalUnavailable, match="journal=True"):
        await smsc.unresolved()
    smsc = session(path)
    with pytest.raises(InvalidArgumentType, match="unresolved"):
        await smsc.settle("380950000001")  # type: ignore[arg-type]
    await smsc.aclose()
    with pytest.raises(SessionClosed):
        await smsc.unresolved()


async def test_the_moment_is_that_of_the_sessions_clock(anyio_backend: str, path: Path) -> None:
    """Whatever the machine's clock says."""
    clock = FakeClock()
    async with session(path, LOST, guard=LocalGuard(clock=clock)) as smsc:
        with pytest.raises(OutcomeUnknown):
            await smsc.numbers.rent(PHONE)
        assert [clock.date()] == [call.opened_at for call in await smsc.unresolved()]


async def test_no_secret_is_in_the_file(anyio_backend: str, path: Path) -> None:
    """Neither login nor password nor key, in any spelling, with everything that a journal may hold."""
    for credentials in (RUN.pair, RUN.key):
        smsc = Session(**credentials, journal=path, transport=_lost, retry=None)
        with pytest.raises(OutcomeUnknown):
            await smsc.numbers.rent(PHONE)
        with pytest.raises(OutcomeUnknown):
            await smsc.calls.request(PHONE)
        held = b"".join(file.read_bytes() for file in path.parent.iterdir())
        assert [] == RUN.in_bytes(held)
        assert PHONE.encode() in held
        await smsc.aclose()


def _lost() -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        raise LOST

    return httpx.MockTransport(answer)


async def test_a_rented_number_of_the_simulator_is_written_down(anyio_backend: str, path: Path) -> None:
    """The journal works over real sockets, with several calls at once, and leaves no row and no file open."""
    with SimulatedGateway() as gateway:
        smsc = gateway.session(journal=str(path))
        async with smsc, anyio.create_task_group() as tasks:
            for number in await smsc.numbers.available():
                tasks.start_soon(smsc.numbers.rent, number.phone)
        assert "not open" in repr(smsc._conductor.shared.journal)
    assert [] == standing(path)
    assert isinstance(smsc._conductor.shared.journal, Journal)
