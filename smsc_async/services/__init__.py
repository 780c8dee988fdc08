"""The account by noun: each module holds a noun's endpoints, its values and its verbs."""

from __future__ import annotations

from smsc_async.services.account import Account, Balance
from smsc_async.services.calls import CallRequest, Calls
from smsc_async.services.downloads import Downloads, DownloadTask, TaskStatus
from smsc_async.services.numbers import AvailableNumber, NumberKind, Numbers, Rental

__all__ = [
    "Account",
    "AvailableNumber",
    "Balance",
    "CallRequest",
    "Calls",
    "DownloadTask",
    "Downloads",
    "NumberKind",
    "Numbers",
    "Rental",
    "TaskStatus",
]
