"""How a reply is described: what is named, what may be left out, and what makes two descriptions the same."""

from __future__ import annotations

from typing import Any

import pytest

from smsc_async._wire import Field, Layout, Shape
from smsc_async._wire.shape import Holds


@pytest.mark.parametrize("options", [["number"], [Holds.PLAIN, "number"]])
def test_what_is_said_of_a_field_beside_what_it_holds_is_named(options: list[object]) -> None:
    """Names and a flag in a row would be mixed up."""
    make: Any = Field
    assert "id" == make("id", *options[:-1]).name
    with pytest.raises(TypeError):
        make("id", Holds.PLAIN, *options)


def test_a_field_is_required_and_has_the_gateways_name_unless_it_says_otherwise() -> None:
    """Most are, and have."""
    plain, named = Field("id"), Field("id", attribute="number", optional=True, heads="all")
    assert ("id", False, "") == (plain.name, plain.optional, plain.heads)
    assert ("number", True, "all") == (named.name, named.optional, named.heads)


def test_what_is_said_of_a_reply_is_named() -> None:
    """And a reply without tags has none."""
    make: Any = Shape
    with pytest.raises(TypeError):
        make(Layout.OK)
    assert ("", "", (), False) == (Shape.OK.root, Shape.OK.item, Shape.OK.fields, Shape.OK.bare)


def test_descriptions_are_told_apart_by_identity() -> None:
    """Comparing all of their fields would take longer than what they are looked up for."""
    assert Field("id") != Field("id")
    assert Shape.record("reply") != Shape.record("reply")
    assert 2 == len({Field("id"), Field("id")})
