"""What the gateway answers: each reply carries the mark of its request, so that no answer can pass for another's."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from smsc_async.simulator.replies import Done, Field, Record, RecordList, refusal_text, render
from smsc_async.simulator.switches import Switches

if TYPE_CHECKING:
    from tests.proof.client.book import Passage

__all__ = ["body_of", "marks_of", "refusal_of", "task_is"]

_AS_DOCUMENTED: Final = Switches()
_ROWS: Final = (12, 250)  # the longer file is still coming when its head has been looked at


def task_is(task: int) -> str:
    """Say how far the task with that id is."""
    return {7: "running", 8: "failed", 9: "unknown"}.get(task % 10, "done")


def body_of(passage: Passage, *, known: bool) -> str:
    """
    Write the answer to a request that is carried out; "" is a file that is not there.

    Args:
        passage: The request.
        known: Whether the message is known that it asks for, where it asks for one.
    """
    params, mark = passage.params, passage.number
    fmt = int(params["fmt"])
    match passage.path:
        case "receive_phones.php" if "get" in params:
            answer: Any = RecordList((_available(mark), _available(mark)))
        case "receive_phones.php" if "buy" in params:
            answer = Record("phone", (Field("cost", Decimal(mark)),))
        case "receive_phones.php":
            answer = Done()
        case "wait_call.php":
            phones = (f"38044{mark:07d}", "380440000000")
            answer = Record("result", (Field("phone", phones[0]), Field("all_phones", phones)), line=("all_phones",))
        case "downloads.php" if "get_list" in params:
            answer = _tasks(params, mark)
        case "downloads.php":
            return _file(int(params["id"]), mark) if "id" in params else _file(0, mark)
        case "send.php":
            answer = _sent(params["id"], mark) if "id" in params else _priced(mark)
        case "status.php":
            answer = _status(known=known)
        case "balance.php":
            answer = Record("result", (Field("balance", Decimal(mark)), Field("currency", "UAH")), bare=True)
        case _:
            answer = Record("result", (Field("mark", f"mark{mark}"), Field("more", "word")))
    return render(answer, fmt, _AS_DOCUMENTED)


def refusal_of(passage: Passage, code: int, text: str) -> str:
    """Write a refusal."""
    return refusal_text(code, text, int(passage.params["fmt"]) if "get_file" not in passage.params else 0)


def _available(mark: int) -> Record:
    fields = (
        Field("phone", f"38095{mark:07d}"),
        Field("type", 1, quoted=False),
        Field("cost", Decimal(30)),
        Field("current_cost", Decimal(10)),
        Field("info", "an operator"),
    )
    return Record("receive_phone", fields)


def _priced(mark: int) -> Record:
    return Record("result", (Field("cost", Decimal(mark)), Field("cnt", 1)), sentence=f"{mark} (1 SMS)")


def _sent(message: str, mark: int) -> Record:
    fields = (Field("id", message), Field("cnt", 1), Field("cost", Decimal(mark)), Field("balance", Decimal(9)))
    return Record("result", fields, sentence=f"OK - 1 SMS, ID - {message}, COST - {mark}, BALANCE - 9")


def _status(*, known: bool) -> Record:
    if not known:
        return Record("sms", (Field("status", -3, quoted=False),), sentence="Status = -3")
    dated = "Status = 0, check_time = 01.01.2026 10:00:00"
    fields = (Field("status", 0, quoted=False), Field("last_timestamp", 1767254400, quoted=False), Field("err", 0))
    return Record("sms", fields, sentence=dated)


def _tasks(params: dict[str, str], mark: int) -> RecordList:
    first = int(params.get("after_id", "0")) + 1
    records = []
    for task in range(first, first + min(int(params.get("cnt", "3")), 3)):
        if task_is(task) == "unknown":
            continue
        status = {"running": 1, "failed": 4, "done": 2}[task_is(task)]
        fields = (
            Field("id", task, quoted=False),
            Field("name", f"mark{mark}"),
            Field("status", status),
            Field("created", "01.01.2026 10:00:00"),
            Field("time", "01.01.2026 10:00:00"),
            Field("file", f"file_{task}.csv"),
        )
        records.append(Record("task", fields))
    return RecordList(tuple(records))


def _file(task: int, mark: int) -> str:
    if task and task_is(task) != "done":
        return ""
    return "".join(f"mark{mark};row {row} of some length to fill the file\r\n" for row in range(_ROWS[task % 4 > 0]))


_MARK: Final = re.compile(r"mark(\d+)|38095(\d{7})|amount=Decimal\('(\d+)")


def marks_of(kind: str, value: Any) -> set[int]:
    """Find the marks in what a call gave."""
    text = repr(value)
    if kind in ("rent", "cost"):
        return {int(value.cost)}
    if kind in ("send", "send, or resolve"):
        return set() if value is None or value.cost is None else {int(value.cost)}
    if kind == "request":
        return {int(number.removeprefix("38044")) for number in (value.number, value.numbers[0])}
    return {int(next(filter(None, groups))) for groups in _MARK.findall(text)}
