"""
What every test shares: Hypothesis profiles, and the two event loop libraries.

A test of asyncio alone is marked ``pytest.mark.asyncio`` (pytest-asyncio in strict mode: it touches what is marked, and
nothing else). A test of both asyncio and trio is marked ``pytest.mark.anyio`` and runs once on each, through the
fixture ``anyio_backend`` below; to name one, ``pytest.mark.parametrize("anyio_backend", ["trio"])``. Never both marks.
An async fixture for asyncio tests is made with ``pytest_asyncio.fixture``, one for anyio tests with ``pytest.fixture``
and the argument ``anyio_backend``.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# No deadlines: the machine may be busy with something else, and speed has its own benchmarks.
settings.register_profile("dev", deadline=None, max_examples=50)
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=100,
    derandomize=True,  # a build is red for a reason in its own diff
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", deadline=None, max_examples=5_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop library that a test marked ``anyio`` runs on."""
    return str(request.param)
