"""Notices that other processes use an account with guards of their own, which then do not know of each other."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
import threading
from typing import Final

__all__ = ["look_for_neighbours"]

_log: Final = logging.getLogger("smsc_async")
_WORKERS: Final = "WEB_CONCURRENCY"  # uvicorn and gunicorn take their number of workers from it

_marks: Final[dict[str, int]] = {}  # by account: the process that set it
_told: Final[set[int]] = set()  # processes that have said so
_lock: Final = threading.Lock()


def look_for_neighbours(account: str) -> None:
    """
    Say once, in the log, if other processes of this machine use the *account* too; for a guard of one process.

    A mark is a socket's name that belongs to no file, so nothing is left behind. Where the system has none (it is
    Linux's), only the number of workers that the server was told is looked at.
    """
    process = os.getpid()
    with _lock:
        if process in _told:
            return
        workers = os.environ.get(_WORKERS, "")
        if workers.isascii() and workers.isdigit() and int(workers) > 1:
            why = f"{_WORKERS} says that there are {workers} workers"
        elif not _mark(account, process):
            why = "another process on this machine uses the account, too"
        else:
            return
        _told.add(process)
    _log.warning(
        "%s, and each has a LocalGuard that does not know of the others: together they can break the gateway's limits; "
        "give the sessions of all of them a HostGuard(), or set SMSC_GUARD=host",
        why,
    )


def _mark(account: str, process: int) -> bool:
    """Mark the account as used by this process; False where it is marked by another."""
    if account in _marks:
        return _marks[account] == process  # else this process was forked from the one that set it
    if sys.platform == "linux":
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            mark.bind(f"\0smsc_async/{os.getuid()}/{account}")
        except OSError as error:
            mark.close()
            if error.errno == errno.EADDRINUSE:
                return False
        else:
            mark.detach()  # it is the process's, until that ends
    _marks[account] = process
    return True
