"""Every other reading of the vendor's text, one doubt at a time, to run a test over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import attrs

from smsc_async.simulator.switches import Switches

#: The switches that decide whether error 9 comes; a strict client must not get it under any of them.
COUNTING: Final = (
    "refused_counts",
    "identical",
    "rounding",
    "inclusive",
    "counted_at",
    "trailing",
    "clock_rate",
    "separate_hosts",
    "identical_sends",
    "delete_counts",
)

#: Other values for switches that are no choice among words.
OTHERS: Final[dict[str, tuple[Any, ...]]] = {
    "trailing": (0.25,),  # reliability.md, assumption A4
    "clock_rate": (0.999, 1.001),  # likewise
    "csv_delimiter": (",", "\t"),
    "comment_line": ("", "---"),
    "callback_root": ("request",),
    "callback_patience": (5.0,),
    "inbox_hours": (168.0,),
    "inbox_root": ("answer",),
    "refusal_texts": ({"duplicate": "помилка", "concurrency": "помилка"},),
}


def readings(*names: str) -> dict[str, Switches]:
    """
    Give the switches with one of them set differently, by a name such as ``"rounding=floor"``.

    Args:
        names: The switches to vary; all of them where none is named. `COUNTING` names those about limits.
    """
    hints = get_type_hints(Switches)
    return dict(_readings(names or tuple(hints), hints))


def _readings(names: tuple[str, ...], hints: dict[str, Any]) -> Iterator[tuple[str, Switches]]:
    usual = Switches()
    for name in names:
        for value in _values(name, hints[name]):
            if value != getattr(usual, name):
                yield f"{name}={value}", attrs.evolve(usual, **{name: value})


def _values(name: str, hint: Any) -> tuple[Any, ...]:
    if hint is bool:
        return (False, True)
    if get_origin(hint) is Literal:
        return get_args(hint)
    return OTHERS[name]
