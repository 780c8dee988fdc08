from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.webhooks.stores.making import KINDS, made

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from smsc_async.webhooks.stores import Store


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, anyio_backend: str, tmp_path: Path) -> AsyncIterator[Store]:
    """A store of each kind, on each event loop library."""
    store = made(request.param, tmp_path)
    yield store
    await store.aclose()
