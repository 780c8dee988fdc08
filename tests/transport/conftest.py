"""The tests of this folder run over httpcore in both kinds of loop, and over aiohttp in the kind that it knows."""

from __future__ import annotations

import pytest

from tests.transport.servers import Transport


@pytest.fixture(params=["asyncio", "trio", "aiohttp"])
def anyio_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The event loop library that a test marked ``anyio`` runs on; "aiohttp" is asyncio with the other connections."""
    monkeypatch.setattr(Transport, "over_aiohttp", request.param == "aiohttp")
    return "trio" if request.param == "trio" else "asyncio"


@pytest.fixture(params=["httpcore", "aiohttp"])
def connections(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a test of asyncio alone runs over."""
    monkeypatch.setattr(Transport, "over_aiohttp", request.param == "aiohttp")
    return str(request.param)
