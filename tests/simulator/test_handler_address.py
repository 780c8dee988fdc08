"""The address of a handler, as it is pasted into the account's settings."""

from __future__ import annotations

import pytest

from smsc_async.simulator import parse_address


@pytest.mark.parametrize(
    ("query", "charset", "fmt"),
    [
        ("", "windows-1251", 0),
        ("?charset=utf-8", "utf-8", 0),
        ("?charset=koi8-r", "koi8-r", 0),
        ("?charset=UTF-8", "utf-8", 0),
        ("?charset=latin-1", "windows-1251", 0),
        ("?fmt=2", "windows-1251", 2),
        ("?fmt=3&charset=utf-8", "utf-8", 3),
        ("?fmt=3&charset=koi8-r", "windows-1251", 3),
        ("?fmt=1", "windows-1251", 0),
        ("?fmt=9", "windows-1251", 0),
    ],
)
def test_charset_and_format_come_out_of_the_address(query: str, charset: str, fmt: int) -> None:
    """windows-1251 and a form by default; koi8-r is for forms alone, and what is unknown counts for nothing."""
    address = parse_address(f"https://example.com/callback{query}")
    assert (charset, fmt) == (address.charset, address.fmt)


def test_what_stands_after_the_question_mark_is_posted() -> None:
    """Not called; also charset and fmt, and parameters without a value, but never a secret."""
    address = parse_address("https://example.com/cb?charset=utf-8&fmt=3&shop=%D1%96+1&empty&md5=secret")
    assert "https://example.com/cb" == address.url
    assert {"charset": "utf-8", "fmt": "3", "shop": "і 1", "empty": ""} == address.echoed
    assert {"md5": "secret"} == address.secrets


@pytest.mark.parametrize(
    ("pasted", "called", "posted"),
    [
        ("https://mysite.ru/!param1&param2?param3&param4", "https://mysite.ru/?param1&param2", ["param3", "param4"]),
        ("http://mysite.ru/cb!token=a%20b?x=1", "http://mysite.ru/cb?token=a%20b", ["x"]),
        ("http://mysite.ru/cb!a=1", "http://mysite.ru/cb?a=1", []),
        ("http://mysite.ru:8000/cb?a=1!b=2", "http://mysite.ru:8000/cb", ["a"]),
    ],
)
def test_what_stands_after_an_exclamation_mark_is_called(pasted: str, called: str, posted: list[str]) -> None:
    """As the vendor's example has it; behind the question mark the sign means nothing."""
    address = parse_address(pasted)
    assert called == address.url
    assert posted == list(address.echoed)


def test_several_digests_can_be_wanted() -> None:
    """Each with a secret of its own."""
    address = parse_address("https://example.com/?md5=one&sha1=two-2&crc32=three_3")
    assert {"md5": "one", "sha1": "two-2", "crc32": "three_3"} == address.secrets


@pytest.mark.parametrize("pasted", ["", "example.com/cb", "ftp://example.com/", "https://", "mailto:a@example.com"])
def test_what_is_no_address_is_refused(pasted: str) -> None:
    """It has to be http or https, with a host."""
    with pytest.raises(ValueError, match="no http"):
        parse_address(pasted)


@pytest.mark.parametrize("secret", ["", "a:b", "a%20b", "%D1%96", "a.b", "a\n"])
def test_a_secret_has_plain_characters(secret: str) -> None:
    """Latin letters, digits, minus and underscore, and at least one."""
    with pytest.raises(ValueError, match="the secret of md5"):
        parse_address(f"https://example.com/?md5={secret}")


def test_its_repr_shows_no_parameter() -> None:
    """Neither secrets nor tokens get into logs."""
    shown = repr(parse_address("https://example.com/cb!token=canary1?md5=canary2&key=canary3"))
    assert "canary" not in shown
