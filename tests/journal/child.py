"""
Processes with a journal, for `test_processes`.

::

    python -m tests.journal.child leave PATH
    python -m tests.journal.child end PATH
    python -m tests.journal.child fork PATH
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from tests.journal.accounts import PHONE, session

if TYPE_CHECKING:
    from smsc_async import Session

BOUGHT = {"phone": PHONE, "cost": "30.00"}


def _die() -> object:
    os.kill(os.getpid(), signal.SIGKILL)
    return BOUGHT


async def leave(path: Path) -> None:
    """Be killed as the gateway has the request."""
    await session(path, _die).numbers.rent(PHONE)


async def end(path: Path) -> None:
    """Rent, and end without closing anything."""
    await session(path, BOUGHT).numbers.rent(PHONE)


async def _rent(smsc: Session, phone: str) -> None:
    await smsc.numbers.rent(phone)


async def _count(smsc: Session) -> int:
    return len(await smsc.unresolved())


def fork(path: Path) -> None:
    """Use one session in a process and in its child, and say what the child lists of its parent's call."""
    smsc = session(path, BOUGHT)
    anyio.run(partial(_rent, smsc, PHONE))
    child = os.fork()
    if not child:
        listed = anyio.run(partial(_count, smsc))  # the parent's row, which it has under way, as far as a child knows
        anyio.run(partial(_rent, smsc, "380950000002"))
        anyio.run(smsc.aclose)
        os._exit(10 + listed)
    _, status = os.waitpid(child, 0)
    anyio.run(partial(_rent, smsc, "380950000003"))
    anyio.run(smsc.aclose)
    sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")


if __name__ == "__main__":
    logging.getLogger("smsc_async").setLevel(logging.ERROR)  # that others use the account too, is no news here
    _, what, where = sys.argv
    if what == "fork":
        fork(Path(where))
    else:
        anyio.run({"leave": leave, "end": end}[what], Path(where))
