"""The mutants that are judged to change nothing that matters, each with the reason."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import attrs

__all__ = ["Equivalent", "equivalents"]

_LIST: Final = Path(__file__).with_name("equivalent.toml")


@attrs.frozen
class Equivalent:
    """A mutant's name, and why no test can notice it, or should."""

    name: str
    why: str


def equivalents() -> dict[str, list[Equivalent]]:
    """Give them by module."""
    return {
        room: [Equivalent(name, judgement["why"]) for judgement in judgements for name in judgement["mutants"]]
        for room, judgements in tomllib.loads(_LIST.read_text(encoding="utf-8")).items()
    }
