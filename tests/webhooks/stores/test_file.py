"""The file: made for its owner, never mistaken, never deleted; where it cannot be used, events are refused."""
# ruff: noqa: ASYNC240 - nothing else runs while a test looks at the file

from __future__ import annotations

import itertools
import os
import pickle
import sqlite3
import stat
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from smsc_async.errors import InvalidArgument, InvalidArgumentType, SmscError, StoreUnavailable
from smsc_async.testing import FakeClock
from smsc_async.webhooks import Receiver
from smsc_async.webhooks._sqlite_file import EventFile
from smsc_async.webhooks.sqlite import SqliteStore
from smsc_async.webhooks.stores import Entry, Standing
from tests.webhooks.receiver.gateway import SECRET, status
from tests.webhooks.stores.making import NOW, entry, taken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file will be."""
    return tmp_path / "events.db"


@pytest.fixture
async def store(anyio_backend: str, path: Path) -> AsyncIterator[SqliteStore]:
    """A store that has not been used yet."""
    store = SqliteStore(path)
    yield store
    await store.aclose()


async def filled(store: SqliteStore, events: int = 300) -> None:
    """Put some pages of events into a store, and close it."""
    async with anyio.create_task_group() as tasks:
        for number in range(events):
            tasks.start_soon(partial(store.add, Entry(kind="Event", key=f"{number}", payload=b"x" * 600), now=NOW))
    await store.aclose()


async def refused(store: SqliteStore, problem: str) -> None:
    """See an event be refused, by the store and by a receiver that has it."""
    with pytest.raises(StoreUnavailable, match=problem):
        await store.add(entry("new"), now=NOW)
    reply = await Receiver(secret=SECRET, store=store, clock=FakeClock()).handle(status())
    assert 503 == reply.status


async def test_the_constructor_touches_nothing(tmp_path: Path) -> None:
    """A store can be made anywhere; the file comes with the first event."""
    store = SqliteStore(tmp_path / "no" / "folder" / "events.db")
    await store.aclose()
    assert [] == list(tmp_path.iterdir())
    assert "not open" in repr(store)


async def test_the_file_is_its_owners_alone(store: SqliteStore, path: Path) -> None:
    """Whatever the process's mask is, nobody else can read the file, or those beside it."""
    mask = os.umask(0)
    try:
        await store.add(entry("a"), now=NOW)
    finally:
        os.umask(mask)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert {"events.db": 0o600, "events.db-wal": 0o600, "events.db-shm": 0o600} == modes


async def test_a_path_means_the_same_file_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path counts from where the process was when the store was made."""
    monkeypatch.chdir(tmp_path)
    store = SqliteStore("events.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    await store.add(entry("a"), now=NOW)
    await store.aclose()
    assert (tmp_path / "events.db").exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"path": 5}, InvalidArgumentType),
        ({"path": b"bytes.db"}, InvalidArgumentType),
        ({"path": None}, InvalidArgumentType),
        ({"path": ""}, InvalidArgument),
        ({"path": ":memory:"}, InvalidArgument),
        ({"path": "a\0b"}, InvalidArgument),
        ({"path": "a", "keep": 0}, InvalidArgument),
        ({"path": "a", "keep": "1"}, InvalidArgumentType),
        ({"path": "a", "busy_timeout": -1}, InvalidArgument),
        ({"path": "a", "busy_timeout": 61}, InvalidArgument),
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any], error: type[Exception]) -> None:
    """What cannot work is said when the store is made."""
    with pytest.raises(error):
        SqliteStore(**arguments)


async def test_events_can_be_kept_for_ever(path: Path) -> None:
    """An infinite time to keep events is one."""
    store = SqliteStore(path, keep=float("inf"))
    await store.add(entry("a"), now=NOW)
    await store.settle(await taken(store), now=NOW)
    assert Standing.SETTLED is await store.add(entry("a"), now=NOW * 2)
    await store.aclose()


async def test_what_was_stored_is_there_after_a_restart(store: SqliteStore, path: Path) -> None:
    """Standing, marks, attempts and how far a subject is come back."""
    await store.add(entry("far", "a", 2.0), now=NOW)
    await store.settle(await taken(store), now=NOW)
    await store.add(entry("near", "a", 1.0), now=NOW)
    claim = await taken(store)
    await store.mark(claim, "one")
    await store.release(claim, at=NOW + 1)
    await store.aclose()
    again = SqliteStore(path)
    assert Standing.SETTLED is await again.add(entry("far"), now=NOW)
    claim = await taken(again, now=NOW + 1)
    assert ("near", 2, frozenset({"one"}), True) == (claim.key, claim.attempt, claim.handled, claim.stale)
    await again.aclose()


async def test_a_feed_gives_what_came_since(store: SqliteStore) -> None:
    """From no position it is nothing yet, then all that was added, in order, settled or not, in parts."""
    await store.add(entry("before"), now=NOW)
    nothing, position = await store.feed(None, limit=2)
    assert [] == nothing
    for key in "abc":
        await store.add(entry(key), now=NOW)
    await store.settle(await taken(store, "b"), now=NOW)
    first, middle = await store.feed(position, limit=2)
    last, end = await store.feed(middle, limit=2)
    assert [b"payload of a", b"payload of b", b"payload of c"] == [*first, *last]
    assert ([], end) == await store.feed(end, limit=2)


async def test_a_feed_misses_nothing_when_events_are_forgotten(path: Path) -> None:
    """A position is never given to another event, though the last one is forgotten."""
    store = SqliteStore(path, keep=10.0)
    await store.add(entry("a"), now=NOW)
    await store.settle(await taken(store), now=NOW)
    _, position = await store.feed(None, limit=9)
    await store.add(entry("b"), now=NOW + 20)  # which forgets the first
    payloads, _ = await store.feed(position, limit=9)
    assert [b"payload of b"] == payloads
    await store.aclose()


async def test_nothing_is_left_of_what_was_forgotten(path: Path) -> None:
    """Marks go when an event is settled, late ones are none, and how far a subject was goes with its last event."""
    store = SqliteStore(path, keep=10.0)
    await store.add(entry("a", "subject", 1.0), now=NOW)
    claim = await taken(store)
    await store.mark(claim, "one")
    await store.settle(claim, now=NOW)
    await store.mark(claim, "late")
    await store.add(entry("b"), now=NOW + 20)
    await store.aclose()
    connection = sqlite3.connect(path)
    counts = [connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("marks", "subjects")]
    keys = connection.execute("SELECT key FROM events").fetchall()
    connection.close()
    assert ([0, 0], [("b",)]) == (counts, keys)


async def test_a_newer_layout_is_refused(store: SqliteStore, path: Path) -> None:
    """A file of a later version is left as it is, and the error says why."""
    await filled(store, 1)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    before = path.read_bytes()
    await refused(store, "layout 2, and this version of the package knows 1")
    assert before == path.read_bytes()


async def test_another_applications_database_is_refused(store: SqliteStore, path: Path) -> None:
    """It is left as it is, its journal included."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (a)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    await refused(store, "another application's database")
    assert before == path.read_bytes()
    assert [path] == list(path.parent.iterdir())


async def test_a_file_that_is_no_database_is_refused(store: SqliteStore, path: Path) -> None:
    """A text is left as it is."""
    path.write_text("a list of things to do\n" * 100)
    before = path.read_bytes()
    await refused(store, "not a database")
    assert before == path.read_bytes()


async def test_a_damaged_file_refuses_events_and_is_kept(store: SqliteStore, path: Path) -> None:
    """Where pages hold nonsense, events are refused; the file stays for whoever can repair it."""
    await filled(store)
    octets = bytearray(path.read_bytes())
    octets[4096:] = b"\xa5" * (len(octets) - 4096)
    path.write_bytes(octets)
    await refused(store, "malformed")
    assert bytes(octets) == path.read_bytes()


async def test_a_truncated_file_refuses_events_and_is_kept(store: SqliteStore, path: Path) -> None:
    """A file that lost its end is not made anew."""
    await filled(store)
    os.truncate(path, 4096 * 3)
    before = path.read_bytes()
    await refused(store, "malformed")
    assert before == path.read_bytes()


async def test_a_missing_folder_refuses_events_until_it_is_there(tmp_path: Path) -> None:
    """The error names the file; when somebody makes the folder, the store goes on."""
    store = SqliteStore(tmp_path / "later" / "events.db")
    await refused(store, r"No such file or directory.*events\.db")
    (tmp_path / "later").mkdir()
    assert Standing.NEW is await store.add(entry("a"), now=NOW)
    await store.aclose()


@pytest.mark.parametrize("act", ["unlink", "replace"])
async def test_a_file_that_was_moved_is_not_written_to(store: SqliteStore, path: Path, act: str) -> None:
    """Events that nobody could find again are refused once; then the file at the path is used."""
    await store.add(entry("a"), now=NOW)
    if act == "unlink":
        for file in list(path.parent.iterdir()):
            file.unlink()
    else:
        for file in list(path.parent.iterdir()):
            file.rename(file.with_name(f"old-{file.name}"))
    with pytest.raises(StoreUnavailable, match="moved or replaced"):
        await store.add(entry("b"), now=NOW)
    assert Standing.NEW is await store.add(entry("b"), now=NOW)


async def test_a_full_disk_refuses_events_until_there_is_room(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored before stays, nothing is stored by half, and with room again the store goes on by itself."""
    await store.add(entry("before"), now=NOW)
    await store.aclose()
    connect, full = EventFile.connect, True

    def connect_to_full_disk(file: EventFile) -> sqlite3.Connection:
        connection = connect(file)
        if full:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr(EventFile, "connect", connect_to_full_disk)
    store = SqliteStore(path)
    for key in ("large", "large", "another"):
        with pytest.raises(StoreUnavailable, match="full"):
            await store.add(Entry(kind="Event", key=key, payload=b"x" * 50_000), now=NOW)
    assert Standing.WAITING is await store.add(entry("before"), now=NOW)
    full = False
    await store.aclose()
    assert Standing.NEW is await store.add(Entry(kind="Event", key="large", payload=b"x" * 50_000), now=NOW)
    await store.aclose()


async def test_a_file_that_cannot_be_written_refuses_events(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk that may only be read, events are refused."""
    await filled(store, 1)
    connect = EventFile.connect

    def connect_read_only(file: EventFile) -> sqlite3.Connection:
        connection = connect(file)
        connection.execute("PRAGMA query_only = ON")
        return connection

    monkeypatch.setattr(EventFile, "connect", connect_read_only)
    store = SqliteStore(path)
    await refused(store, "readonly")
    await store.aclose()


async def test_a_file_system_without_a_log_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SQLite stays with another journal, the promise to keep events could not be kept for several processes."""
    file = EventFile(path, 1.0)
    monkeypatch.setattr(sqlite3, "connect", _without_log(sqlite3.connect))
    with pytest.raises(StoreUnavailable, match=r"write-ahead log \(delete\)"):
        file.connect()


def _without_log(connect: Any) -> Any:
    def connect_stubborn(*args: Any, **options: Any) -> Any:
        return connect(*args, **options, factory=Stubborn)

    class Stubborn(sqlite3.Connection):
        def execute(self, statement: str, *args: Any) -> sqlite3.Cursor:
            return super().execute(statement.replace("PRAGMA journal_mode = WAL", "PRAGMA journal_mode"), *args)

    return connect_stubborn


def test_two_may_make_the_file_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever statement of one falls together with all of another, none takes the half made file for a stranger's."""
    connect, statements = sqlite3.connect, -1
    for moment in itertools.count(1):
        path = tmp_path / f"{moment}.db"
        monkeypatch.setattr(sqlite3, "connect", _disturbed(connect, moment, partial(_also_open, path)))
        with closing(EventFile(path, 0.5).connect()) as one:
            statements = one.statements
        monkeypatch.setattr(sqlite3, "connect", connect)
        with closing(EventFile(path, 0.5).connect()) as after:
            assert [(1,)] == after.execute("PRAGMA user_version").fetchall()
            assert [(0,)] == after.execute("SELECT count(*) FROM events").fetchall()
        if moment > statements:
            break
    assert statements > 15


def _also_open(path: Path) -> None:
    try:
        EventFile(path, 0.0).connect().close()
    except (sqlite3.OperationalError, StoreUnavailable) as error:
        if "locked" not in str(error):  # by the first, for a moment
            raise


def _disturbed(connect: Any, moment: int, act: Callable[[], None]) -> Any:
    def connect_disturbed(*args: Any, **options: Any) -> Any:
        return connect(*args, **options, factory=Disturbed)

    class Disturbed(sqlite3.Connection):
        statements = 0

        def execute(self, statement: str, *args: Any) -> sqlite3.Cursor:
            self.statements += 1
            if self.statements == moment:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(sqlite3, "connect", connect)
                    act()
            return super().execute(statement, *args)

    return connect_disturbed


async def test_a_fork_that_python_has_not_seen_is_refused(store: SqliteStore) -> None:
    """An open file in a process that is not the one that opened it is left alone."""
    await store.add(entry("a"), now=NOW)
    desk = store._commits._desk
    desk.pid += 1
    with pytest.raises(StoreUnavailable, match="forked"):
        await store.add(entry("b"), now=NOW)
    desk.pid -= 1


def test_the_error_is_one_of_the_package() -> None:
    """It can be caught with the others, and sent to another process."""
    error = pickle.loads(pickle.dumps(StoreUnavailable("the disk is full")))
    assert isinstance(error, SmscError)
    assert "the store of events cannot be used: the disk is full" == str(error)
