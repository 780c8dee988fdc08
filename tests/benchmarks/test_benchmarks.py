"""The benchmarks still run: each measures next to nothing, once; what comes out means nothing and is not looked at."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import PAGE, ROWS
from benchmarks.harness.figures import Figure, at_least, at_most, exactly, ratios, spread
from benchmarks.harness.tables import Table, faster
from benchmarks.rows.limiting import worst_minute

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[dict[str, Any], str]]:
    """Give what measures a row, once: the row's results, and what the page shows of it."""

    @functools.cache
    def measure(row: str) -> tuple[dict[str, Any], str]:
        folder = tmp_path_factory.mktemp(row)
        command = [sys.executable, "-m", "benchmarks", row, "--quick", "--into", str(folder)]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
        assert 0 == run.returncode, run.stderr
        page = (folder / PAGE.name).read_text()
        shown = re.search(rf"<!-- {row}: begin -->\n(.*?)<!-- {row}: end -->", page, re.DOTALL)
        assert shown
        return json.loads((folder / "results.json").read_text())[row]["rows"], shown[1]

    return measure


@pytest.mark.parametrize("row", ROWS)
def test_each_row_measures_and_writes(row: str, measured: Callable[[str], tuple[dict[str, Any], str]]) -> None:
    """A row runs with every contender that is installed, each gets the right values, and its table is in the page."""
    rows, shown = measured(row)
    assert rows
    assert [] == [label for label in rows if f"\n| {label} |" not in shown]


def test_the_guards_worst_minute_is_the_limit(measured: Callable[[str], tuple[dict[str, Any], str]]) -> None:
    """On virtual time, where no machine is slow, the guard's column shows the limits themselves."""
    ours = measured("limiters")[0]["smsc_async"]
    worst = [figure["median"] for column, figure in ours.items() if column.startswith("worst minute")]
    assert [2, 3, 50] == worst


def test_the_page_has_a_place_for_each_row() -> None:
    """Each row, and the machine, has its markers in the page, once."""
    places = re.findall(r"^<!-- (\w+): begin -->$", PAGE.read_text(), re.MULTILINE)
    assert sorted([*ROWS, "machine"]) == sorted(places)


def test_the_worst_minute_is_half_open() -> None:
    """Two moments a whole minute apart are not in one minute."""
    assert 2 == worst_minute([0.0, 59.999, 60.0])
    assert 1 == worst_minute([60.0, 0.0])
    assert 0 == worst_minute([])


def test_a_ratio_is_formed_in_each_round() -> None:
    """A round in which everything took twice as long changes no ratio."""
    assert Figure(0.5, 0.5, 0.5, "ratio") == ratios([1.0, 2.0, 1.0], [2.0, 4.0, 2.0])


def test_a_figure_shows_its_target_and_a_miss() -> None:
    """A target stands beside the figure; one that was missed says so."""
    assert "0.500; target ≤ 0.55" == str(spread([0.5], target=at_most(0.55)))
    assert "0.500; target ≥ 0.9, **missed**" == str(spread([0.5], target=at_least(0.9)))
    assert "3; target = 2, **missed**" == str(spread([3], target=exactly(2)))


def test_who_beats_us_is_named() -> None:
    """Peers with less of what less is better of are named, the best first."""
    peers = [("slow", 3.0), ("fast", 1.0), ("faster", 0.5)]
    assert ["Better than ours in µs: faster (0.5), fast (1)."] == faster(2.0, peers, what="µs")
    assert [] == faster(0.1, peers, what="µs")


def test_missed_targets_are_listed() -> None:
    """The summary names table, line and column of each miss."""
    table = Table("calls", ("client", "CPU"))
    table.add("ours", spread([0.6], target=at_most(0.55)))
    table.add("theirs", spread([1.0]))
    assert ["calls: ours, CPU: 0.600; target ≤ 0.55, **missed**"] == table.missed()
