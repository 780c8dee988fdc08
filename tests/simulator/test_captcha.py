"""Pictures with a code, bound to the address that was shown them."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest

from smsc_async.simulator import Simulator, Switches
from smsc_async.simulator.pictures import FONT, HEIGHT, WIDTH, picture
from tests.simulator.asking import Reply, ask_async, run, simulator
from tests.simulator.sending import code, send

ADDRESS = "10.0.0.5"


def show(gateway: Simulator, address: str = ADDRESS, **options: Any) -> Reply:
    """Load the picture as a browser at *address* does."""
    return run(
        ask_async(
            gateway, "imgcode", {}, method="GET", client=(address, 50000), query=b"1.1", **{"headers": [], **options}
        )
    )


def pixels(png: bytes) -> list[bytes]:
    """Read a PNG of eight bits of grey without filters, checking it by the way."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks: dict[bytes, bytes] = {}
    place = 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        name, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        assert zlib.crc32(name + data) == struct.unpack_from(">I", png, place + 8 + length)[0]
        chunks[name] = data
        place += 12 + length
    assert [b"IHDR", b"IDAT", b"IEND"] == list(chunks)
    assert (WIDTH, HEIGHT, 8, 0, 0, 0, 0) == struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    raw = zlib.decompress(chunks[b"IDAT"])
    lines = [raw[start : start + WIDTH + 1] for start in range(0, len(raw), WIDTH + 1)]
    assert {0} == {line[0] for line in lines}
    return [line[1:] for line in lines]


def read(png: bytes) -> str:
    """Read the digits, as a person would."""
    lines = pixels(png)
    found = ""
    for place in range(4):
        rows = tuple(
            sum((lines[2 + 2 * y][2 + 12 * place + 2 * x] < 128) << (4 - x) for x in range(5)) for y in range(7)
        )
        found += next(digit for digit, shape in FONT.items() if shape == rows)
    return found


@pytest.mark.parametrize("digits", ["0123", "4567", "8901"])
def test_a_picture_can_be_read(digits: str) -> None:
    """50 by 18 pixels, as the vendor's page has it, with every digit in it."""
    assert (18, 50) == (len(pixels(picture(digits))), len(pixels(picture(digits))[0]))
    assert digits == read(picture(digits))


def test_anybody_gets_a_picture() -> None:
    """Without a login, as often as wanted, blocked or not; each has a new code. It is no request of an account's."""
    gateway, _ = simulator()
    gateway.block(ADDRESS)
    replies = [show(gateway) for _ in range(30)]
    assert {(200, "image/png", "no-store")} == {
        (reply.status, reply.headers["content-type"], reply.headers["cache-control"]) for reply in replies
    }
    assert gateway.captcha.code(ADDRESS) == read(replies[-1].body)
    assert len({read(reply.body) for reply in replies}) > 20
    assert gateway.verdict().ok
    assert ({"imgcode"}, {None}) == ({one.action for one in gateway.log}, {one.login for one in gateway.log})


def test_the_right_code_from_the_right_address_sends() -> None:
    """Once; then the code is no more."""
    gateway, _ = simulator()
    right = read(show(gateway).body)
    assert 0 == code(send(gateway, imgcode=right, userip=ADDRESS))
    assert gateway.captcha.code(ADDRESS) is None
    assert {"error": "wrong code", "error_code": 10} == send(gateway, mes="b", imgcode=right, userip=ADDRESS).json


@pytest.mark.parametrize("fmt", [0, 1])
def test_a_wrong_code_is_error_10(fmt: int) -> None:
    """In the form in which the vendor's example looks for it."""
    gateway, _ = simulator()
    reply = send(gateway, imgcode="wrong", userip=ADDRESS, fmt=fmt).text
    assert ("ERROR = 10 (wrong code)", "0,-10")[fmt] == reply


def test_a_code_is_bound_to_its_address() -> None:
    """Another address, none, no code, and an old code are all wrong; nothing is sent."""
    gateway, _ = simulator()
    old = read(show(gateway).body)
    right = read(show(gateway).body)
    wrong = [
        {"imgcode": right, "userip": "10.0.0.6"},
        {"imgcode": right},
        {"imgcode": "", "userip": ADDRESS},
        {"imgcode": old, "userip": ADDRESS},
    ]
    assert [10] * 4 == [code(send(gateway, mes=f"{number}", **params)) for number, params in enumerate(wrong)]
    assert () == gateway.sent()
    assert 0 == code(send(gateway, imgcode=f" {right} ", userip=ADDRESS))
    assert 0 == code(send(gateway, mes="without"))


def test_a_code_may_be_good_until_the_next_picture() -> None:
    """By a switch; the price uses no code up in any case."""
    gateway, _ = simulator()
    right = read(show(gateway).body)
    assert [0, 0] == [code(send(gateway, mes=mes, cost=1, imgcode=right, userip=ADDRESS)) for mes in "ab"]
    gateway.switches = Switches(captcha_use="until next")
    assert [0, 0] == [code(send(gateway, mes=mes, imgcode=right, userip=ADDRESS)) for mes in "ab"]
    show(gateway)
    assert 10 == code(send(gateway, mes="c", imgcode=right, userip=ADDRESS))


def test_the_address_may_be_what_a_proxy_says() -> None:
    """The first of X-Forwarded-For, where the switch says so and there is one."""
    gateway, _ = simulator()
    headers = [(b"x-forwarded-for", b"192.0.2.7, 10.0.0.1")]
    show(gateway, headers=headers)
    assert [ADDRESS] == list(gateway.captcha.codes)
    gateway.switches = Switches(picture_address="forwarded")
    show(gateway, headers=headers)
    show(gateway, "10.0.0.9")
    assert [ADDRESS, "192.0.2.7", "10.0.0.9"] == list(gateway.captcha.codes)


def test_a_wrong_code_counts_as_a_bad_send() -> None:
    """A hundred of them block the address."""
    gateway, _ = simulator()
    codes = [code(send(gateway, mes=f"{number}", imgcode="x", userip=ADDRESS)) for number in range(101)]
    assert [10] * 100 + [4] == codes
