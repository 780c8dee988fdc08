"""The gateway in memory, for tests and rehearsals: a second opinion that shares no code with the client."""

from smsc_async.simulator.accounts import Account
from smsc_async.simulator.delivery import Dropped
from smsc_async.simulator.disturbance import Disturbance, Effect, HttpReply
from smsc_async.simulator.downloads import Task
from smsc_async.simulator.effects import (
    CutShort,
    Delay,
    Drip,
    Drop,
    EchoCredentials,
    Garbage,
    GzipBomb,
    Replace,
    Truncate,
    WrongLength,
    empty_body,
    html_page,
    http_status,
    plain_refusal,
    redirect,
)
from smsc_async.simulator.faults import Fault, Faults
from smsc_async.simulator.foreign import Occupation
from smsc_async.simulator.log import Arrival
from smsc_async.simulator.manual_time import ManualTime
from smsc_async.simulator.numbers import RentableNumber, RentedNumber
from smsc_async.simulator.plans import Passage, Plan
from smsc_async.simulator.proxy import FaultProxy
from smsc_async.simulator.readings import COUNTING, readings
from smsc_async.simulator.request import Request
from smsc_async.simulator.server import serve
from smsc_async.simulator.simulator import Simulator
from smsc_async.simulator.switches import Switches
from smsc_async.simulator.verdict import Verdict, WindowFigure

__all__ = [
    "COUNTING",
    "Account",
    "Arrival",
    "CutShort",
    "Delay",
    "Disturbance",
    "Drip",
    "Drop",
    "Dropped",
    "EchoCredentials",
    "Effect",
    "Fault",
    "FaultProxy",
    "Faults",
    "Garbage",
    "GzipBomb",
    "HttpReply",
    "ManualTime",
    "Occupation",
    "Passage",
    "Plan",
    "RentableNumber",
    "RentedNumber",
    "Replace",
    "Request",
    "Simulator",
    "Switches",
    "Task",
    "Truncate",
    "Verdict",
    "WindowFigure",
    "WrongLength",
    "empty_body",
    "html_page",
    "http_status",
    "plain_refusal",
    "readings",
    "redirect",
    "serve",
]
