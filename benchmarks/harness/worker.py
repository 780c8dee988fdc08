"""
A contender's own process: it loads one job and does what it is asked, a line of JSON at a time.

So no contender pays for what another has loaded, allocated or left to the garbage collector.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Serve until the input ends."""
    spec: dict[str, Any] = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not come between the answers
    for name in spec["without"]:
        sys.modules[name] = None  # type: ignore[assignment]  # so that importing it fails, as if it were not installed
    with asyncio.Runner(loop_factory=_loops(spec["loop"])) as runner:
        module = importlib.import_module(spec["module"])
        job = getattr(module, spec["job"])(**spec["settings"])
        for line in sys.stdin:
            request = json.loads(line)
            answer = runner.run(getattr(job, request.pop("do"))(**request))
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
        if hasattr(job, "aclose"):
            runner.run(job.aclose())


def _loops(kind: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if kind == "asyncio":
        return None
    if kind == "virtual":
        return importlib.import_module("benchmarks.harness.virtual").install()  # type: ignore[no-any-return]
    return importlib.import_module(kind).new_event_loop  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
