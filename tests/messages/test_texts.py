"""Texts: the SMS they take are counted by the standard, and what means something to the gateway is no text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc_async.errors import InvalidArgument, InvalidArgumentType
from smsc_async.texts import LONGEST, Encoding, Parts, checked_comment, checked_text, parts, with_comment

GSM, UCS2 = Encoding.GSM_7BIT, Encoding.UCS2

# 3GPP TS 23.038, table 6.2.1 in its order, without the escape at 0x1B; and table 6.2.1.1. Typed from the standard.
BASE = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"


def test_the_tables_of_this_test_are_whole() -> None:
    """The alphabet has 127 characters besides the escape, and ten more behind it."""
    assert (127, 10, 137) == (len(BASE), len(EXTENSION), len({*BASE, *EXTENSION}))


@pytest.mark.parametrize("character", BASE)
def test_a_character_of_the_alphabet_takes_one_place(character: str) -> None:
    """Each of the 127 characters is one septet."""
    assert Parts(1, GSM, 1, 159) == parts(character)


@pytest.mark.parametrize("character", EXTENSION)
def test_a_character_of_the_extension_takes_two_places(character: str) -> None:
    """Each of the ten characters of the extension is an escape and a septet."""
    assert Parts(1, GSM, 2, 158) == parts(character)


@pytest.mark.parametrize(
    "character", ["ç", "Á", "і", "А", "Α", "`", "\t", "\xa0", "\x1b", "\x00", "’", "№", "₴", "\u2028"]
)
def test_any_other_character_makes_the_text_ucs2(character: str) -> None:
    """What the alphabet lacks, look-alikes and the escape itself included, costs the whole text its 7 bits."""
    assert Parts(1, UCS2, 4, 66) == parts(f"ab{character}c")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Parts(1, GSM, 0, 160)),
        ("a" * 160, Parts(1, GSM, 160, 0)),
        ("a" * 161, Parts(2, GSM, 161, 145)),
        ("a" * 306, Parts(2, GSM, 306, 0)),
        ("a" * 307, Parts(3, GSM, 307, 152)),
        ("€" * 80, Parts(1, GSM, 160, 0)),
        ("€" * 80 + "a", Parts(2, GSM, 161, 144)),  # 76 in the first part, whose last septet stays free
        ("a" * 152 + "€" + "a" * 7, Parts(2, GSM, 161, 144)),  # the escape would be the first part's last septet
        ("a" * 151 + "€" + "a" * 8, Parts(2, GSM, 161, 145)),
        ("€" * 152, Parts(2, GSM, 304, 1)),
        ("€" * 153, Parts(3, GSM, 306, 151)),  # 306 septets would be two parts, were a character cut in two
        ("ї" * 70, Parts(1, UCS2, 70, 0)),
        ("ї" * 71, Parts(2, UCS2, 71, 63)),
        ("ї" * 134, Parts(2, UCS2, 134, 0)),
        ("ї" * 135, Parts(3, UCS2, 135, 66)),
        ("😀" * 35, Parts(1, UCS2, 70, 0)),
        ("😀" * 36, Parts(2, UCS2, 72, 61)),  # 33 in the first part, whose last place stays free
        ("😀" * 67, Parts(3, UCS2, 134, 65)),
        ("ї" * 66 + "😀" + "ї" * 3, Parts(2, UCS2, 71, 62)),
        ("€" * 70 + "ї", Parts(2, UCS2, 71, 63)),  # in 16 bits the sign takes one place
        ("a\r\nb", Parts(1, GSM, 3, 157)),  # as it is sent
        ("\uffff", Parts(1, UCS2, 1, 69)),
        ("\U00010000", Parts(1, UCS2, 2, 68)),
    ],
)
def test_parts_are_counted_by_the_standard(text: str, expected: Parts) -> None:
    """Texts around the bounds of parts take what was counted by hand."""
    assert expected == parts(text)


def octets_of(text: str) -> tuple[int, int]:
    """Count on real octets: the places of *text*, and its parts, filled by a walk over them."""
    if set(text) <= {*BASE, *EXTENSION}:
        glyphs = [2 if character in EXTENSION else 1 for character in text]
        single, several = 140 * 8 // 7, (140 - 6) * 8 // 7
    else:
        glyphs = [len(character.encode("utf-16-be")) // 2 for character in text]
        single, several = 140 // 2, (140 - 6) // 2
    if sum(glyphs) <= single:
        return sum(glyphs), 1
    filled = [0]
    for glyph in glyphs:
        if filled[-1] + glyph > several:
            filled.append(0)
        filled[-1] += glyph
    return sum(glyphs), len(filled)


SEVEN = st.sampled_from([*BASE.replace("\r", ""), *EXTENSION * 3])
ANY = st.characters(exclude_categories=["Cs"], exclude_characters="\r")


@given(st.text(SEVEN, max_size=400) | st.text(ANY, max_size=200) | st.text(st.sampled_from("aї😀€"), max_size=300))
def test_parts_agree_with_an_independent_count(text: str) -> None:
    """Places and parts are what 140 octets with a header of 6 hold, whatever the text."""
    found = parts(text)
    assert octets_of(text) == (found.units, found.count)
    assert 0 <= found.left < found.units + 161


@given(st.text(ANY, max_size=200), st.text(ANY, max_size=3))
def test_more_text_never_takes_fewer_parts(text: str, more: str) -> None:
    """Adding to a text does not make it cheaper."""
    assert parts(text).count <= parts(text + more).count


@given(st.text(SEVEN | st.sampled_from("ї😀"), min_size=1, max_size=400))
def test_what_is_left_is_really_free(text: str) -> None:
    """As many small characters as are said to be free fit into the last part, and one more does not."""
    found = parts(text)
    small = "a" if found.encoding is GSM else "ї"
    assert found.count == parts(text + small * found.left).count
    if found.count > 1:
        assert found.count + 1 == parts(text + small * (found.left + 1)).count


@pytest.mark.parametrize("value", [None, b"text", 1, ["t"]])
def test_only_a_str_has_parts(value: Any) -> None:
    """What is no text is refused by its type."""
    with pytest.raises(InvalidArgumentType, match="must be a str"):
        parts(value)


# Texts that are refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["CALL", "VIBER", "SOC", "PING", "HLR"])
@pytest.mark.parametrize("written", ["__{}__", "__{}__ text", " __{}__x", "\n\n__{}__x", "\xa0__{}__"])
@pytest.mark.parametrize("fold", [str.upper, str.lower, str.title])
def test_a_prefix_that_makes_another_kind_is_refused(prefix: str, written: str, fold: Any) -> None:
    """Each of the gateway's five prefixes is refused at the beginning, in any case and behind any blanks."""
    with pytest.raises(InvalidArgument, match="another kind"):
        checked_text(fold(written.format(prefix)))


@pytest.mark.parametrize("text", ["a __HLR__", "__HLR", "_HLR__", "__SMS__", "HLR__", "__HLR _", "_ _HLR__"])
def test_what_is_no_prefix_is_text(text: str) -> None:
    """Elsewhere in a text, or cut short, the same words are words."""
    assert text == checked_text(text)


@pytest.mark.parametrize(
    "text", ["~~~\nx", "x\n~~~", "x\n~~~\ny", "x\n ~~~ \ny", "x\r\n~~~\r\ny", "~~~", "x\n~~~\n~~~"]
)
def test_a_line_that_begins_a_comment_is_refused(text: str) -> None:
    """What would follow such a line is no text to the gateway, so the subscriber would not get it."""
    with pytest.raises(InvalidArgument, match="comment"):
        checked_text(text)


@pytest.mark.parametrize("text", ["x ~~~ y", "x\n~~~~\ny", "x\n~~\ny", "~~~ x", "x ~~~"])
def test_waves_that_are_no_line_of_their_own_are_text(text: str) -> None:
    """Three waves among words are words."""
    assert text == checked_text(text)


CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0xD800, 0xDFFF) if chr(code) != "\n"]


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("place", ["{}x", "x{}y", "x{}", "x\n{}"])
def test_what_cannot_be_sent_is_refused(control: str, place: str) -> None:
    """Controls and halves of surrogate pairs are refused anywhere in a text, by their number."""
    with pytest.raises(InvalidArgument, match=r"U\+[0-9A-F]{4}|surrogate"):
        checked_text(place.format(control))


@pytest.mark.parametrize("text", ["", " ", "\n", "\r\n", " \n\xa0\n\u2003"])
def test_an_empty_text_is_refused(text: str) -> None:
    """Nothing, and nothing but blanks, is no message."""
    with pytest.raises(InvalidArgument, match="is empty"):
        checked_text(text)


def test_a_carriage_return_before_a_line_break_is_dropped() -> None:
    """Lines of Windows are the same text; a carriage return alone is a control."""
    assert "a\nb\n" == checked_text("a\r\nb\r\n")
    with pytest.raises(InvalidArgument, match="carriage return"):
        checked_text("a\rb")
    with pytest.raises(InvalidArgument, match="carriage return"):
        checked_text("a\r\r\nb")


def test_the_longest_text_has_a_thousand_characters() -> None:
    """The bound counts characters as they are sent, and can be lifted."""
    assert 1_000 == LONGEST
    for longest in ("ї" * 1_000, "😀" * 1_000, "a" * 998 + "\r\nb"):
        assert 1_000 == len(checked_text(longest))
    with pytest.raises(InvalidArgument, match="has 1001 characters; the gateway takes 1000"):
        checked_text("a" * 1_001)
    assert "a" * 5_000 == checked_text("a" * 5_000, longest=None)


@pytest.mark.parametrize("value", [None, b"x", 1, ["x"], object()])
def test_a_text_is_a_str(value: object) -> None:
    """Anything else is refused by its type, under the argument's name."""
    with pytest.raises(InvalidArgumentType, match=r"^note: must be a str"):
        checked_text(value, "note")


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_a_text_comes_out_as_it_went_in_or_not_at_all(text: str) -> None:
    """Of any text either the very words are sent, or none."""
    try:
        checked = checked_text(text)
    except InvalidArgument:
        return
    assert text.replace("\r\n", "\n") == checked


# Comments -----------------------------------------------------------------------------------------------------------


def test_a_comment_stands_behind_a_line_of_waves() -> None:
    """The comment follows the text after the separator; without one there is the text alone."""
    assert "words\n~~~\norder 5" == with_comment("words", checked_comment("  order 5 "))
    assert "words" == with_comment("words", None)


@pytest.mark.parametrize("comment", ["", "  ", "~~~", " ~~~ ", "a\nb", "a\r\nb", "a\n~~~\nb", "a\tb", "\ud800"])
def test_a_comment_that_would_not_come_back_is_refused(comment: str) -> None:
    """Empty ones, lines of waves, line breaks and controls are no comment."""
    with pytest.raises(InvalidArgument, match=r"^comment: "):
        checked_comment(comment)


@pytest.mark.parametrize("comment", [None, 5, b"x"])
def test_a_comment_is_a_str(comment: object) -> None:
    """Anything else is refused by its type."""
    with pytest.raises(InvalidArgumentType, match=r"^comment: "):
        checked_comment(comment)
