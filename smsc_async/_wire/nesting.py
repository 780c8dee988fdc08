"""How deep a text in JSON nests: Python's reader gives up somewhere, and not everywhere in the same way."""

from __future__ import annotations

import re
from typing import Final

from smsc_async._wire.outcome import Undecodable

__all__ = ["check_nesting"]

# A string (perhaps without its end, or each quote in it would be looked at anew), or a bracket.
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+["\\]?|[\[\]{}]', re.DOTALL)


def check_nesting(text: str, most: int) -> None:
    """
    Look at the brackets in *text*, which need not be JSON.

    Raises:
        Undecodable: They nest deeper than *most*.
    """
    depth = 0
    for token in _TOKEN.finditer(text):
        bracket = token.group()
        if bracket in "[{":
            depth += 1
            if depth > most:
                raise Undecodable(f"JSON that nests deeper than {most}")
        elif bracket in "]}":
            depth -= 1
