"""
What every test shares: Hypothesis profiles, and the two event loop libraries.

A test of asyncio alone is marked ``pytest.mark.asyncio`` (pytest-asyncio in strict mode: it touches what is marked, and
nothing else). A test of both asyncio and trio is marked ``pytest.mark.anyio`` and runs once on each, through the
fixture ``anyio_backend`` below; to name one, ``pytest.mark.parametrize("anyio_backend", ["trio"])``. Never both marks.
An async fixture for asyncio tests is made with ``pytest_asyncio.fixture``, one for anyio tests with ``pytest.fixture``
and the argument ``anyio_backend``.

Under all of them is the net of `tests.net`: no log record at DEBUG, output, warning or file may hold the run's canaries
(`tests.canaries`), with which the simulated gateway's sessions are made.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from smsc_async.testing import SimulatedGateway
from tests import net
from tests.canaries import RUN

pytest_plugins = ["pytester"]  # the net is tested in runs of its own

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


# The simulated gateway's account has the run's canaries, for which `tests.net` searches all that the tests let out.
SimulatedGateway.LOGIN, SimulatedGateway.PASSWORD = RUN.login, RUN.password


# Long, and much the same on every Python: proofs, and whole programs.
ONCE = ("benchmarks", "e2e", "proof", "workshop")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whole folders ``once``."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).parts[0] in ONCE:
            item.add_marker(pytest.mark.once)


def pytest_configure(config: pytest.Config) -> None:
    """Spread the net under all tests."""
    if not config.pluginmanager.is_registered(net):
        config.pluginmanager.register(net, "tests.net")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop library that a test marked ``anyio`` runs on."""
    return str(request.param)
