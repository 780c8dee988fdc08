"""Samples to figures: a median with its quartiles, the target beside it, and whether it was met."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Figure", "Target", "at_least", "at_most", "exactly", "ratios", "spread"]


@dataclass(frozen=True)
class Target:
    """What a figure should be; *text* is how people read it."""

    text: str
    least: float = -math.inf
    most: float = math.inf

    def met(self, value: float) -> bool:
        """Tell whether *value* is as it should be."""
        return self.least <= value <= self.most


def at_most(value: float) -> Target:
    """Ask for no more than *value*."""
    return Target(f"≤ {value:g}", most=value)


def at_least(value: float) -> Target:
    """Ask for no less than *value*."""
    return Target(f"≥ {value:g}", least=value)


def exactly(value: float) -> Target:
    """Ask for *value* itself."""
    return Target(f"= {value:g}", least=value, most=value)


@dataclass(frozen=True)
class Figure:
    """One measured number: the median of the rounds, and between what half of them lay."""

    value: float
    low: float
    high: float
    unit: str = ""
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Tell whether the target was met; None where there is none."""
        return None if self.target is None else self.target.met(self.value)

    def __str__(self) -> str:
        """Show it as a table does."""
        text = _number(self.value)
        if self.low != self.high:
            text += f" ({_number(self.low)} to {_number(self.high)})"
        if self.target is not None:
            text += f"; target {self.target.text}" + ("" if self.met else ", **missed**")
        return text

    def as_json(self) -> dict[str, object]:
        """Give what machines read."""
        known: dict[str, object] = {"median": self.value, "quartiles": [self.low, self.high], "unit": self.unit}
        if self.target is not None:
            known |= {"target": self.target.text, "met": self.met}
        return known


def spread(samples: Sequence[float], unit: str = "", target: Target | None = None) -> Figure:
    """Give the median and the quartiles of *samples*."""
    if len(samples) < 2:
        low = high = samples[0]
    else:
        low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
    return Figure(statistics.median(samples), low, high, unit, target)


def ratios(ours: Sequence[float], theirs: Sequence[float], target: Target | None = None) -> Figure:
    """Give the median of the rounds' ratios: what slows a whole round down does not move it."""
    return spread([one / other for one, other in zip(ours, theirs, strict=True)], "ratio", target)


def _number(value: float) -> str:
    if math.isinf(value) or math.isnan(value):
        return "–"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) >= 100 else _small(value)


def _small(value: float) -> str:
    for digits in (1, 2, 3):
        if abs(value) >= 10 ** (2 - digits):
            return f"{value:.{digits}f}"
    return f"{value:.2g}"
