"""A saved file is at its place only when it is whole; whatever goes wrong, nothing is left."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async import errors
from smsc_async.services import _saving
from smsc_async.services._saving import NewFile, safe_name
from smsc_async.services.downloads import Downloads
from tests.services.fakes import FakeCaller, FakeFile, task

BIG = [bytes([number]) * 700_000 for number in range(5)]


@pytest.fixture
def umask() -> Iterator[Callable[[int], None]]:
    """A function that sets the umask until the test ends."""
    before = os.umask(0o022)
    os.umask(before)
    yield lambda mask: (os.umask(mask), None)[1]
    os.umask(before)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.anyio
@pytest.mark.parametrize(
    "chunks", [[], [b""], [b"a;b\r\n"], BIG, [b"x"] * 3000], ids=["none", "empty", "one", "big", "many"]
)
async def test_a_file_is_saved_whole(tmp_path: Path, chunks: list[bytes]) -> None:
    """The bytes are at the path that was asked for, the path comes back, and nothing else is in the folder."""
    file = FakeFile(*chunks)
    path = await Downloads(FakeCaller(file=file)).save(15, str(tmp_path / "report.csv"))
    assert tmp_path / "report.csv" == path
    assert b"".join(chunks) == path.read_bytes()
    assert ["report.csv"] == names(tmp_path)
    assert 0 == file.open


@pytest.mark.anyio
async def test_a_buffer_that_is_used_again_spoils_nothing(tmp_path: Path) -> None:
    """A chunk is kept as it was when it came, whatever a transport of the user's does with its memory afterwards."""
    buffer = bytearray(b"first;")

    def overwrite(received: int, total: int | None) -> None:
        buffer[:] = b"spoilt"

    caller = FakeCaller(file=FakeFile(buffer, b"second"))  # type: ignore[arg-type]  # as a careless transport might
    path = await Downloads(caller).save(15, tmp_path / "report.csv", progress=overwrite)
    assert b"first;second" == path.read_bytes()


@pytest.mark.anyio
async def test_progress_is_told(tmp_path: Path) -> None:
    """After each chunk the callback hears how much has come, and how much there is."""
    for length in (5, None):
        heard: list[tuple[int, int | None]] = []
        caller = FakeCaller(file=FakeFile(b"ab", b"cde", length=length))
        await Downloads(caller).save(
            15, tmp_path / f"{length}.csv", progress=lambda *told, heard=heard: heard.append(told)
        )
        assert [(2, length), (5, length)] == heard


@pytest.mark.anyio
async def test_the_place_is_empty_until_the_file_is_whole(tmp_path: Path) -> None:
    """While bytes come there is only a temporary file, which nobody else can read."""
    seen: list[tuple[bool, int]] = []

    def look(received: int, total: int | None) -> None:
        (temporary,) = tmp_path.iterdir()
        seen.append((temporary.name == "report.csv", stat.S_IMODE(temporary.stat().st_mode)))

    await Downloads(FakeCaller(file=FakeFile(*BIG))).save(15, tmp_path / "report.csv", progress=look)
    assert [(False, 0o600)] * len(BIG) == seen


@pytest.mark.anyio
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
async def test_a_saved_file_has_the_usual_mode(
    tmp_path: Path, umask: Callable[[int], None], mask: int, mode: int
) -> None:
    """Once it is whole, a file can be read by whom the umask lets."""
    umask(mask)
    path = await Downloads(FakeCaller(file=FakeFile(b"a"))).save(15, tmp_path / "report.csv")
    assert mode == stat.S_IMODE(path.stat().st_mode)


BREAKS: dict[str, Any] = {
    "cut": errors.IncompleteDownload("downloads.file", "2 of 5 bytes"),
    "network": errors.NoReply("downloads.file", "time-out"),
    "anything": RuntimeError("x"),
    "interrupt": KeyboardInterrupt(),
}


@pytest.mark.anyio
@pytest.mark.parametrize("problem", BREAKS.values(), ids=BREAKS.keys())
@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("before", [0, 1, 3])
async def test_a_file_that_ends_short_leaves_nothing(
    tmp_path: Path, problem: BaseException, overwrite: bool, before: int
) -> None:
    """Whatever ends the bytes early goes through, and neither file nor temporary file is left."""
    if overwrite:
        (tmp_path / "report.csv").write_bytes(b"old")
    file = FakeFile(*BIG[:before], problem)
    with pytest.raises(type(problem)):
        await Downloads(FakeCaller(file=file)).save(15, tmp_path / "report.csv", overwrite=overwrite)
    assert (["report.csv"] if overwrite else []) == names(tmp_path)
    assert not overwrite or b"old" == (tmp_path / "report.csv").read_bytes()
    assert 0 == file.open


@pytest.mark.anyio
async def test_a_callback_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """An error in the progress callback goes through and leaves no file."""

    def fail(received: int, total: int | None) -> None:
        raise RuntimeError("x")

    with pytest.raises(RuntimeError):
        await Downloads(FakeCaller(file=FakeFile(*BIG))).save(15, tmp_path / "a.csv", progress=fail)
    assert [] == names(tmp_path)


@pytest.mark.anyio
async def test_a_file_that_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    """Without `overwrite` nothing is even sent; with it the file is replaced in one step."""
    (tmp_path / "report.csv").write_bytes(b"old")
    caller = FakeCaller(file=FakeFile(b"new"))
    with pytest.raises(FileExistsError, match="pass overwrite=True"):
        await Downloads(caller).save(15, tmp_path / "report.csv")
    assert [] == caller.asked
    await Downloads(caller).save(15, tmp_path / "report.csv", overwrite=True)
    assert (["report.csv"], b"new") == (names(tmp_path), (tmp_path / "report.csv").read_bytes())


@pytest.mark.anyio
@pytest.mark.parametrize("links", [True, False])
async def test_a_file_that_comes_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """Somebody else's file that came while the bytes did stays, with hard links and without."""
    if not links:
        monkeypatch.setattr(os, "link", refuse)
    target = tmp_path / "report.csv"
    with pytest.raises(FileExistsError, match="pass overwrite=True"):
        await Downloads(FakeCaller(file=FakeFile(b"new"))).save(
            15, target, progress=lambda received, total: target.write_bytes(b"theirs")
        )
    assert (["report.csv"], b"theirs") == (names(tmp_path), target.read_bytes())


def refuse(*_: object, **__: object) -> None:
    raise PermissionError("no hard links here")


@pytest.mark.anyio
async def test_a_file_is_saved_where_there_are_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File systems without them get a rename."""
    monkeypatch.setattr(os, "link", refuse)
    path = await Downloads(FakeCaller(file=FakeFile(b"a"))).save(15, tmp_path / "report.csv")
    assert (["report.csv"], b"a") == (names(tmp_path), path.read_bytes())


@pytest.mark.anyio
async def test_a_link_at_the_place_is_replaced_not_followed(tmp_path: Path) -> None:
    """With `overwrite`, what a link points to stays as it is; without, the link counts as a file, even a broken one."""
    (tmp_path / "secret").write_bytes(b"old")
    (tmp_path / "report.csv").symlink_to("secret")
    (tmp_path / "broken.csv").symlink_to("nowhere")
    downloads = Downloads(FakeCaller(file=FakeFile(b"new")))
    await downloads.save(15, tmp_path / "report.csv", overwrite=True)
    assert (b"old", b"new") == ((tmp_path / "secret").read_bytes(), (tmp_path / "report.csv").read_bytes())
    with pytest.raises(FileExistsError):
        await downloads.save(15, tmp_path / "broken.csv")


@pytest.mark.anyio
async def test_no_folder_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    """A path into nowhere is the system's own error."""
    caller = FakeCaller(file=FakeFile(b"a"))
    with pytest.raises(FileNotFoundError):
        await Downloads(caller).save(15, tmp_path / "nowhere" / "report.csv")
    assert [] == caller.asked


@pytest.mark.anyio
async def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """Where no more bytes can be written the system's error goes through, and the partial file is removed."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    file = FakeFile(*BIG)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
        with pytest.raises(OSError, match="File too large"):
            await Downloads(FakeCaller(file=file)).save(15, tmp_path / "report.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert ([], 0) == (names(tmp_path), file.open)


@pytest.mark.anyio
async def test_the_slot_is_free_while_the_disk_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is brought to the disk after the gateway's connection was let go."""
    open_then: list[int] = []
    file = FakeFile(*BIG)
    monkeypatch.setattr(os, "fsync", lambda descriptor: open_then.append(file.open))
    await Downloads(FakeCaller(file=file)).save(15, tmp_path / "report.csv")
    assert [0, 0] == open_then  # the file and its folder


@pytest.mark.anyio
@pytest.mark.parametrize("steps", range(16))
async def test_cancelled_at_any_step_nothing_or_all_is_there(tmp_path: Path, steps: int) -> None:
    """Cancelling after any number of steps leaves no temporary file, and the whole file or none."""
    file = FakeFile(*BIG)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Downloads(FakeCaller(file=file)).save, 15, tmp_path / "report.csv")
        for _ in range(steps):
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert names(tmp_path) in ([], ["report.csv"])
    assert not names(tmp_path) or b"".join(BIG) == (tmp_path / "report.csv").read_bytes()
    assert 0 == file.open


@pytest.mark.asyncio
@pytest.mark.parametrize("work", ["_flush", "_move"])
async def test_a_native_cancellation_while_a_thread_works_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    """Where asyncio drops a task whose thread is still writing, that thread removes the temporary file itself."""
    at_work, may_go_on, gone = threading.Event(), threading.Event(), threading.Event()
    original = getattr(NewFile, work)
    remove = NewFile._remove

    def held(self: NewFile) -> None:
        at_work.set()
        may_go_on.wait(10)
        original(self)

    def removing(self: NewFile) -> None:
        remove(self)
        gone.set()

    monkeypatch.setattr(NewFile, work, held)
    monkeypatch.setattr(NewFile, "_remove", removing)
    saving = asyncio.create_task(Downloads(FakeCaller(file=FakeFile(*BIG))).save(15, tmp_path / "report.csv"))
    while not at_work.is_set():  # noqa: ASYNC110 - a thread sets it
        await asyncio.sleep(0.001)
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    assert not gone.is_set()
    may_go_on.set()
    assert await asyncio.to_thread(gone.wait, 10)
    expected = [] if work == "_flush" else ["report.csv"]  # it was whole, and the thread could not be stopped any more
    assert expected == names(tmp_path)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("given", "file", "expected"),
    [
        ("report_15.csv", {"task_id": 15}, "report_15.csv"),
        ("../../etc/passwd", {"task_id": 15}, "passwd"),
        ("..", {"task_id": 15}, "task-15.csv"),
        ("", {"task_id": 15}, "task-15.csv"),
        ("x", {"name": "..\\..\\a.csv"}, "a.csv"),
        ("x", {"name": "/"}, "download.csv"),
    ],
)
async def test_in_a_folder_a_file_gets_its_own_name(tmp_path: Path, given: str, file: Any, expected: str) -> None:
    """Where the path is a folder the gateway's name is used, made harmless."""
    caller = FakeCaller([task(15, 2, given)], file=FakeFile(b"a"))
    path = await Downloads(caller).save(path=tmp_path, **file)
    assert (tmp_path / expected, [expected]) == (path, names(tmp_path))


@pytest.mark.anyio
async def test_in_a_folder_a_task_without_a_list_gets_a_name_too(tmp_path: Path) -> None:
    """Where the list cannot be had the file is named for its task."""
    caller = FakeCaller(errors.NoReply("downloads.list", "x"), file=FakeFile(b"a"))
    assert tmp_path / "task-15.csv" == await Downloads(caller).save(15, tmp_path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.csv", "report.csv"),
        ("Звіт за січень, 2025.csv", "Звіт за січень, 2025.csv"),
        ("a/b\\c.csv", "c.csv"),
        ("a\0b\n\x1b[0m.csv", "a_b__[0m.csv"),
        ("\u202egpj.csv", "_gpj.csv"),
        ("a\ud800.csv", "a_.csv"),
        ('<>:"|?*.csv', "_______.csv"),
        ("CON", "_CON"),
        ("nul.csv", "_nul.csv"),
        ("Com1.tar.gz", "_Com1.tar.gz"),
        ("lpt¹", "_lpt¹"),
        ("console.csv", "console.csv"),
        (".bashrc", "bashrc"),
        (" ..a.csv. . ", "a.csv"),
        ("a" * 300 + ".csv", "a" * 196 + ".csv"),
        ("ж" * 300 + ".csv", "ж" * 98 + ".csv"),
        ("a." + "b" * 300, "a." + "b" * 198),
        ("", "else"),
        ("/", "else"),
        ("...", "else"),
        (".", "else"),
        ("\0\0", "else"),
        ("C:", "C_"),
        ("~", "~"),
        ("-rf", "-rf"),
    ],
)
def test_a_name_is_made_harmless(name: str, expected: str) -> None:
    """What leads elsewhere, hides, names a device, or is too long is taken out of a name."""
    assert expected == safe_name(name, otherwise="else")


@given(st.text(st.characters(exclude_categories=[]) | st.sampled_from("./\\\0: ")))
def test_no_name_leads_elsewhere(name: str) -> None:
    """Whatever the gateway calls a file, it is one visible name of a bounded length, in the folder itself."""
    made = safe_name(name, otherwise="else")
    assert Path(made).name == made
    assert made.isprintable()
    assert 0 < len(made.encode()) <= _saving._LONGEST_NAME + 1
    assert not set(made) & set('/\\\0<>:"|?*')
    assert made[0] not in ". "
    assert made[-1] not in ". "
