"""What reading a reply can come to: plain data, a refusal, or nothing that can be read."""

from __future__ import annotations

from typing import Any, TypeAlias

import attrs

__all__ = ["Plain", "Refusal", "Undecodable"]

Plain: TypeAlias = Any  # a dict, or a list of dicts: the wire's names -> str, int, ...; ready for `_convert`


@attrs.frozen
class Refusal:
    """The gateway said no, with a number that each endpoint explains in its own way."""

    code: int
    detail: str  # the gateway's own words; empty where the format has none
    id: str | None = None  # the message that a refused sending was about


class Undecodable(Exception):
    """The body cannot be read for sure; the message is a sentence without anything that the body holds."""
