"""The demo as a program: ``python -m smsc_async.demo``."""

from __future__ import annotations

import argparse
import signal
import sys
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

FAILED: Final = 1
UNUSABLE: Final = 2  # what argparse says too
STOPPED: Final = 130  # what shells say of a program that Ctrl-C ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when every figure is as it should be."""
    options = _parser().parse_args(arguments)
    if lacking := _lacking(options.backend):
        print(lacking, file=sys.stderr)
        return UNUSABLE
    from smsc_async.demo.stage import Stage  # noqa: PLC0415 - it needs the extra
    from smsc_async.demo.story import FAST, FULL, play  # noqa: PLC0415 - likewise

    pace = FAST if options.fast else FULL
    stage = Stage(sys.stdout, pause=pace.pause)
    interrupted = False
    try:
        interrupted = anyio.run(_uninterrupted, partial(play, stage, pace), backend=options.backend)
    except* KeyboardInterrupt:  # before the loop listened, or after; trio brings it in a group
        interrupted = True
    if interrupted:
        stage.stopped()
    return STOPPED if stage.is_stopped else FAILED if stage.problems else 0


async def _uninterrupted(work: Callable[[], Awaitable[object]]) -> bool:
    """Do *work* until it is done or Ctrl-C cancels it, which then is True; an interrupt strikes between two steps."""
    if sys.platform == "win32":  # no signal receivers there
        await work()
        return False
    interrupted = False
    async with anyio.create_task_group() as tasks:

        async def listen() -> None:
            nonlocal interrupted
            with anyio.open_signal_receiver(signal.SIGINT) as signals:
                async for _ in signals:
                    interrupted = True
                    tasks.cancel_scope.cancel()

        tasks.start_soon(listen)
        await work()
        tasks.cancel_scope.cancel()
    return interrupted


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m smsc_async.demo",
        description="Show the main job against a simulated gateway. Nothing leaves this machine, and no money is real.",
    )
    parser.add_argument("--fast", action="store_true", help="shorter, without pauses for reading")
    parser.add_argument(
        "--backend", choices=["asyncio", "trio"], default="asyncio", help="event loop library (default: %(default)s)"
    )
    return parser


def _lacking(backend: str) -> str:
    """Say in a sentence what is not installed; empty where all is there."""
    for modules, extra in ((("rich", "uvicorn"), "demo"), ((backend,), backend)):
        if absent := [module for module in modules if find_spec(module) is None]:
            return f"The demo needs {' and '.join(absent)}: pip install 'smsc-async[{extra}]'"
    return ""


if __name__ == "__main__":
    sys.exit(main())
