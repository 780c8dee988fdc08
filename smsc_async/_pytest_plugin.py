"""The pytest plugin: fixtures by name only, which cost nothing where nobody asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smsc_async.testing import SimulatedGateway

__all__ = ["smsc_gateway"]


@pytest.fixture
def smsc_gateway() -> Iterator[SimulatedGateway]:
    """Run a simulated gateway on loopback, with a minute of 0.2 s."""
    from smsc_async.testing import SimulatedGateway  # noqa: PLC0415 - every pytest run loads this module

    with SimulatedGateway() as gateway:
        yield gateway
