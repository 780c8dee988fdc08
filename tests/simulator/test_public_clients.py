"""Requests as public clients make them, recorded by `nox -s foreign`, where the clients themselves run."""

from __future__ import annotations

from typing import Any

import pytest

from smsc_async.simulator.switches import Switches
from tests.simulator.asking import ask_async, run, simulator

PHONE, OTHER = "380671234567", "380501112233"
WORDS = "%D0%9F%D1%80%D0%B8%D0%B2%D1%96%D1%82%2C{0}%D1%86%D0%B5{0}%D1%86%D1%96%D0%BD%D0%B0"  # "Привіт, це ціна"
OF_PYPI = "login=demo&psw=demo&fmt=3"
OF_NPM = "fmt=3&login=demo&psw=fe01ce2a7fbac8fafaed7c982a04e229&charset=utf-8"  # the MD5 of "demo"
SENT = {"id": 1, "cnt": 1, "cost": "0.50"}
STATES = {
    "status": -1,
    "phone": PHONE,
    "cost": "0.50",
    "message": "Hello, World!",
    "status_name": "Очікує відправлення",
}
REFUSED = {"error": "duplicate request, wait a minute", "error_code": 9}

# PyPI's smsc 0.1.1 asks for one status as for several, and reads what is at the gateway only with all=2.
PYPI: list[tuple[str, str, Any]] = [
    ("balance", f"{OF_PYPI}&cur=1", {"balance": "1000.00", "currency": "UAH"}),
    (
        "send",
        f"{OF_PYPI}&sender=SMSC.ru&cost=1&phones={PHONE}&mes={WORDS.format('+')}&charset=utf-8",
        {"cost": "0.50", "cnt": 1},
    ),
    ("send", f"{OF_PYPI}&sender=SMSC.ru&cost=2&phones={PHONE}&mes=Hello%2C+World%21&charset=utf-8", SENT),
    (
        "send",
        f"{OF_PYPI}&sender=SMSC.ru&cost=2&phones={PHONE}%2C{OTHER}&mes=Flash&charset=utf-8&flash=1",
        {"id": 2, "cnt": 2, "cost": "1.00"},
    ),
    ("send", f"{OF_PYPI}&sender=SMSC.ru&cost=2&phones={PHONE}&mes=Hello%2C+World%21&charset=utf-8", REFUSED),
    ("status", f"{OF_PYPI}&charset=utf-8&all=2&phone={PHONE}%2C&id=1%2C", [{**STATES, "id": 1}]),
    ("balance", "login=demo&psw=wrong&fmt=3&cur=1", {"error": "authorise error", "error_code": 2}),
]
# npm's node-smsc 0.2.3 writes spaces as %20, "!" as it is, and sends the password's MD5 in its place.
NPM: list[tuple[str, str, Any]] = [
    ("balance", f"cur=1&{OF_NPM}", {"balance": "1000.00", "currency": "UAH"}),
    ("send", f"phones={PHONE}&mes={WORDS.format('%20')}&cost=1&{OF_NPM}", {"cost": "0.50", "cnt": 1}),
    ("send", f"phones={PHONE}&mes=Hello%2C%20World!&cost=3&{OF_NPM}", {**SENT, "balance": "999.50"}),
    ("status", f"phone={PHONE}&id=1&all=2&{OF_NPM}", STATES),
    (
        "send",
        f"phones={PHONE}%2C{OTHER}&mes=To%20two&cost=3&op=1&{OF_NPM}",
        {"id": 2, "cnt": 2, "cost": "1.00", "balance": "998.50"},
    ),
    (
        "status",
        f"phone={PHONE}%2C{OTHER}&id=2%2C2&all=1&{OF_NPM}",
        [{"id": 2, "phone": PHONE, "message": "To two"}, {"id": 2, "phone": OTHER, "message": "To two"}],
    ),
    ("send", f"phones={PHONE}&mes=Hello%2C%20World!&cost=3&{OF_NPM}", REFUSED),
    ("balance", "psw=wrong&fmt=3&login=demo&charset=utf-8", {"error": "authorise error", "error_code": 2}),
]


def has(found: Any, expected: Any) -> bool:
    """Say whether all that is expected is there; what else there is does not matter."""
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(has, found, expected))
    return expected.items() <= found.items()


@pytest.mark.parametrize("requests", [PYPI, NPM], ids=["PyPI smsc 0.1.1", "npm node-smsc 0.2.3"])
def test_a_public_client_gets_what_it_reads(requests: list[tuple[str, str, Any]]) -> None:
    """It prices, sends to one and to two, is refused, and asks for statuses and the balance."""
    app, _ = simulator(switches=Switches(md5_password=True))
    for page, query, expected in requests:
        found = run(ask_async(app, page, {}, method="GET", query=query.encode())).json
        assert has(found, expected), (page, found)
    assert [PHONE, PHONE, OTHER] == [message.phone for message in app.messages]
