"""What these tests share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.canaries import RUN
from tests.e2e.processes import process

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def gateway() -> Iterator[str]:
    """The address of a gateway in a process of its own; fast, but for its minute."""
    words = ("--json", "--quiet", "--login", RUN.login, "--password", RUN.password)
    with process("-m", "smsc_async.simulator", *words) as line:
        yield json.loads(line)["url"]
