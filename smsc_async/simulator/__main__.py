"""The simulator as a program of its own: ``python -m smsc_async.simulator``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta, timezone
from decimal import Decimal, InvalidOperation
from types import FrameType
from typing import Any, get_type_hints

from smsc_async.simulator.control import with_switches
from smsc_async.simulator.effects import Delay
from smsc_async.simulator.faults import Fault
from smsc_async.simulator.server import serve
from smsc_async.simulator.simulator import Simulator
from smsc_async.simulator.switches import Switches

EPILOG = """
It listens on loopback only, unless --host says otherwise, and prints one line with its address once it answers.
GET /control/verdict tells how well the limits were kept; Ctrl-C ends it and prints the same.
GET /control/messages tells what was sent to whom; smsc_async/simulator/control.py lists everything under /control.
The switches stand for what the vendor's text leaves open; smsc_async/simulator/switches.py explains each.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a simulator until Ctrl-C or SIGTERM."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        switches = with_switches(Switches(), dict(map(_switch, options.switch)))
    except (ValueError, TypeError) as error:
        parser.error(str(error))
    simulator = Simulator(
        login=options.login,
        password=options.password,
        apikey=options.apikey,
        balance=options.balance,
        currency=options.currency,
        window=options.window,
        switches=switches,
        seed=options.seed,
    )
    simulator.account.virtual = options.virtual
    if options.zone is not None:
        simulator.account.time_zone = timezone(timedelta(hours=options.zone))
    simulator.sends.price = options.price
    if options.latency:
        low, high = options.latency / 2, options.latency
        delay = Delay(
            before_counting=lambda random: random.uniform(0, low),
            before_reply=lambda random: random.uniform(low, high),
        )
        simulator.faults.add(Fault(delay, times=None, name="latency"))
    try:
        simulator.call_back(options.callback)
    except ValueError as error:
        parser.error(str(error))
    for number in range(options.tasks):
        simulator.add_task(rows=options.rows, waits=options.window * number, runs=options.window / 2)
    end = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        end.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        with serve(simulator, host=options.host, port=options.port) as url:
            line = json.dumps({"url": url, "login": options.login}) if options.json else f"Listening on {url}"
            print(line, flush=True)  # noqa: T201 - this is what a program is for
            end.wait()
    except (OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - likewise
        return 1
    if not options.quiet:
        print(simulator.verdict(), file=sys.stderr)  # noqa: T201 - likewise
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m smsc_async.simulator",
        description="A gateway that behaves as smsc.ua documents, for tests and rehearsals. No message leaves it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = parser.add_argument_group("where it listens")
    where.add_argument("--host", default="127.0.0.1", help="address (default: %(default)s)")
    where.add_argument("--port", type=int, default=0, help="port; 0 takes a free one (default: %(default)s)")
    where.add_argument("--json", action="store_true", help="print the address as JSON")
    where.add_argument("--quiet", action="store_true", help="do not print the verdict at the end")
    account = parser.add_argument_group("the account")
    account.add_argument("--login", default="demo", help="(default: %(default)s)")
    account.add_argument("--password", default="demo", help="made up; never a real one (default: %(default)s)")
    account.add_argument("--apikey", default="demo-key", help="likewise (default: %(default)s)")
    account.add_argument("--balance", type=_amount, default=Decimal("1000.00"), help="money (default: %(default)s)")
    account.add_argument("--price", type=_amount, default=Decimal("0.50"), help="of a part (default: %(default)s)")
    account.add_argument("--virtual", action="store_true", help="test mode: nothing is sent, nothing is charged")
    account.add_argument("--zone", type=_zone, metavar="HOURS", help="time zone of dates; UTC by default")
    account.add_argument("--currency", default="UAH", help="of the money (default: %(default)s)")
    account.add_argument(
        "--callback",
        metavar="URL",
        help="address of a handler, as in the account's settings: http://127.0.0.1:8000/callback?charset=utf-8&md5=secret",
    )
    account.add_argument("--tasks", type=int, default=3, help="deferred tasks; each is done later than the one before")
    account.add_argument("--rows", type=int, default=100, help="rows in each task's file (default: %(default)s)")
    how = parser.add_argument_group("how it behaves")
    how.add_argument(
        "--window", type=float, default=60.0, help="length of its minute in seconds (default: %(default)s)"
    )
    how.add_argument("--latency", type=float, default=0.0, help="longest delay in seconds (default: %(default)s)")
    how.add_argument("--seed", type=int, default=0, help="of its random numbers (default: %(default)s)")
    how.add_argument(
        "--switch",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a switch, such as refused_counts=false; may be given often. Names: "
        + ", ".join(get_type_hints(Switches)),
    )
    return parser


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"no amount: {text}") from error


def _zone(text: str) -> float:
    hours = float(text)
    if not -15 <= hours <= 15:
        raise argparse.ArgumentTypeError(f"no time zone: {text}")
    return hours


def _switch(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value  # a word needs no quotes


if __name__ == "__main__":
    sys.exit(main())
