"""Those who take callbacks in the benchmarks do the same work on the same bytes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import attrs
import pytest

from benchmarks.receivers import bare, obvious, ours, ours_durable
from benchmarks.receivers.posted import KINDS, SIZE, body, forged
from benchmarks.receivers.serving import Tally
from smsc_async.errors import SignatureMismatch

SERVERS = (obvious, ours)  # those that look at what they get, and answer when it was handled


def bodies(kind: str, many: int = 50) -> list[bytes]:
    """Give that many, each another one."""
    chance = random.Random(kind)
    return [body(KINDS[kind](chance, 1_000 + number)) for number in range(many)]


async def post(app: Any, octets: bytes) -> int:
    """Post to an ASGI app as a server does; give the status of its answer."""
    headers = [(b"content-length", str(len(octets)).encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": octets, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return int(sent[0]["status"])


@pytest.mark.parametrize("kind", ["message", "long_status"])
def test_bodies_have_the_size_that_the_page_names(kind: str) -> None:
    """Bodies that are posted to servers have 600 bytes, or a few less, and no two are the same."""
    made = bodies(kind)
    assert [] == [len(octets) for octets in made if not SIZE - 5 <= len(octets) <= SIZE]
    assert len(made) == len(set(made))


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_obvious_way_makes_our_values(kind: str) -> None:
    """Neither reader makes less of a callback than the other."""
    read = ours.receiver().parse
    for octets in bodies(kind):
        assert attrs.asdict(read(octets), recurse=False) == attrs.asdict(obvious.parse(octets), recurse=False)


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_other_formats_hold_the_same_values(form: str, kind: str) -> None:
    """What is measured in XML and in JSON is what is measured as a form."""
    fields = KINDS[kind](random.Random(form), 7)
    assert obvious.parse(body(fields)) == ours.receiver(form).parse(body(fields, form))


@pytest.mark.parametrize("kind", list(KINDS))
def test_forged_callbacks_are_refused_by_both(kind: str) -> None:
    """Neither reader takes the digest of another callback."""
    octets = body(forged(KINDS[kind](random.Random(3), 7)))
    with pytest.raises(obvious.Forged):
        obvious.parse(octets)
    with pytest.raises(SignatureMismatch):
        ours.receiver().parse(octets)


@pytest.mark.asyncio
@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.__name__.rpartition(".")[2])
async def test_a_repeat_is_acknowledged_and_not_handled(server: Any, tmp_path: Path) -> None:
    """The obvious handler does what ours does: each event once, nothing forged, nothing that is no callback."""
    tally = Tally()
    app = server.made(tally, tmp_path)
    message, status = bodies("message", 1)[0], bodies("long_status", 1)[0]
    altered = body(forged(KINDS["status"](random.Random(3), 7)))
    answers = [await post(app, octets) for octets in (message, message, status, altered, b"a=b")]
    assert [200, 200, 200, 403, 400] == answers
    assert (2, 2_000) == (tally.events, tally.ids)


@pytest.mark.asyncio
async def test_the_durable_receiver_acknowledges_before_it_handles(tmp_path: Path) -> None:
    """So its rate until all were handled is another figure, and the file is where it was told to be."""
    tally = Tally()
    app = ours_durable.made(tally, tmp_path)
    assert 200 == await post(app, bodies("message", 1)[0])
    assert 0 == tally.events
    assert (tmp_path / "events.db").exists()
    await app._delivery.store.aclose()


@pytest.mark.asyncio
async def test_the_bare_app_looks_at_nothing(tmp_path: Path) -> None:
    """It reads what comes, and says OK."""
    tally = Tally()
    assert 200 == await post(bare.made(tally, tmp_path), b"anything")
    assert 1 == tally.events
