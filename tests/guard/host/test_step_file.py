"""The file that processes share: who reads and writes what, and what happens to it."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from smsc_async.errors import GuardUnavailable
from smsc_async.guard import _step_file
from smsc_async.guard._step_file import RESTARTED, Found, StepFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smsc_async.guard._steps import Step

Open = "Callable[..., StepFile]"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., StepFile]]:
    """Open the file once more, as another process does."""
    files: list[StepFile] = []

    def make(boot: str = "this", **numbers: float) -> StepFile:
        files.append(StepFile(tmp_path / "folder" / "file", boot, {"window": 60.0, **numbers}))
        return files[-1]

    yield make
    for file in files:
        file.close()


def begun(file: StepFile, *known: Step) -> StepFile:
    """Begin a new file with what is known."""
    assert file.lock()
    assert Found(blank=True) == file.read()
    file.replace(known)
    file.unlock()
    return file


def heard(file: StepFile) -> Found:
    """Give what is new."""
    assert file.lock()
    found = file.read()
    file.unlock()
    return found


def tell(file: StepFile, *steps: Step) -> None:
    """Add steps, after all that is there was read."""
    assert file.lock()
    file.read()
    file.append(steps)
    file.unlock()


A, B, C = ["f", 1.0, "a"], ["f", 2.0, "b"], ["f", 3.0, "c"]


def test_a_new_file_and_its_folder_are_its_owners_alone(opened: Callable[..., StepFile]) -> None:
    """0600 and 0700."""
    file = begun(opened())
    assert 0o600 == file.path.stat().st_mode & 0o777
    assert 0o700 == file.path.parent.stat().st_mode & 0o777


def test_each_hears_what_the_others_told_once(opened: Callable[..., StepFile]) -> None:
    """Not what it told itself."""
    first, second = begun(opened()), opened()
    tell(first, A)
    assert Found([A], anew=True) == heard(second)
    tell(second, B)
    assert Found([B]) == heard(first)
    assert Found() == heard(first)
    assert Found() == heard(second)


def test_one_has_the_lock_at_a_time(opened: Callable[..., StepFile]) -> None:
    """The other is told so soon, and waits for nobody."""
    first, second = begun(opened()), opened()
    assert first.lock()
    assert not second.lock()
    first.unlock()
    assert second.lock()


def test_closing_lets_the_lock_go(opened: Callable[..., StepFile]) -> None:
    """And again does nothing; nor does unlocking what is closed."""
    first, second = begun(opened()), opened()
    assert first.lock()
    first.close()
    first.close()
    first.unlock()
    assert second.lock()


def test_news_shows_without_the_lock(opened: Callable[..., StepFile]) -> None:
    """Also that the file is gone."""
    first, second = begun(opened()), opened()
    heard(second)
    assert not second.has_news
    tell(first, A)
    assert second.has_news
    heard(second)
    first.path.unlink()
    assert second.has_news


def test_a_line_that_its_writer_did_not_finish_is_cut_off(opened: Callable[..., StepFile]) -> None:
    """What comes next stands in its place."""
    first, second = begun(opened(), A), opened()
    with first.path.open("ab") as file:
        file.write(b"0123")
    assert Found([A], anew=True) == heard(second)
    tell(second, B)
    assert Found([B]) == heard(first)


# ---------------------------------------------------------------- another file in its place


def test_who_had_read_all_goes_on_after_a_replacement(opened: Callable[..., StepFile]) -> None:
    """What is known is not read again."""
    first, second = begun(opened()), opened()
    heard(second)
    tell(first, A)
    heard(second)
    assert first.lock()
    first.replace([B])
    first.append([C])
    first.unlock()
    assert Found([C]) == heard(second)
    tell(second, A)
    assert Found([A]) == heard(first)


def test_who_had_not_reads_the_rest_of_the_old_one_first(opened: Callable[..., StepFile]) -> None:
    """It has that open still."""
    first, second = begun(opened()), opened()
    heard(second)
    tell(first, A)
    assert first.lock()
    first.replace([["n", 0.0, 1]])
    first.append([B])
    first.unlock()
    assert Found([A, B]) == heard(second)


def test_who_missed_a_file_reads_the_newest_from_its_beginning(opened: Callable[..., StepFile]) -> None:
    """Nothing is lost by it."""
    first, second = begun(opened()), opened()
    heard(second)
    for step in (A, B):
        assert first.lock()
        first.replace([step])
        first.unlock()
    tell(first, C)
    assert Found([B, C], anew=True) == heard(second)


def test_who_forgets_reads_from_the_beginning(opened: Callable[..., StepFile]) -> None:
    """The same file, all of it."""
    file = begun(opened(), A)
    tell(file, B)
    file.forget()
    assert Found([A, B], anew=True) == heard(file)


def test_a_file_that_was_closed_goes_on_where_it_was(opened: Callable[..., StepFile]) -> None:
    """As after a fork, in the child."""
    first, second = begun(opened(), A), opened()
    heard(second)
    second.close()
    tell(first, B)
    assert Found([B]) == heard(second)


def test_a_file_is_long_when_it_outgrows_its_beginning(opened: Callable[..., StepFile]) -> None:
    """A small one never is."""
    file = begun(opened())
    step = ["f", 1.0, "x" * 1_000]
    tell(file, *[step] * 200)
    assert not file.is_long
    tell(file, *[step] * 100)
    assert file.is_long
    assert file.lock()
    file.replace([step] * 100)
    file.unlock()
    tell(file, *[step] * 200)
    assert not file.is_long
    tell(file, *[step] * 200)
    assert file.is_long


# ---------------------------------------------------------------- what can happen to it


def test_a_file_that_was_removed_is_made_again_with_what_is_known(opened: Callable[..., StepFile]) -> None:
    """By whoever comes first, who has heard everything; the others go on."""
    first, second = begun(opened()), opened()
    heard(second)
    tell(first, A)
    first.path.unlink()
    assert second.lock()
    assert Found([A], blank=True) == second.read()
    second.replace([A])
    second.unlock()
    assert Found() == heard(first)
    tell(first, B)
    assert Found([B]) == heard(second)


def test_a_file_that_was_replaced_by_others_has_lost_what_was_known(opened: Callable[..., StepFile]) -> None:
    """It begins without it."""
    first = begun(opened(), A)
    first.path.unlink()
    second = begun(opened(), B)
    assert Found([B], anew=True, lost="its file was replaced") == heard(first)
    assert Found() == heard(first)
    assert Found() == heard(second)


def damage_in_the_middle(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-5] + b"?" + data[-4:])


def no_head(path: Path) -> None:
    path.write_bytes(b"hello\n")


def other_head(path: Path) -> None:
    path.write_bytes(_step_file.write_steps([["h", {"format": "other", "version": 1}]]))


def strange_head(path: Path) -> None:
    path.write_bytes(_step_file.write_steps([["h", {"format": "smsc_async guard", "version": 1, "new": 2}]]))


def step_for_a_head(path: Path) -> None:
    path.write_bytes(_step_file.write_steps([["f", {}]]))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


HARM = [damage_in_the_middle, no_head, other_head, strange_head, step_for_a_head]


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_file_is_said_to_have_lost_something(
    harm: Callable[[Path], None], opened: Callable[..., StepFile]
) -> None:
    """To who comes anew; and it is replaced by one of another line, so that all others learn it too."""
    first, second = begun(opened(), A), opened()
    tell(first, B)
    harm(first.path)
    assert second.lock()
    found = second.read()
    assert (True, "its file is damaged") == (found.blank, found.lost)
    second.replace([C], lost=True)
    second.unlock()
    found = heard(first)
    assert ([C], True, True) == (found.steps, found.anew, bool(found.lost))


@pytest.mark.parametrize(("harm", "lost"), [(emptied, "its file was cut"), (no_head, "its file was cut")])
def test_a_file_that_was_cut_is_said_to_have_lost_something(
    harm: Callable[[Path], None], lost: str, opened: Callable[..., StepFile]
) -> None:
    """To who knew it."""
    file = begun(opened(), A)
    harm(file.path)
    assert Found(blank=True, lost=lost) == heard(file)


def test_damage_that_comes_while_it_is_open_is_seen(opened: Callable[..., StepFile]) -> None:
    """By who reads on."""
    first, second = begun(opened()), opened()
    heard(second)
    tell(first, A, B)
    damage_in_the_middle(first.path)
    assert Found(blank=True, lost="its file is damaged") == heard(second)


def test_damage_at_the_end_of_a_file_that_was_replaced_is_no_way_to_go_on(opened: Callable[..., StepFile]) -> None:
    """Then all is read from the beginning of the newer one."""
    first, second = begun(opened()), opened()
    heard(second)
    old = os.open(first.path, os.O_RDWR)
    tell(first, A, B)
    assert first.lock()
    first.replace([A, B])
    first.unlock()
    os.pwrite(old, b"?", os.fstat(old).st_size - 5)
    os.close(old)
    assert Found([A, B], anew=True) == heard(second)


def test_moments_of_another_boot_mean_nothing(opened: Callable[..., StepFile]) -> None:
    """The file is begun anew, whatever numbers it was for."""
    begun(opened("before", window=1.0), A)
    file = opened("this")
    assert Found(blank=True, lost=RESTARTED) == heard(file)


def test_all_processes_need_the_same_numbers(opened: Callable[..., StepFile]) -> None:
    """Else what is a minute to one is none to another."""
    begun(opened(margin=1.5))
    with pytest.raises(GuardUnavailable, match=r"other numbers \(window=60, margin=1.5\)"):
        heard(opened(margin=2.0))


def test_another_layout_is_not_touched(opened: Callable[..., StepFile], monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer version of the package would not understand us."""
    begun(opened())
    monkeypatch.setattr(_step_file, "_VERSION", 2)
    with pytest.raises(GuardUnavailable, match="has the layout 1, and this version of the package knows 2"):
        heard(opened())


def test_a_step_that_cannot_be_written_is_not_there(
    opened: Callable[..., StepFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even its first half: the disk is full."""
    first, second = begun(opened()), opened()
    heard(second)
    real = os.pwrite

    def full(file: int, data: bytes, at: int) -> int:
        if len(data) > 20:
            return real(file, data[:20], at)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert first.lock()
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space"):
        first.append([A])
    with pytest.raises(OSError, match="No space"):
        first.replace([A])
    monkeypatch.undo()
    first.append([B])
    first.unlock()
    assert Found([B]) == heard(second)
    assert [first.path] == list(first.path.parent.iterdir())


def test_a_lock_that_fails_is_an_error(opened: Callable[..., StepFile], monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does on some network drives."""
    file = begun(opened())

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match="No locks"):
        file.lock()


def test_a_short_read_is_read_on(opened: Callable[..., StepFile], monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may give less than was asked for."""
    begun(opened(), A, B)
    file, real = opened(), os.pread
    monkeypatch.setattr(os, "pread", lambda number, size, at: real(number, min(size, 4_096 if at == 0 else 7), at))
    assert Found([A, B], anew=True) == heard(file)


def test_a_file_that_nobody_has_read_and_that_goes_is_opened_again(opened: Callable[..., StepFile]) -> None:
    """There is nothing to be kept of it."""
    file = opened()
    assert file.lock()
    file.unlock()
    file.path.unlink()
    assert Found(blank=True) == heard(file)
