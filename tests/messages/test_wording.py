"""The gateway's numbers in words, in both languages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async._wording import DELIVERY_ERRORS, MESSAGE_STATUSES
from smsc_async.errors import InvalidArgument
from smsc_async.statuses import DeliveryError, MessageStatus

# The numbers of section 4 of the vendor's facts, typed again.
STATUSES = {-3, -2, -1, 0, 1, 2, 3, 4, 6, 20, 22, 23, 24, 25}
ERRORS = {0, 1, 6, 11, 12, 13, 21, 200, 219, 220, *range(237, 256)}
EVERY = [*MessageStatus, *DeliveryError]
CYRILLIC = re.compile("[а-яґєії]", re.IGNORECASE)
RUSSIAN = re.compile("[ыэъё]", re.IGNORECASE)


def test_the_tables_hold_the_documented_numbers() -> None:
    """Each documented number has a member and words, and no others have."""
    assert STATUSES == set(MESSAGE_STATUSES) == {int(status) for status in MessageStatus}
    assert ERRORS == set(DELIVERY_ERRORS) == {int(error) for error in DeliveryError}


@pytest.mark.parametrize("member", EVERY, ids=str)
def test_every_number_has_words_in_both_languages(member: MessageStatus | DeliveryError) -> None:
    """English words hold no Cyrillic letter, Ukrainian ones do, and none that Ukrainian lacks."""
    english, ukrainian = member.describe("en"), member.describe("uk")
    assert english == member.describe()
    assert english.strip() == english
    assert ukrainian.strip() == ukrainian
    assert "unknown" not in english
    assert not CYRILLIC.search(english)
    assert CYRILLIC.search(ukrainian)
    assert not RUSSIAN.search(ukrainian)


@pytest.mark.parametrize("words", [MESSAGE_STATUSES, DELIVERY_ERRORS], ids=["statuses", "errors"])
def test_no_two_numbers_have_the_same_words(words: dict[int, tuple[str, str]]) -> None:
    """Whoever reads the words can tell the numbers apart, in either language."""
    for language in (0, 1):
        assert len(words) == len({pair[language] for pair in words.values()})


@given(st.integers(-(10**9), 10**9), st.sampled_from([MessageStatus, DeliveryError]))
def test_a_number_without_a_name_is_described_by_itself(number: int, cls: Any) -> None:
    """Numbers that the gateway may add one day are shown as what they are."""
    member = cls(number)
    if number in {*STATUSES, *ERRORS}:
        return
    assert f"unknown number {number}" == member.describe("en")
    assert f"невідомий номер {number}" == member.describe("uk")


@pytest.mark.parametrize("language", ["ru", "EN", "", None, 0, 1, b"en"])
def test_another_language_is_refused(language: Any) -> None:
    """There are two, by their codes, for known and unknown numbers alike."""
    for member in (MessageStatus.DELIVERED, MessageStatus(99), DeliveryError.SPAM):
        with pytest.raises(InvalidArgument, match=r"^language: "):
            member.describe(language)
