"""The control interface for a simulator in another process: ``/control/...``, answered to loopback only."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin, get_type_hints

import attrs

from smsc_async.simulator import effects
from smsc_async.simulator.asgi import Receive, Scope, Send, read_body, send_reply
from smsc_async.simulator.control_callbacks import callback_commands, callbacks_in_short
from smsc_async.simulator.control_messages import message_commands, messages_in_short
from smsc_async.simulator.disturbance import Effect
from smsc_async.simulator.early import Early
from smsc_async.simulator.faults import Fault
from smsc_async.simulator.switches import Switches
from smsc_async.simulator.verdict import Verdict

if TYPE_CHECKING:
    from smsc_async.simulator.simulator import Simulator

MAX_BODY: Final = 64 * 1024

JSON: Final = [(b"content-type", b"application/json")]

#: What POST /control/faults may name; the arguments are those of the effect.
EFFECTS: Final[dict[str, Callable[..., Effect]]] = {
    "delay": effects.Delay,
    "drop": effects.Drop,
    "http_status": effects.http_status,
    "redirect": effects.redirect,
    "html_page": effects.html_page,
    "empty_body": effects.empty_body,
    "plain_refusal": effects.plain_refusal,
    "garbage": effects.Garbage,
    "truncate": effects.Truncate,
    "cut_short": effects.CutShort,
    "wrong_length": effects.WrongLength,
    "gzip_bomb": effects.GzipBomb,
    "echo_credentials": effects.EchoCredentials,
    "drip": effects.Drip,
}

#: What comes of a number where a word belongs, a name that nobody knows, and so on.
NONSENSE: Final = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)

FAULT_OPTIONS: Final = frozenset({"endpoint", "action", "times", "skip", "chance", "name"})


class Control:
    """
    Tells state and verdict, adds faults, sets switches, resets; lets messages end, subscribers act, handlers be told.

    ====== ============================== =====================================================================
    GET    ``/control/verdict``           the judge's findings
    GET    ``/control/state``             money, numbers, tasks, pending calls, inbox; messages and callbacks by status
    POST   ``/control/faults``            ``{"effect": "drop", "with": {"acted": true}, "action": "buy"}``
    POST   ``/control/faults``            ``{"effect": "early", "action": "send"}``: called back before answered
    POST   ``/control/switches``          ``{"refused_counts": false}``
    POST   ``/control/foreign``           ``{"endpoint": "balance.php", "params": {"cur": "1"}, "times": 2}``
    POST   ``/control/reset``             forgets log, windows, slots, blocks, faults and callbacks
    GET    ``/control/messages``          what was sent to whom, when, under which arrival; POST with phone or id: those
    POST   ``/control/fate``              ``{"fate": {"travels": 9, "status": 20, "err": 6}, "phone": "380671234567"}``
    POST   ``/control/operator_delivers`` ``{"phone": "380671234567", "id": 1}``, or of the newest message to the phone
    POST   ``/control/operator_fails``    ``{"phone": "380671234567", "err": 6, "status": 20}``
    POST   ``/control/subscriber_reads``  ``{"phone": "380671234567"}``
    POST   ``/control/subscriber_clicks`` ``{"phone": "380671234567"}``: follows the short link
    POST   ``/control/sending``           ``{"price": "0.60", "prices": {"viber": "0.90"}, "forbidden": ["casino"]}``,
                                          and ``senders``, ``bad_phones``, ``undeliverable``, ``groups``
    POST   ``/control/account``           ``{"balance": "5.00", "credit": "0", "virtual": true, "zone": 3}``, ``sender``
    GET    ``/control/captcha``           the codes of pictures by the address that was shown them
    GET    ``/control/callbacks``         what handlers were told, with every attempt
    POST   ``/control/call_back``         ``{"url": "http://127.0.0.1:8000/callback?md5=secret"}``; null: nobody
    POST   ``/control/subscriber_calls``  ``{"phone": "380671234567"}``
    POST   ``/control/subscriber_writes`` ``{"phone": "380671234567", "text": "yes", "to": "380950000001"}``
    POST   ``/control/message_is``        ``{"id": 1, "phone": "380671234567", "status": 1, "cost": "0.50"}``
    POST   ``/control/manner``            ``{"copies": 2, "delay": 1.0, "jitter": 5.0}``, of every event to come
    POST   ``/control/hold``              keeps back what handlers are to be told
    POST   ``/control/release``           ``{"order": "reversed"}``, or queued, or shuffled
    ====== ============================== =====================================================================

    Those that something happens by take ``"manner": {"copies": 2}`` too.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._answers: dict[tuple[str, str], Callable[[Any], object]] = {
            ("GET", "verdict"): lambda _: _verdict(simulator.verdict()),
            ("GET", "state"): lambda _: self._state(),
            ("POST", "faults"): self._add_fault,
            ("POST", "switches"): self._set_switches,
            ("POST", "foreign"): self._let_foreign,
            ("POST", "reset"): self._reset,
            **callback_commands(simulator),
            **message_commands(simulator),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one control request."""
        client: tuple[str, int] | None = scope.get("client")
        if client is None or not _is_loopback(client[0]):
            await send_reply(send, 404, JSON, b'{"error":"not found"}')
            return
        body = await read_body(receive, MAX_BODY)
        try:
            # A body in another encoding of JSON than UTF-8 is nobody's habit; None is a body that was cut or too long.
            wanted: Any = json.loads(body) if body else {}
            status, answer = self._answer(scope["method"], scope["path"], wanted)
        except NONSENSE as error:
            status, answer = 400, {"error": f"{type(error).__name__}: {error}"}
        await send_reply(send, status, JSON, json.dumps(answer, ensure_ascii=False, default=str).encode())

    def _answer(self, method: str, path: str, wanted: Any) -> tuple[int, object]:
        answer = self._answers.get((method, path.removeprefix("/control/")))
        return (404, {"error": "not found"}) if answer is None else (200, answer(wanted))

    def _add_fault(self, wanted: Any) -> object:
        self._simulator.faults.add(_fault(wanted, {**EFFECTS, "early": partial(Early, self._simulator)}))
        return {"faults": len(self._simulator.faults)}

    def _set_switches(self, wanted: Any) -> object:
        self._simulator.switches = with_switches(self._simulator.switches, wanted)
        return attrs.asdict(self._simulator.switches)

    def _let_foreign(self, wanted: Any) -> object:
        times = int(wanted.get("times", 1))
        self._simulator.foreign.request(wanted["endpoint"], wanted.get("params"), times=times)
        return {"foreign": times}

    def _reset(self, _: Any) -> object:
        self._simulator.reset()
        return {"reset": True}

    def _state(self) -> dict[str, object]:
        simulator = self._simulator
        login = simulator.account.login
        now = simulator.moments.now()
        return {
            "login": login,
            "balance": simulator.account.balance,
            "currency": simulator.account.currency,
            "available": sorted(simulator.numbers.available),
            "rented": {phone: rented.auto_renew for phone, rented in simulator.numbers.rented(login).items()},
            "tasks": {number: task.status(now) for number, task in simulator.downloads.tasks(login).items()},
            "calls": {phone: call.number for phone, call in simulator.calls.pending(login, now).items()},
            "inbox": len(simulator.inbox.messages(login)),
            "messages": messages_in_short(simulator),
            "callbacks": callbacks_in_short(simulator),
        }


def with_switches(switches: Switches, wanted: Mapping[str, Any]) -> Switches:
    """Set switches by name; a value that the switch does not know is a `ValueError`."""
    hints = get_type_hints(Switches)
    for name, value in wanted.items():
        if name not in hints:
            raise ValueError(f"no such switch: {name}")
        allowed = get_args(hints[name]) if get_origin(hints[name]) is Literal else ()
        if allowed and value not in allowed:
            raise ValueError(f"{name} is one of {', '.join(map(str, allowed))}")
        if hints[name] is bool and not isinstance(value, bool):
            raise ValueError(f"{name} is true or false")
        if hints[name] is str and not isinstance(value, str):
            raise ValueError(f"{name} is a text")
    return attrs.evolve(switches, **wanted)


def _fault(wanted: Mapping[str, Any], effects: Mapping[str, Callable[..., Effect]]) -> Fault:
    options = {name: value for name, value in wanted.items() if name in FAULT_OPTIONS}
    unknown = set(wanted) - FAULT_OPTIONS - {"effect", "with"}
    if unknown:
        raise ValueError(f"no such option: {', '.join(sorted(unknown))}")
    return Fault(effects[wanted["effect"]](**wanted.get("with", {})), **options)


def _verdict(verdict: Verdict) -> dict[str, object]:
    found = attrs.asdict(verdict, recurse=True)
    for name in ("paid", "repeated", "sent_again", "texts_again"):
        found[name] = {" ".join(deed): count for deed, count in getattr(verdict, name).items()}
    return {"ok": verdict.ok, "problems": verdict.problems(), "full_windows": verdict.full_windows, **found}


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
