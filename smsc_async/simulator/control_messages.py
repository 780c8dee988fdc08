"""What the control interface can do about messages, the account that sends them, and pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from smsc_async.simulator.control_callbacks import told_as_json, with_manner
from smsc_async.simulator.fates import Fate
from smsc_async.simulator.kinds import KINDS
from smsc_async.simulator.messages import Message
from smsc_async.simulator.request import digits

if TYPE_CHECKING:
    from smsc_async.simulator.calls_back import Told
    from smsc_async.simulator.simulator import Simulator

Command = Callable[[Any], object]


def message_commands(simulator: Simulator) -> dict[tuple[str, str], Command]:
    """Give the commands by method and name; each is called with what the request's body says."""

    def happens(tell: Callable[..., Told]) -> Command:
        return lambda wanted: told_as_json(tell(**with_manner(wanted)))

    def messages(wanted: Any) -> object:
        return {"messages": [message_as_json(message) for message in simulator.sent(**wanted)]}

    def set_fate(wanted: Any) -> object:
        fate = None if wanted["fate"] is None else Fate(**wanted["fate"])
        simulator.set_fate(fate, wanted.get("phone"))
        return {"fate": wanted["fate"]}

    return {
        ("GET", "messages"): messages,
        ("POST", "messages"): messages,
        ("POST", "operator_delivers"): happens(simulator.operator_delivers),
        ("POST", "operator_fails"): happens(simulator.operator_fails),
        ("POST", "subscriber_reads"): happens(simulator.subscriber_reads),
        ("POST", "subscriber_clicks"): happens(simulator.subscriber_clicks),
        ("POST", "fate"): set_fate,
        ("POST", "sending"): lambda wanted: _set_sending(simulator, wanted),
        ("POST", "account"): lambda wanted: _set_account(simulator, wanted),
        ("GET", "captcha"): lambda _: {"codes": simulator.captcha.codes},
    }


def messages_in_short(simulator: Simulator) -> dict[int, int]:
    """Give how many messages have each status."""
    return dict(Counter(message.status for message in simulator.sent() if not message.deleted))


def message_as_json(message: Message) -> dict[str, object]:
    """Give what is known of a message."""
    return {
        "number": message.number,
        "arrival": message.arrival,
        "id": message.id,
        "own_id": message.own_id,
        "phone": message.phone,
        "text": message.text,
        "comment": message.comment,
        "kind": message.kind.name,
        "sender": message.sender,
        "status": message.status,
        "err": message.err,
        "count": message.count,
        "cost": message.cost,
        "code": message.code,
        "files": message.files,
        "accepted_at": message.accepted_at,
        "due": message.due,
        "expires": message.expires,
        "changed_at": message.changed_at,
        "virtual": message.virtual,
        "refused": message.refused,
        "deleted": message.deleted,
    }


def _set_sending(simulator: Simulator, wanted: Mapping[str, Any]) -> dict[str, object]:
    """Set prices, and what is not let through; what is not named stays."""
    sends = simulator.sends
    made: dict[str, Any] = {}
    for name, value in wanted.items():
        match name:
            case "price":
                made[name] = _amount(value)
            case "prices":
                unknown = set(value) - set(KINDS)
                if unknown:
                    raise ValueError(f"no such kind: {', '.join(sorted(unknown))}")
                made[name] = {kind: _amount(price) for kind, price in value.items()}
            case "forbidden":
                made[name] = set(value)
            case "senders":
                made[name] = None if value is None else set(value)
            case "bad_phones" | "undeliverable":
                made[name] = {digits(phone) for phone in value}
            case "groups":
                made[name] = {int(number): [str(phone) for phone in phones] for number, phones in value.items()}
            case _:
                raise ValueError(f"no such setting: {name}")
    for name, value in made.items():
        setattr(sends, name, value)
    return {
        "price": sends.price,
        "prices": sends.prices,
        "forbidden": sorted(sends.forbidden),
        "senders": None if sends.senders is None else sorted(sends.senders),
        "bad_phones": sorted(sends.bad_phones),
        "undeliverable": sorted(sends.undeliverable),
        "groups": sends.groups,
    }


def _set_account(simulator: Simulator, wanted: Mapping[str, Any]) -> dict[str, object]:
    """Set what the account is like; what is not named stays."""
    account = simulator.accounts[wanted.get("login", simulator.account.login)]
    for name in set(wanted) - {"login", "balance", "credit", "virtual", "sender", "zone"}:
        raise ValueError(f"no such setting: {name}")
    if not isinstance(wanted.get("virtual", False), bool):
        raise ValueError("virtual is true or false")  # noqa: TRY004 - the interface answers 400 to either
    amounts = {name: _amount(wanted[name]) for name in ("balance", "credit") if name in wanted}
    zone = timezone(timedelta(hours=wanted["zone"])) if "zone" in wanted else account.time_zone
    account.balance = amounts.get("balance", account.balance)
    account.credit = amounts.get("credit", account.credit)
    account.virtual = wanted.get("virtual", account.virtual)
    account.sender = str(wanted.get("sender", account.sender))
    account.time_zone = zone
    return {
        "login": account.login,
        "balance": account.balance,
        "credit": account.credit,
        "virtual": account.virtual,
        "sender": account.sender,
        "zone": None if zone is None else str(zone),
    }


def _amount(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"no amount: {value}") from error
