"""The handler's address, and the arguments that a receiver refuses."""

from __future__ import annotations

import pickle
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

import smsc_async
from smsc_async.errors import InvalidArgument, InvalidArgumentType, WebhookError
from smsc_async.webhooks import Receiver, new_secret
from tests.canaries import RUN
from tests.webhooks.posting import SECRET, STATUS, body, receiver, signed

if TYPE_CHECKING:
    from collections.abc import Callable

OTHER = "another_secret-0123456789-abcdef"
BASE = "https://example.com/smsc/"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, f"https://example.com/smsc/?charset=utf-8&sha1={SECRET}"),
        ({"digest": "md5"}, f"https://example.com/smsc/?charset=utf-8&md5={SECRET}"),
        ({"digest": "crc32"}, f"https://example.com/smsc/?charset=utf-8&crc32={SECRET}"),
        ({"format": "xml"}, f"https://example.com/smsc/?charset=utf-8&fmt=2&sha1={SECRET}"),
        ({"format": "json"}, f"https://example.com/smsc/?charset=utf-8&fmt=3&sha1={SECRET}"),
        ({"charset": "windows-1251"}, f"https://example.com/smsc/?charset=windows-1251&sha1={SECRET}"),
        ({"charset": "koi8-r"}, f"https://example.com/smsc/?charset=koi8-r&sha1={SECRET}"),
        ({"token": OTHER}, f"https://example.com/smsc/?charset=utf-8&sha1={SECRET}&token={OTHER}"),
        ({"secret": [OTHER, SECRET]}, f"https://example.com/smsc/?charset=utf-8&sha1={OTHER}"),
        ({"parameters": {"shop": "7"}}, f"https://example.com/smsc/?charset=utf-8&sha1={SECRET}&shop=7"),
        ({"query": {"route": "a"}}, f"https://example.com/smsc/!route=a?charset=utf-8&sha1={SECRET}"),
        (
            {"query": {"a": "b c", "d": "!?&"}, "parameters": {"e": "Ї!"}, "format": "json", "token": OTHER},
            f"https://example.com/smsc/!a=b+c&d=%21%3F%26?charset=utf-8&fmt=3&sha1={SECRET}&token={OTHER}&e=%D0%87%21",
        ),
    ],
)
def test_the_address_says_what_the_receiver_expects(options: dict[str, Any], expected: str) -> None:
    """Charset, format, digest with the new secret, token and parameters; behind "!" what the query is to have."""
    assert expected == receiver(**options).url(BASE)


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("https://example.com", "/"),
        ("https://example.com/", "/"),
        ("https://example.com/smsc", "/smsc"),
        ("https://example.com/smsc/", "/smsc/"),
        ("https://example.com:8443/a/b", "/a/b"),
        ("http://localhost:8000/x", "/x"),
    ],
)
def test_the_slash_at_the_end_is_the_callers(base: str, path: str) -> None:
    """A framework that wants it answers without it with a redirect, which acknowledges nothing."""
    parts = urlsplit(receiver().url(base))
    assert (path, urlsplit(base).netloc) == (parts.path, parts.netloc)


def test_what_the_address_says_comes_back_and_is_accepted() -> None:
    """The gateway posts the parameters of the address, the digest in place of the secret."""
    made = receiver(parameters={"shop": "a&b=Ї"}, token=OTHER, query={"route": "x y"})
    url = made.url(BASE)
    query = url.partition("!")[2].partition("?")[0]
    echoed = dict(parse_qsl(url.rpartition("?")[2])) | STATUS
    event = made.parse(body(signed(echoed)), query=query)
    assert {"shop": "a&b=Ї", "route": "x y", "charset": "utf-8"} == event.parameters
    assert {} == event.extra


def test_plain_http_must_be_asked_for() -> None:
    """The address holds the secret, and callbacks hold phones."""
    with pytest.raises(InvalidArgument, match="plain http"):
        receiver().url("http://example.com/smsc/")
    assert receiver().url("http://example.com/smsc/", allow_plain_http=True).startswith("http://example.com/smsc/?")


BAD_BASES = [
    "",
    "example.com",
    "ftp://example.com/",
    f"{BASE}?a=1",
    f"{BASE}#a",
    f"{BASE}!a",
    "https://a:b@example.com/",
    "https://прик.лад/",
]


@pytest.mark.parametrize("base", [*BAD_BASES, BASE + "a" * 2_000, None, 7])
def test_an_address_that_the_gateway_would_not_take_is_refused(base: Any) -> None:
    """Also one that is too long, and one with an exclamation mark, which means something to the gateway."""
    with pytest.raises(InvalidArgument):
        receiver().url(base)


# Arguments --------------------------------------------------------------------------------------------------------

BAD: dict[str, dict[str, Any]] = {
    "short": {"secret": "a" * 15},
    "empty": {"secret": ""},
    "space": {"secret": "a secret with some spaces"},
    "Cyrillic": {"secret": "секретсекретсекрет"},
    "line break": {"secret": "a" * 20 + "\n"},
    "none": {"secret": []},
    "three": {"secret": [SECRET, OTHER, SECRET]},
    "one of two": {"secret": [SECRET, "short"]},
    "token": {"token": "short"},
    "token of another alphabet": {"token": "!" * 20},
    "digest": {"digest": "sha256"},
    "charset": {"charset": "cp1251"},
    "format": {"format": "yaml"},
    "koi8-r in JSON": {"charset": "koi8-r", "format": "json"},
    "koi8-r in XML": {"charset": "koi8-r", "format": "xml"},
    "a name of the gateway's": {"parameters": {"status": "1"}},
    "a setting": {"parameters": {"charset": "utf-8"}},
    "the token's name": {"query": {"token": "x"}},
    "an empty name": {"parameters": {"": "1"}},
    "a name with a sign": {"parameters": {"a&b": "1"}},
    "a name with an exclamation mark": {"query": {"a!": "1"}},
    "a Cyrillic name": {"parameters": {"ї": "1"}},
    "a long name": {"parameters": {"a" * 65: "1"}},
    "a control character": {"parameters": {"a": "1\n"}},
    "half of a surrogate pair": {"parameters": {"a": "\udc00"}},
    "in both": {"parameters": {"a": "1"}, "query": {"a": "1"}},
}
WRONG_TYPES: dict[str, dict[str, Any]] = {
    "bytes": {"secret": SECRET.encode()},
    "None": {"secret": None},
    "number": {"secret": 1234567890123456},
    "bytes in a list": {"secret": [SECRET.encode()]},
    "None in a list": {"secret": [None]},
    "a set": {"secret": {SECRET}},
    "token": {"token": SECRET.encode()},
    "tokens": {"token": [SECRET]},
    "parameters": {"parameters": [("a", "1")]},
    "value": {"parameters": {"a": 1}},
    "query": {"query": "a=1"},
}


@pytest.mark.parametrize("name", BAD)
def test_w20_arguments_that_would_make_the_address_worthless_are_refused(name: str) -> None:
    """W20: a secret under 16 characters above all."""
    with pytest.raises(InvalidArgument) as caught:
        receiver(**BAD[name])
    assert not isinstance(caught.value, InvalidArgumentType)
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value)))


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_arguments_of_a_wrong_type_are_refused(name: str) -> None:
    """And named."""
    (argument,) = WRONG_TYPES[name]
    with pytest.raises(InvalidArgumentType, match=argument):
        receiver(**WRONG_TYPES[name])


def test_w20_a_new_secret_is_one_that_the_gateway_and_the_receiver_take() -> None:
    """W20: 40 characters, 240 bits, none like another."""
    made = {new_secret() for _ in range(200)}
    assert (200, {40}) == (len(made), {len(one) for one in made})
    for one in made:
        assert f"sha1={one}" in receiver(secret=one, token=one).url(BASE)


def test_w17_koi8_r_warns_of_what_it_cannot_write() -> None:
    """W17: where the receiver is made, and not below."""
    with pytest.warns(UserWarning, match="koi8-r has no letters") as caught:
        Receiver(secret=SECRET, charset="koi8-r")
    assert __file__ == caught[0].filename


# Nothing shows a secret -------------------------------------------------------------------------------------------

CANARY = f"canary-{RUN.marks[0]}-secret"
LEAKING: dict[str, Callable[[], object]] = {
    "a secret with a wrong character": lambda: Receiver(secret=CANARY + "!"),
    "a short one of two": lambda: Receiver(secret=[CANARY, CANARY[:10]]),
    "three secrets": lambda: Receiver(secret=[CANARY, CANARY, CANARY]),
    "bytes": lambda: Receiver(secret=CANARY.encode()),  # type: ignore[arg-type]
    "bytes in a list": lambda: Receiver(secret=[CANARY, CANARY.encode()]),  # type: ignore[list-item]
    "a set": lambda: Receiver(secret={CANARY}),  # type: ignore[arg-type]
    "a token with a wrong character": lambda: Receiver(secret=CANARY, token=CANARY + " "),
    "a wrong digest beside a secret": lambda: Receiver(secret=CANARY, token=CANARY, digest="sha256"),  # type: ignore[arg-type]
    "a wrong parameter beside a secret": lambda: Receiver(secret=CANARY, parameters={"id": "1"}),
    "a wrong timeout beside a secret": lambda: Receiver(secret=CANARY, token=CANARY, handling_timeout=-1),
    "too long an address": lambda: Receiver(secret=CANARY, token=CANARY).url(BASE + "a" * 2_000),
    "a wrong address": lambda: Receiver(secret=CANARY, token=CANARY).url("ftp://example.com"),
    "a wrong digest": lambda: Receiver(secret=CANARY).parse(body({**STATUS, "sha1": "0" * 40})),
    "a wrong digest of a text beyond ASCII": lambda: Receiver(secret=CANARY).parse(
        body({"phone": "1", "mes": "ї", "to": "", "sha1": "0" * 40})
    ),
    "no token": lambda: Receiver(secret=CANARY, token=CANARY).parse(body({**STATUS, "sha1": "0" * 40})),
}


@pytest.mark.parametrize("name", LEAKING)
def test_w21_no_error_shows_a_secret(name: str) -> None:
    """W21: neither its words nor the locals of any frame of ours, which crash reports show."""
    with pytest.raises((InvalidArgument, WebhookError)) as caught:
        LEAKING[name]()
    error = caught.value
    assert CANARY[:10] not in f"{error} {error!r} {vars(error)}"
    package = Path(smsc_async.__file__).parent
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if package in Path(frame.f_code.co_filename).parents]
    assert ours
    for frame in ours:
        for local, value in frame.f_locals.items():
            if local != "self":  # a receiver that never was made cannot show itself; what it has got so far is below
                assert CANARY[:10] not in repr(value), (local, frame.f_code.co_name)
            assert CANARY[:10] not in repr(getattr(value, "__dict__", "")), (local, frame.f_code.co_name)


def test_w21_a_receiver_shows_no_secret() -> None:
    """W21: what it expects is all that it shows."""
    made = receiver(token=OTHER, digest="md5", format="json")
    shown = f"{made!r} {made} {made._settings!r} {made._settings}"
    assert "json utf-8 md5" in repr(made)
    assert not [one for one in (SECRET, OTHER) if one in shown]
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(made._settings)
