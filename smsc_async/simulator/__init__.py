"""The gateway in memory, for tests and rehearsals: a second opinion that shares no code with the client."""

from smsc_async.simulator.accounts import Account
from smsc_async.simulator.callbacks import Attempt, Errand, Manner
from smsc_async.simulator.calls_back import CallsBack, Told
from smsc_async.simulator.delivery import Dropped
from smsc_async.simulator.disturbance import Disturbance, Effect, HttpReply
from smsc_async.simulator.downloads import Task
from smsc_async.simulator.early import Early
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
from smsc_async.simulator.fates import Fate
from smsc_async.simulator.faults import Fault, Faults
from smsc_async.simulator.follows import Follows
from smsc_async.simulator.foreign import Occupation
from smsc_async.simulator.handler_address import HandlerAddress, parse_address
from smsc_async.simulator.happenings import CallEvent, MessageEvent, StatusEvent
from smsc_async.simulator.inbox import InboxMessage
from smsc_async.simulator.kinds import Kind
from smsc_async.simulator.letters import Letter
from smsc_async.simulator.log import Arrival
from smsc_async.simulator.manual_time import ManualTime
from smsc_async.simulator.messages import Message
from smsc_async.simulator.moments import Moments
from smsc_async.simulator.numbers import RentableNumber, RentedNumber
from smsc_async.simulator.plans import Passage, Plan
from smsc_async.simulator.proxy import FaultProxy
from smsc_async.simulator.readings import COUNTING, readings
from smsc_async.simulator.request import Request, UploadedFile
from smsc_async.simulator.server import serve
from smsc_async.simulator.simulator import Simulator
from smsc_async.simulator.switches import Switches
from smsc_async.simulator.verdict import Verdict, WindowFigure

__all__ = [
    "COUNTING",
    "Account",
    "Arrival",
    "Attempt",
    "CallEvent",
    "CallsBack",
    "CutShort",
    "Delay",
    "Disturbance",
    "Drip",
    "Drop",
    "Dropped",
    "Early",
    "EchoCredentials",
    "Effect",
    "Errand",
    "Fate",
    "Fault",
    "FaultProxy",
    "Faults",
    "Follows",
    "Garbage",
    "GzipBomb",
    "HandlerAddress",
    "HttpReply",
    "InboxMessage",
    "Kind",
    "Letter",
    "Manner",
    "ManualTime",
    "Message",
    "MessageEvent",
    "Moments",
    "Occupation",
    "Passage",
    "Plan",
    "RentableNumber",
    "RentedNumber",
    "Replace",
    "Request",
    "Simulator",
    "StatusEvent",
    "Switches",
    "Task",
    "Told",
    "Truncate",
    "UploadedFile",
    "Verdict",
    "WindowFigure",
    "WrongLength",
    "empty_body",
    "html_page",
    "http_status",
    "parse_address",
    "plain_refusal",
    "readings",
    "redirect",
    "serve",
]
