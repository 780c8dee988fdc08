"""Texts as SMS count them, and what is done to them before."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async.simulator.texts import ALPHABET, EXTENSION, cut, octet_parts, parts, shorten, transliterate

GSM_TEXTS = st.text(ALPHABET.replace("\x1b", "") + EXTENSION, max_size=700)
ANY_TEXTS = st.text(max_size=400)


def naive(text: str, places: list[int], single: int, each: int) -> int:
    """Fill parts one character after the other, as a person would."""
    if sum(places) <= single:
        return 1
    count, room = 1, each
    for size in places:
        if size > room:
            count, room = count + 1, each
        room -= size
    return count


def test_the_alphabet_has_128_places() -> None:
    """Each stands once, and none is in the extension table too."""
    assert (128, 128) == (len(ALPHABET), len(set(ALPHABET)))
    assert set() == set(ALPHABET) & set(EXTENSION)
    assert ("@", "\x1b", " ", "¡", "¿", "à") == tuple(ALPHABET[place] for place in (0, 27, 32, 64, 96, 127))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("a" * 70 + "я", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("`" * 71, 2),  # the grave accent is in neither table
        ("\t" * 71, 2),
    ],
)
def test_parts_are_counted_by_the_standard(text: str, expected: int) -> None:
    """160 and 153 places of the GSM alphabet, or 70 and 67 of UCS-2."""
    assert expected == parts(text)


def test_a_pair_is_not_split_unless_the_switch_says_so() -> None:
    """An escaped character that would begin in one part and end in the next moves there whole."""
    text = "a" * 152 + "€" + "a" * 152
    assert (3, 2) == (parts(text), parts(text, split_pairs=True))
    smileys = "я" * 66 + "😀" + "я" * 66
    assert (3, 2) == (parts(smileys), parts(smileys, split_pairs=True))


@given(GSM_TEXTS)
def test_gsm_parts_are_what_filling_gives(text: str) -> None:
    """Against a plain definition."""
    assert naive(text, [2 if c in EXTENSION else 1 for c in text], 160, 153) == parts(text)


@given(ANY_TEXTS)
def test_ucs2_parts_are_what_filling_gives(text: str) -> None:
    """Likewise, of texts with a letter that GSM does not have."""
    text = "я" + text
    assert naive(text, [len(c.encode("utf-16-le", "surrogatepass")) // 2 for c in text], 70, 67) == parts(text)


@given(ANY_TEXTS, st.integers(1, 5))
def test_a_text_is_cut_no_shorter_than_it_must_be(text: str, most: int) -> None:
    """What is left fits, and one character more would not."""
    short = cut(text, most)
    assert text.startswith(short)
    assert parts(short) <= most
    assert short == text or parts(text[: len(short) + 1]) > most


@pytest.mark.parametrize(("octets", "expected"), [(0, 1), (140, 1), (141, 2), (268, 2), (269, 3)])
def test_octets_are_counted_in_140_and_134(octets: int, expected: int) -> None:
    """Of binary messages."""
    assert expected == octet_parts(octets)


@pytest.mark.parametrize(
    ("style", "text", "expected"),
    [
        ("1", "Привіт, Щука і Ґава!", "Privit, Schuka i Gava!"),
        ("2", "транслит", "mpaHc/Ium"),
        ("1", "Hello", "Hello"),
    ],
)
def test_cyrillic_is_written_in_latin(style: str, text: str, expected: str) -> None:
    """By sound or by looks, as the vendor calls it: translit, mpaHc/Ium."""
    assert expected == transliterate(text, style)


@given(st.text("абвгґдеєжзиіїйклмнопрстуфхцчшщьюяёъыэ", max_size=30), st.sampled_from("12"))
def test_nothing_cyrillic_is_left(text: str, style: str) -> None:
    """All letters of Ukrainian and Russian are in both tables, so that the text fits into GSM."""
    written = transliterate(text + text.upper(), style)
    assert re.fullmatch(r"[\x20-\x7e]*", written)


def test_links_are_shortened() -> None:
    """Every link, and what surrounds them stays."""
    text = "see http://a.example/x?y=1, or https://b.example."
    assert ("see https://s/1, or https://s/1.", True) == shorten(text, lambda: "https://s/1")
    assert ("no link", False) == shorten("no link", lambda: "x")
