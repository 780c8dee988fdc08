"""Following many messages takes few requests, and tells of each within the bounds of its documentation."""

from __future__ import annotations

import anyio

from tests.proof.following.__main__ import measure, one_by_one, together

MANY = 120


def test_many_messages_are_followed_by_a_request_a_minute() -> None:
    """Ten minutes of deliveries are eleven requests for all of them together; one by one they are thousands."""
    at_once, singly = (anyio.run(measure, MANY, way, backend="trio") for way in (together, one_by_one))
    assert (11, 11) == (at_once["requests for statuses"], at_once["of them for many at once"])
    assert at_once["seconds after the last was delivered"] <= 62
    assert singly["requests for statuses"] > 100 * at_once["requests for statuses"]
