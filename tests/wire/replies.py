"""
The vendor's reply formats, written a second time and by hand, so that the tests do not repeat the client's tables.

Each function gives the body that the gateway would write for the values, in the format asked for.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from typing import Any

from smsc_async._endpoint import Endpoint
from smsc_async._wire import ReplyFormat
from smsc_async.services.account import BALANCE
from smsc_async.services.calls import REQUEST
from smsc_async.services.downloads import LIST
from smsc_async.services.numbers import AVAILABLE, RENT, SET_AUTO_RENEW

TEXT, CSV, XML, JSON = ReplyFormat
ENDPOINTS: dict[str, Endpoint[Any]] = {
    endpoint.name: endpoint for endpoint in (AVAILABLE, RENT, SET_AUTO_RENEW, REQUEST, LIST, BALANCE)
}


def refusal(asked: ReplyFormat, code: int, words: str) -> str:
    """Write a refusal."""
    if asked is TEXT:
        return f"ERROR = {code} ({words})"
    if asked is CSV:
        return f"0,-{code}"
    if asked is XML:
        return f"<result>\n<error>{html.escape(words)}</error>\n<error_code>{code}</error_code>\n</result>"
    return json.dumps({"error": words, "error_code": code}, ensure_ascii=False)


def available(asked: ReplyFormat, numbers: Sequence[tuple[str, int, str, str, str]]) -> str:
    """Write a list of numbers for rent: phone, type, cost, current_cost, info."""
    if asked is TEXT:
        return "\n".join(
            f"phone = {phone}, type = {kind}, cost = {cost}, current_cost = {current}, info = {info}"
            for phone, kind, cost, current, info in numbers
        )
    if asked is CSV:
        return "\n".join(f"{phone},{kind},{cost},{current},{info}" for phone, kind, cost, current, info in numbers)
    if asked is XML:
        items = "".join(
            f"<receive_phone><phone>{phone}</phone><type>{kind}</type><cost>{cost}</cost>"
            f"<current_cost>{current}</current_cost><info>{html.escape(info)}</info></receive_phone>"
            for phone, kind, cost, current, info in numbers
        )
        return f"<list>{items}</list>"
    return json.dumps(
        [
            {"phone": phone, "type": kind, "cost": cost, "current_cost": current, "info": info}
            for phone, kind, cost, current, info in numbers
        ]
    )


def rental(asked: ReplyFormat, cost: str) -> str:
    """Write what a rent cost."""
    return (f"cost = {cost}", cost, f"<phone><cost>{cost}</cost></phone>", json.dumps({"cost": cost}))[asked]


def call_request(asked: ReplyFormat, phones: Sequence[str]) -> str:
    """Write the number to call, and all; the first one is it."""
    joined = ",".join(phones)
    tags = "".join(f"<phone>{phone}</phone>" for phone in phones)
    return (
        f"phone = {phones[0]}, all_phones = {joined}",
        joined,
        f"<result><phone>{phones[0]}</phone><all_phones>{tags}</all_phones></result>",
        json.dumps({"phone": phones[0], "all_phones": list(phones)}),
    )[asked]


def tasks(asked: ReplyFormat, listed: Sequence[tuple[int, str, int, str, str, str]]) -> str:
    """Write a list of tasks: id, name, status, created, time, file."""
    names = ("id", "name", "status", "created", "time", "file")
    if asked is TEXT:
        return "\n".join(
            ", ".join(f"{name} = {value}" for name, value in zip(names, task, strict=True)) for task in listed
        )
    if asked is CSV:
        return "\n".join(",".join(map(str, task)) for task in listed)
    if asked is XML:
        items = [
            "".join(f"<{name}>{html.escape(str(value))}</{name}>" for name, value in zip(names, task, strict=True))
            for task in listed
        ]
        return f"<list>{''.join(f'<task>{item}</task>' for item in items)}</list>"
    return json.dumps(
        [
            {"id": task[0], **{name: str(value) for name, value in zip(names[1:], task[1:], strict=True)}}
            for task in listed
        ]
    )


WRITERS: dict[str, Callable[..., str]] = {
    "numbers.available": available,
    "numbers.rent": rental,
    "calls.request": call_request,
    "downloads.list": tasks,
}
