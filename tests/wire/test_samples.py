"""Every recorded reply becomes the value, the refusal or the error that it should."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from smsc_async import AvailableNumber, Balance, CallRequest, DownloadTask, NumberKind, Rental, TaskStatus
from smsc_async._wire import Refusal, ReplyFormat, Undecodable
from smsc_async.values import LocalTime
from tests.wire.reading import read
from tests.wire.replies import ENDPOINTS

SAMPLES = Path(__file__).parents[1] / "samples"


def number(phone: str, kind: NumberKind, monthly_cost: str, current_cost: str, info: str) -> AvailableNumber:
    return AvailableNumber(
        phone=phone, kind=kind, monthly_cost=Decimal(monthly_cost), current_cost=Decimal(current_cost), info=info
    )


def task(id: int, name: str, status: TaskStatus, *texts: str) -> DownloadTask:
    created, started, file = (*texts, "", "", "")[:3]
    return DownloadTask(
        id=id,
        name=name,
        status=status,
        created=LocalTime(created) if created else None,
        started=LocalTime(started) if started else None,
        file=file or None,
    )


def call(*numbers: str) -> CallRequest:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return CallRequest(subscriber="380671234567", number=numbers[0], numbers=numbers, expires_at=moment)


NUMBERS = [
    number("380950000001", NumberKind.VIRTUAL, "120.00", "36.00", "Київстар, SMS"),
    number("380670000002", NumberKind.SIM_HOSTING, "80.00", "24.5", "lifecell"),
    number("79999999999", NumberKind.VIRTUAL_4, "300", "90", ""),
]
TASKS = [
    task(15, "Звіт, січень", TaskStatus.DONE, "01.02.2025 10:00:00", "01.02.2025 10:05:00", "report_15.csv"),
    task(16, "lists", TaskStatus.WAITING, "01.02.2025 11:30:00"),
    task(17, "x", TaskStatus.FAILED, "01.02.25 11:30", "01.02.25 11:40"),
]
TWO = ("380443334455", "380443334466")
IN_CURRENCY = Balance(amount=Decimal("250.80"), currency="UAH")
WITH_CREDIT = Balance(amount=Decimal("250.80"), currency="UAH", credit=Decimal("100.00"))

# What a case is; where the formats differ, by format. A string is a part of the problem.
EXPECTED: dict[str, Any] = {
    "numbers.available/success": NUMBERS,
    "numbers.available/windows-1251": NUMBERS,
    "numbers.available/crlf": NUMBERS,
    "numbers.available/compact": NUMBERS,
    "numbers.available/other-quotes": NUMBERS,
    "numbers.available/more-fields": NUMBERS,
    "numbers.available/typo": NUMBERS[:1],
    "numbers.available/one": NUMBERS[:1],
    "numbers.available/none": [],
    "numbers.available/error-9": Refusal(9, "duplicate request, wait a minute"),
    "numbers.available/error-9-concurrency": Refusal(9, "too many concurrent requests"),
    "numbers.rent/success": Rental(phone="380950000001", cost=Decimal(36)),
    "numbers.rent/other-quotes": Rental(phone="380950000001", cost=Decimal(36)),
    "numbers.rent/error-3": Refusal(3, "no money"),
    "numbers.set_auto_renew/success": None,
    "numbers.set_auto_renew/error-1": Refusal(1, "parameters error"),
    "calls.request/success": call(*TWO),
    "calls.request/other-quotes": call(*TWO),
    "calls.request/joined": call(*TWO),
    "calls.request/typo": call(*TWO),
    "calls.request/one": call(TWO[0]),
    "calls.request/bare": call(TWO[0]),
    "calls.request/error-6": Refusal(6, "описание"),
    "downloads.list/success": TASKS,
    "downloads.list/windows-1251": TASKS,
    "downloads.list/other-quotes": TASKS,
    "downloads.list/unset-missing": TASKS,
    "downloads.list/none": [],
    "downloads.list/two-readings": "can be read in more than one way",
    "downloads.list/line-break.0": "line 1 of the text is no record",
    "downloads.list/line-break.1": "line 1 of the text is no record",
    "downloads.list/line-break.2": [task(15, "a\nb", TaskStatus.DONE)],
    "downloads.list/line-break.3": [task(15, "a\nb", TaskStatus.DONE)],
    "downloads.list/error-5": Refusal(5, "task or file not found"),
    "account.balance/success": Balance(amount=Decimal("250.80")),
    "account.balance/currency": IN_CURRENCY,
    "account.balance/currency-named": IN_CURRENCY,
    "account.balance/currency-comma": IN_CURRENCY,
    "account.balance/currency-rootless": IN_CURRENCY,
    "account.balance/credit": WITH_CREDIT,
    "account.balance/credit-first": WITH_CREDIT,
    "account.balance/decimal-comma.0": "decimal comma",
    "account.balance/decimal-comma.1": "decimal comma",
    "account.balance/decimal-comma.2": "amount is not an amount",
    "account.balance/decimal-comma.3": "amount is not an amount",
    "account.balance/real": Balance(amount=Decimal("0.00"), currency="KZT"),
    "account.balance/error-2": Refusal(2, "authorise error"),
    "account.balance/error-4": Refusal(4, "ip is blocked"),
}
REPLIES = sorted(path for name in ENDPOINTS for path in (SAMPLES / name).iterdir())
PAGES = sorted((SAMPLES / "anything").glob("*.html"))
WITH_ID = sorted((SAMPLES / "anything").glob("refusal-with-id.*"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def expected_of(path: Path, asked: ReplyFormat) -> Any:
    case = f"{path.parent.name}/{path.name.split('.')[0]}"
    expected = EXPECTED[case] if case in EXPECTED else EXPECTED[f"{case}.{asked.value}"]
    if isinstance(expected, Refusal) and asked is ReplyFormat.CSV:
        return Refusal(expected.code, "")  # that form has no words
    return expected


READABLE = [
    path for path in REPLIES if not isinstance(expected_of(path, ReplyFormat(int(path.name.split(".")[1]))), str)
]


@pytest.mark.parametrize("path", REPLIES, ids=name_of)
def test_a_recorded_reply_is_what_it_should_be(path: Path) -> None:
    """A recorded body becomes the expected value or refusal, or is refused for the expected reason."""
    asked = ReplyFormat(int(path.name.split(".")[1]))
    expected = expected_of(path, asked)
    endpoint = ENDPOINTS[path.parent.name]
    if isinstance(expected, str):
        with pytest.raises(Undecodable, match=expected):
            read(endpoint, path.read_bytes(), asked)
    else:
        assert expected == read(endpoint, path.read_bytes(), asked)


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("case", ["success", "error"])
def test_every_endpoint_has_its_replies_recorded_in_four_formats(name: str, case: str) -> None:
    """For each endpoint a success and a refusal are recorded in every format."""
    formats = {path.name.split(".")[1] for path in (SAMPLES / name).glob(f"{case}*")}
    assert set("0123") == formats


def test_every_expectation_has_a_sample() -> None:
    """No expectation is left of a sample that was removed."""
    recorded = {f"{path.parent.name}/{path.name.split('.')[0]}" for path in REPLIES}
    assert recorded == {
        f"{parent}.{rest.split('.')[0]}" for parent, _, rest in (key.partition(".") for key in EXPECTED)
    }


@pytest.mark.parametrize("path", [path for path in READABLE if path.suffix in {".xml", ".json"}], ids=name_of)
def test_a_reply_in_a_self_describing_format_is_read_whatever_was_asked_for(path: Path) -> None:
    """XML and JSON are recognised by their first character, whatever was asked for."""
    expected = expected_of(path, ReplyFormat(int(path.name.split(".")[1])))
    read_as = [read(ENDPOINTS[path.parent.name], path.read_bytes(), asked) for asked in ReplyFormat]
    assert [expected] * 4 == read_as


@pytest.mark.parametrize("asked", ReplyFormat)
@pytest.mark.parametrize("path", REPLIES, ids=name_of)
def test_a_recorded_reply_cut_short_raises_nothing_undeclared(path: Path, asked: ReplyFormat) -> None:
    """A body cut at any byte is a value, a refusal or undecodable; cut JSON and XML are never a value."""
    body = path.read_bytes()
    endpoint = ENDPOINTS[path.parent.name]
    structured = path.suffix in {".json", ".xml"} and "rootless" not in path.name
    for length in range(len(body.rstrip())):
        try:
            value = read(endpoint, body[:length], asked)
        except Undecodable:
            continue
        assert not structured, f"{value} out of {length} bytes"


@pytest.mark.parametrize("asked", ReplyFormat)
@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_page_is_no_reply(path: Path, name: str, asked: ReplyFormat) -> None:
    """An HTML page in the gateway's place is said to be one."""
    with pytest.raises(Undecodable, match="an HTML page"):
        read(ENDPOINTS[name], path.read_bytes(), asked)


@pytest.mark.parametrize("path", WITH_ID, ids=name_of)
def test_a_refusal_tells_the_message_that_it_is_about(path: Path) -> None:
    """The id that a refusal carries is kept as text."""
    words = "" if path.suffix == ".csv" else "invalid number"
    assert Refusal(7, words, "64") == read(ENDPOINTS["account.balance"], path.read_bytes(), ReplyFormat.JSON)


def test_the_readme_names_every_kind_of_sample() -> None:
    """The list of sources has a row for each case."""
    text = (SAMPLES / "README.md").read_text()
    cases = {path.name.split(".")[0] for path in (*REPLIES, *PAGES, *WITH_ID)}
    families = {"credit-first": "credit*", "page-5": "page*"}
    missing = [
        case
        for case in sorted(cases)
        if case not in text
        and not case.startswith(("error-", "currency", "page"))
        and families.get(case, case) not in text
    ]
    assert [] == missing
