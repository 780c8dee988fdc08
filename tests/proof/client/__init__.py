"""The whole client on virtual time: seeded schedules of calls, faults and cancellations, judged by a second opinion."""

from __future__ import annotations

from tests.proof.client.book import Violation
from tests.proof.client.checking import check_client
from tests.proof.client.reach import Reach

__all__ = ["Reach", "Violation", "check_client"]
