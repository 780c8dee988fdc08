"""Phones in replies."""

from __future__ import annotations

import pytest

from smsc_async._wire import ReplyFormat
from smsc_async.services.numbers import AVAILABLE
from tests.wire.reading import read

RECORD = '{"phone": %s, "type": 1, "cost": "1", "current_cost": "1", "info": ""}'


@pytest.mark.parametrize("written", ['"380950000001"', '"+380950000001"', "380950000001"])
def test_a_phone_is_its_digits_however_it_was_written(written: str) -> None:
    """A leading plus is dropped, alone and in a list of many, so that a phone of a reply is the phone of a request."""
    one = read(AVAILABLE, f"[{RECORD % written}]", ReplyFormat.JSON)
    many = read(AVAILABLE, f"[{', '.join([RECORD % written] * 3)}]", ReplyFormat.JSON)
    assert ["380950000001"] * 4 == [number.phone for number in (*one, *many)]
