"""Deferred tasks, their progress and their files."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from hashlib import sha256
from typing import Any

import pytest

from smsc_async.simulator import Simulator, Switches
from smsc_async.simulator.files import TEXTS
from tests.simulator.asking import ask, errors, simulator


def listed(gateway: Simulator, **params: Any) -> list[int]:
    """Give the ids that are listed."""
    return [item["id"] for item in ask(gateway, "downloads", get_list=1, **params).json]


def with_task(**task: object) -> Simulator:
    """Give a simulator with one task, created at a known time."""
    gateway, _ = simulator(epoch=datetime(2026, 11, 20, 9, 30, 5))  # noqa: DTZ001 - the account's own time zone
    gateway.add_task(**task)  # type: ignore[arg-type]
    return gateway


@pytest.mark.parametrize(
    ("fmt", "expected"),
    [
        (
            0,
            (
                "id = 1, name = Звіт, листопад, status = 2, created = 20.11.2026 09:30:05, time = 20.11.2026 09:30:05, "
                "file = messages_1.csv"
            ),
        ),
        (1, "1,Звіт, листопад,2,20.11.2026 09:30:05,20.11.2026 09:30:05,messages_1.csv"),
        (
            2,
            (
                "<list>\n<task>\n<id>1</id>\n<name>Звіт, листопад</name>\n<status>2</status>\n"
                "<created>20.11.2026 09:30:05</created>\n<time>20.11.2026 09:30:05</time>\n"
                "<file>messages_1.csv</file>\n</task>\n</list>"
            ),
        ),
        (
            3,
            (
                '[{"id":1,\n"name":"Звіт, листопад",\n"status":"2",\n"created":"20.11.2026 09:30:05",\n'
                '"time":"20.11.2026 09:30:05",\n"file":"messages_1.csv"}]'
            ),
        ),
    ],
)
def test_the_list_is_written_as_documented(fmt: int, expected: str) -> None:
    """A name with a comma stands in each format as it does in the others; the status is quoted in JSON."""
    gateway = with_task(name="Звіт, листопад")
    assert expected == ask(gateway, "downloads", get_list=1, fmt=fmt).text


def test_no_tasks_are_an_empty_list() -> None:
    """An account without tasks has an empty list, and no error."""
    gateway, _ = simulator()
    assert [] == ask(gateway, "downloads", get_list=1).json


def test_a_task_waits_runs_and_ends() -> None:
    """Its status follows the clock; start and file appear when there is something to tell."""
    gateway, time = simulator()
    gateway.add_task(waits=10, runs=20)
    gateway.add_task(waits=10, runs=20, ends="cancelled")
    gateway.add_task(ends="failed")
    seen = []
    for _ in range(3):
        seen.append([item["status"] for item in ask(gateway, "downloads", get_list=1).json])
        time.advance(15)
    assert [["0", "0", "4"], ["1", "1", "4"], ["2", "3", "4"]] == seen


def test_a_waiting_task_has_no_start_and_no_file() -> None:
    """What is not known yet is empty."""
    gateway, _ = simulator()
    gateway.add_task(waits=10)
    item = ask(gateway, "downloads", get_list=1).json[0]
    assert ("", "") == (item["time"], item["file"])


def test_the_list_can_be_cut_and_continued() -> None:
    """The parameters cnt and after_id page through the tasks."""
    gateway, _ = simulator()
    for _ in range(5):
        gateway.add_task()
    assert [1, 2] == listed(gateway, cnt=2)
    assert [3, 4] == listed(gateway, cnt=2, after_id=2)
    assert [5] == listed(gateway, after_id=4)


def test_the_order_of_the_list_is_a_switch() -> None:
    """Newest first, cnt keeps the newest."""
    gateway, _ = simulator(switches=Switches(list_order="descending"))
    for _ in range(3):
        gateway.add_task()
    assert [3, 2] == listed(gateway, cnt=2)


@pytest.mark.parametrize("params", [{"cnt": "x"}, {"after_id": "-1"}])
def test_a_count_that_is_none_is_error_1(params: dict[str, Any]) -> None:
    """Counts and ids are digits."""
    gateway, _ = simulator()
    assert 1 == ask(gateway, "downloads", get_list=1, **params).json["error_code"]


def test_a_file_comes_whole() -> None:
    """The bytes, the length and the digest agree, and the file has a name."""
    gateway, _ = simulator()
    task = gateway.add_task(rows=1234)
    reply = ask(gateway, "downloads", get_file=1, id=task.id)
    assert gateway.sha256(task) == sha256(reply.body).hexdigest()
    assert str(len(reply.body)) == reply.headers["content-length"]
    assert 'attachment; filename="messages_1.csv"' == reply.headers["content-disposition"]


def test_a_file_holds_what_csv_allows() -> None:
    """Rows as many as asked for, in windows-1251, with texts that hold delimiters, quotes and line breaks."""
    gateway, _ = simulator()
    gateway.add_task(rows=7)
    body = ask(gateway, "downloads", get_file=1, id=1).body.decode("windows-1251")
    rows = list(csv.DictReader(io.StringIO(body, newline=""), delimiter=";"))
    assert 7 == len(rows)
    assert [*TEXTS, TEXTS[0]] == [row["message"] for row in rows]
    assert 7 == len({row["id"] for row in rows})


@pytest.mark.parametrize(
    ("switches", "start"),
    [
        (Switches(csv_charset="utf-8", csv_delimiter=","), b"id,phone,"),
        (Switches(csv_charset="utf-8-sig"), b"\xef\xbb\xbfid;phone;"),
        (Switches(csv_header=False), b"1001000000;3806"),
        (Switches(csv_charset="requested"), b"id;phone;"),
    ],
)
def test_how_a_file_is_written_is_a_switch(switches: Switches, start: bytes) -> None:
    """Charset, delimiter and header line differ, and length and digest still agree with the bytes."""
    gateway, _ = simulator(switches=switches)
    task = gateway.add_task(rows=10)
    reply = ask(gateway, "downloads", get_file=1, id=1)
    assert start == reply.body[: len(start)]
    assert gateway.sha256(task, "utf-8") == sha256(reply.body).hexdigest()
    assert len(reply.body) == int(reply.headers["content-length"])


def test_whether_a_length_is_told_is_a_switch() -> None:
    """Without Content-Length the server sends the file in chunks."""
    gateway, _ = simulator(switches=Switches(csv_length=False))
    gateway.add_task()
    assert "content-length" not in ask(gateway, "downloads", get_file=1, id=1).headers


def test_a_task_may_hold_any_bytes() -> None:
    """A test can bring its own file."""
    gateway, _ = simulator()
    task = gateway.add_task(data=b"\x00\xff anything")
    assert b"\x00\xff anything" == ask(gateway, "downloads", get_file=1, id=1).body
    assert sha256(b"\x00\xff anything").hexdigest() == gateway.sha256(task)


@pytest.mark.parametrize(("by", "found"), [("name", [0, 5]), ("file", [5, 0]), ("either", [0, 0])])
def test_what_name_means_is_a_switch(by: str, found: list[int]) -> None:
    """A file is found by the task's name, by its file's, or by either."""
    gateway, _ = simulator(switches=Switches(file_by=by))  # type: ignore[arg-type]
    gateway.add_task(name="Звіт, за листопад", data=b"[]")
    replies = [ask(gateway, "downloads", get_file=1, name=name) for name in ("Звіт, за листопад", "messages_1.csv")]
    assert found == errors(replies)


@pytest.mark.parametrize(
    ("params", "code"), [({"id": 9}, 5), ({"id": "x"}, 5), ({"name": "?"}, 5), ({}, 1), ({"id": 2}, 5), ({"id": 3}, 5)]
)
def test_a_file_that_is_not_there_is_error_5(params: dict[str, Any], code: int) -> None:
    """Unknown tasks and those that are not done have no file; asking for none is error 1."""
    gateway, _ = simulator()
    gateway.add_task()
    gateway.add_task(waits=1)
    gateway.add_task(ends="failed")
    assert code == ask(gateway, "downloads", get_file=1, **params).json["error_code"]


def test_a_huge_file_costs_nothing_until_it_is_read() -> None:
    """The length of a hundred million rows is known at once."""
    gateway, _ = simulator()
    task = gateway.add_task(rows=100_000_000)
    small = gateway.add_task(rows=600)
    from smsc_async.simulator.downloads import csv_style

    style = csv_style(gateway.switches)
    assert sum(map(len, small.content.chunks(style))) == small.content.length(style)
    assert 6_000_000_000 < task.content.length(style)
