"""The journal's file: where it is, whose it is, and what happens where it cannot be used."""
# ruff: noqa: ASYNC240 - nothing else runs while a test looks at the file

from __future__ import annotations

import gc
import os
import sqlite3
import stat
import threading
import warnings
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from smsc_async import InvalidArgument, InvalidArgumentType, JournalUnavailable, LocalGuard, Session
from smsc_async._journal import journal as room
from smsc_async._state_folder import make_private, state_folder
from smsc_async.webhooks.sqlite import SqliteStore
from tests.journal.accounts import PHONE, session, standing
from tests.webhooks.stores.making import NOW, entry

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.anyio

BOUGHT = {"phone": PHONE, "cost": "30.00"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal will be."""
    return tmp_path / "journal.db"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home, in which the folder of programs' state is not there yet."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr("smsc_async._journal.journal.state_folder", lambda: state_folder("linux"))
    return tmp_path


async def refused(path: Path, problem: str) -> None:
    """See a paid call be refused, and the file be left as it is."""
    seen: list[httpx.Request] = []
    before = path.read_bytes() if path.is_file() else b""
    async with session(path, BOUGHT, seen=seen) as smsc:
        with pytest.raises(JournalUnavailable, match=problem):
            await smsc.numbers.rent(PHONE)
        with pytest.raises(JournalUnavailable, match=problem):
            await smsc.unresolved()
    assert [] == seen
    assert before == (path.read_bytes() if path.is_file() else b"")


# ------------------------------------------------------------------ where it is


class OfTheHost(LocalGuard):
    """A guard for several processes."""

    keeps_journal = True


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, False),
        ({"journal": True}, True),
        ({"journal": False}, False),
        ({"journal": None}, False),
        ({"guard": OfTheHost()}, True),
        ({"guard": OfTheHost(), "journal": False}, False),
    ],
)
async def test_a_journal_is_kept_where_it_is_asked_for(
    anyio_backend: str, home: Path, options: dict[str, Any], *, kept: bool
) -> None:
    """By its argument, or by a guard for several processes; and the constructor makes no file."""
    smsc = session(home, BOUGHT, **{"journal": None, **options})
    assert [] == list(home.iterdir())
    await smsc.numbers.rent(PHONE)
    await smsc.aclose()
    assert kept == (home / ".local" / "state" / "smsc_async" / "journal.db").is_file()


async def test_the_default_file_and_its_folder_are_its_owners_alone(anyio_backend: str, home: Path) -> None:
    """Whatever the process's mask is, nobody else can enter the folder or read the files."""
    mask = os.umask(0)
    try:
        async with session(home, BOUGHT, journal=True) as smsc:
            await smsc.numbers.rent(PHONE)
            folder = home / ".local" / "state" / "smsc_async"
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (folder, *folder.iterdir())}
    finally:
        os.umask(mask)
    assert 0o700 == modes.pop("smsc_async")
    assert {"journal.db": 0o600, "journal.db-wal": 0o600, "journal.db-shm": 0o600} == modes


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {}, "~/.local/state/smsc_async"),
        ("linux", {"XDG_STATE_HOME": "/var/states"}, "/var/states/smsc_async"),
        ("linux", {"XDG_STATE_HOME": "states"}, "~/.local/state/smsc_async"),
        ("linux", {"XDG_STATE_HOME": ""}, "~/.local/state/smsc_async"),
        ("darwin", {"XDG_STATE_HOME": "/var/states"}, "~/Library/Application Support/smsc_async"),
        ("win32", {}, "~/AppData/Local/smsc_async"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/smsc_async"),
    ],
)
def test_the_folder_is_the_one_of_the_system(platform: str, variables: dict[str, str], folder: str) -> None:
    """Each system has a place for what programs remember; a relative one is none."""
    assert Path(folder).expanduser() == state_folder(platform, variables)


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    """Its owner may have opened it for others."""
    tmp_path.chmod(0o750)
    make_private(tmp_path)
    assert 0o750 == stat.S_IMODE(tmp_path.stat().st_mode)


def test_a_user_without_a_home_must_give_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is opened."""

    def homeless() -> Path:
        message = "Could not determine home directory."
        raise RuntimeError(message)

    monkeypatch.setattr("smsc_async._journal.journal.state_folder", homeless)
    with pytest.raises(InvalidArgument, match="journal: give the path"):
        session(Path(), journal=True)


@pytest.mark.parametrize(
    ("journal", "error"),
    [
        (1, InvalidArgumentType),
        (0, InvalidArgumentType),
        (b"journal.db", InvalidArgumentType),
        ([], InvalidArgumentType),
        ("", InvalidArgument),
        (":memory:", InvalidArgument),
        ("a\0b", InvalidArgument),
    ],
)
def test_what_is_no_path_is_refused(journal: object, error: type[Exception]) -> None:
    """When the session is made, with a sentence."""
    with pytest.raises(error, match="journal: "):
        session(Path(), journal=journal)


def test_a_path_of_bytes_is_refused() -> None:
    """Also where an object gives it."""

    class Bytes:
        def __fspath__(self) -> bytes:
            return b"journal.db"

    with pytest.raises(InvalidArgumentType, match="journal: "):
        session(Path(), journal=Bytes())


@pytest.mark.parametrize(
    ("variable", "given", "file"),
    [
        (None, {}, None),
        ("", {}, None),
        ("off", {}, None),
        ("on", {}, "~/.local/state/smsc_async/journal.db"),
        ("ON", {}, "~/.local/state/smsc_async/journal.db"),
        ("/there/journal.db", {}, "/there/journal.db"),
        ("/there/journal.db", {"journal": False}, None),
        ("off", {"journal": "/here/journal.db"}, "/here/journal.db"),
    ],
)
def test_the_environment_says_where(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None, given: dict[str, Any], file: str | None
) -> None:
    """On, off or a path; an argument goes before it."""
    monkeypatch.setenv("SMSC_APIKEY", "key")
    monkeypatch.delenv("SMSC_LOGIN", raising=False)
    monkeypatch.delenv("SMSC_PASSWORD", raising=False)
    monkeypatch.delenv("SMSC_JOURNAL", raising=False)
    if variable is not None:
        monkeypatch.setenv("SMSC_JOURNAL", variable)
    journal = Session.from_env(**given)._conductor.shared.journal
    assert (journal is None) == (file is None)
    if journal is not None and file is not None:
        assert Path(file).expanduser() == journal._commits._file._path


@pytest.mark.parametrize("variable", ["1", "true", "No"])
def test_a_switch_in_other_words_is_no_file(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """Who writes ``1`` does not mean a file of that name in whatever folder the process is in."""
    monkeypatch.setenv("SMSC_APIKEY", "key")
    monkeypatch.delenv("SMSC_LOGIN", raising=False)
    monkeypatch.delenv("SMSC_PASSWORD", raising=False)
    monkeypatch.setenv("SMSC_JOURNAL", variable)
    with pytest.raises(InvalidArgument, match="SMSC_JOURNAL to on, off"):
        Session.from_env()


# ------------------------------------------------------------------ where it cannot be used


async def test_a_text_is_refused(anyio_backend: str, path: Path) -> None:
    """It is left as it is."""
    path.write_text("a list of things to do\n" * 100)
    await refused(path, "not a database")


async def test_another_applications_database_is_refused(anyio_backend: str, path: Path) -> None:
    """It is left as it is."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (a)")
    await refused(path, "another application's database")


async def test_a_store_of_events_is_refused(anyio_backend: str, path: Path) -> None:
    """A journal and a store of events are two files, and neither takes the other for its own."""
    store = SqliteStore(path)
    await store.add(entry("a"), now=NOW)
    await store.aclose()
    await refused(path, "another application's database")


async def test_a_newer_layout_is_refused(anyio_backend: str, path: Path) -> None:
    """The error says why."""
    room._File(path, None).connect().close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 2")
    await refused(path, "layout 2, and this version of the package knows 1")


async def test_a_damaged_file_is_refused_and_kept(anyio_backend: str, path: Path) -> None:
    """Where pages hold nonsense, nothing is paid for; the file stays for whoever can repair it."""
    room._File(path, None).connect().close()
    octets = bytearray(path.read_bytes())
    octets[4096:] = b"\xa5" * (len(octets) - 4096)
    path.write_bytes(octets)
    await refused(path, "malformed")


async def test_a_folder_that_is_missing_is_not_made(anyio_backend: str, tmp_path: Path) -> None:
    """Only the default file's is; a path that was given may be a slip."""
    await refused(tmp_path / "missing" / "journal.db", "No such file or directory")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("pragma", "problem"), [("query_only = ON", "readonly"), ("max_page_count = 1", "full")], ids=["read-only", "full"]
)
async def test_a_disk_that_takes_nothing_keeps_calls_from_leaving(
    anyio_backend: str, path: Path, monkeypatch: pytest.MonkeyPatch, pragma: str, problem: str
) -> None:
    """A full one, and one that may only be read; when that is over, calls go out again."""
    connect, bad = room._File.connect, True
    reason = "no room " * 20_000

    def connect_badly(file: Any) -> sqlite3.Connection:
        connection = connect(file)
        if bad:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    monkeypatch.setattr(room._File, "connect", connect_badly)
    message = {"id": "m1", "cnt": 1}
    async with session(path, message) as smsc:
        with pytest.raises(JournalUnavailable, match=problem):
            await smsc.messages.send([f"38067{number:07d}" for number in range(990)], reason[:50])
        bad = False
        await smsc.aclose()
    async with session(path, message) as smsc:
        await smsc.messages.send("380671234567", "hello")


async def test_a_file_that_was_moved_is_not_written_to(anyio_backend: str, path: Path) -> None:
    """A row that nobody could find again is refused, once; then there is another file."""
    async with session(path, BOUGHT) as smsc:
        await smsc.unresolved()
        for file in list(path.parent.iterdir()):
            file.rename(file.with_name(f"old-{file.name}"))
        with pytest.raises(JournalUnavailable, match="moved or replaced"):
            await smsc.numbers.rent(PHONE)
        await smsc.numbers.rent(PHONE)
    assert [] == standing(path)


# ------------------------------------------------------------------ whose it is


async def test_several_event_loops_write_to_one_journal(anyio_backend: str, path: Path) -> None:
    """A session that serves several threads, each with a loop of its own, writes everything down."""
    smsc = session(path, BOUGHT)
    phones = [f"38095000{number:04d}" for number in range(40)]

    async def rent(backend: str, some: list[str]) -> None:
        async with anyio.create_task_group() as tasks:
            for phone in some:
                tasks.start_soon(smsc.numbers.rent, phone)

    async with anyio.create_task_group() as tasks:
        for number in range(4):
            backend = ("asyncio", "trio")[number % 2]
            work = lambda backend=backend, number=number: anyio.run(rent, backend, phones[number::4], backend=backend)  # noqa: E731
            tasks.start_soon(anyio.to_thread.run_sync, work)
    assert {} == smsc._conductor.shared.journal._commits._desk.queues  # type: ignore[union-attr]
    assert len(phones) == len(standing(path))
    await smsc.aclose()
    assert [] == standing(path)


async def test_a_session_that_nobody_closes_leaves_nothing_open(anyio_backend: str, path: Path) -> None:
    """Its rows are struck, its thread ends, and its file is closed, without a warning."""
    await session(path, BOUGHT).numbers.rent(PHONE)
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "smsc_async journal"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()
        assert await anyio.to_thread.run_sync(_ends, thread)
        gc.collect()
    assert [] == standing(path)


def _ends(thread: threading.Thread) -> bool:
    thread.join(20.0)
    return not thread.is_alive()
