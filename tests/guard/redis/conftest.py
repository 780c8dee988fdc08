"""Servers for the tests of the guard of many machines: Valkey from its wheel, and Redis where it is installed."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from smsc_async.guard import _redis_link, _redis_links, _redis_script
from tests.guard.redis.moved import MovedServer
from tests.guard.redis.servers import Server, binaries
from tests.proof.redis.differential import on_a_moved_clock
from tests.proof.redis.wrong import chosen

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = binaries()
if "SMSC_ONE_SERVER" in os.environ:  # the wrong scripts are asked about on one
    KINDS = dict(list(KINDS.items())[:1])


@pytest.fixture(scope="session", params=KINDS)
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server for many tests."""
    with Server(KINDS[request.param]) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    """A server that knows nothing."""
    running.client().flushall()
    return running


@pytest.fixture(params=KINDS)
def own_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of the test's own, to be killed."""
    with Server(KINDS[request.param]) as server:
        yield server


@pytest.fixture
def moved(server: Server, monkeypatch: pytest.MonkeyPatch) -> MovedServer:
    """A server whose time is moved by the test, with that of the clock beside it."""
    script = on_a_moved_clock(chosen())
    monkeypatch.setattr(_redis_script, "SCRIPT", script)
    monkeypatch.setattr(_redis_links, "SCRIPT", script)
    monkeypatch.setattr(_redis_script, "SHA", hashlib.sha1(script.encode()).hexdigest().encode())
    assert _redis_link.by_digest is _redis_script.by_digest
    return MovedServer(server, script)
