"""Sending and pricing: `send.php` (https://smsc.ua/api/http/send/sms)."""

from __future__ import annotations

import functools
import itertools
import zlib
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import attrs

from smsc_async.simulator import recipients
from smsc_async.simulator.captcha import Captcha
from smsc_async.simulator.fates import KEPT, VIRTUAL, WAITING, Fate
from smsc_async.simulator.kinds import Kind
from smsc_async.simulator.messages import Message, Messages
from smsc_async.simulator.networks import network
from smsc_async.simulator.nouns import Call
from smsc_async.simulator.orders import Order, Piece, Refused, read
from smsc_async.simulator.replies import Answer, Field, Record, Refusal, money
from smsc_async.simulator.request import NOT_COMPARED, Compared, Request
from smsc_async.simulator.switches import Switches
from smsc_async.simulator.windows import Limit

#: "more than one identical request to send a message", "more than five identical requests of the cost".
LIMITS: Final[dict[str, tuple[Limit, ...]]] = {"send": (Limit(1),), "cost": (Limit(5),)}

#: What the switch `identical_sends` leaves out beside who asks: what names the message, and what shapes the reply.
NOT_THE_MESSAGE: Final = NOT_COMPARED | {"id", "imgcode", "userip", "cost", "op", "err"}

#: The error with which a bad phone is listed: "wrong format of the number", "no route".
BAD_FORMAT: Final = 249
NO_ROUTE: Final = 248


@attrs.frozen
class Leg:
    """One recipient of a send that goes through, or does not."""

    piece: Piece
    cost: Decimal
    problem: str | None  # the kind of refusal


class Sends:
    """What messages cost, what is not let through, and who is sent what."""

    path = "send.php"
    public = False

    def __init__(self, messages: Messages, captcha: Captcha) -> None:
        self.price: Decimal = Decimal("0.50")  # of a part, or of a message that has none
        self.prices: dict[str, Decimal] = {}  # of kinds that cost something else, by name
        self.forbidden: set[str] = set()  # words; a text with one of them is refused, whatever its case
        self.senders: set[str] | None = None  # the registered names; None: any that is well formed
        self.bad_phones: set[str] = set()  # beside those that are no phones at all
        self.undeliverable: set[str] = set()
        self.groups: dict[int, list[str]] = {}
        self._messages = messages
        self._captcha = captcha
        self._ids: defaultdict[str, Iterator[int]] = defaultdict(functools.partial(itertools.count, 1))
        self._taken: defaultdict[str, set[int | str]] = defaultdict(set)  # ids that clients gave

    def __repr__(self) -> str:
        return f"<Sends at {self.price} a part>"

    def action(self, request: Request) -> str:
        """Name the action: with ``cost=1`` nothing is sent."""
        return "cost" if request.params.get("cost") == "1" else "send"

    def limits(self, action: str) -> tuple[Limit, ...]:
        """Give the documented limit."""
        return LIMITS[action]

    def compared(self, request: Request, switches: Switches) -> Compared:
        """Give what makes two sends identical: their files too, and phones without their spelling."""
        files = tuple((file.field, f"{len(file.content)} {zlib.crc32(file.content)}") for file in request.files)
        if switches.identical_sends == "request":
            return request.compared() + files
        named = [
            (name, value) for name, value in sorted(request.params.items()) if value and name not in NOT_THE_MESSAGE
        ]
        correct = switches.correct_phones
        return (
            *((name, _spelled(value, correct=correct) if name == "phones" else value) for name, value in named),
            *files,
        )

    def pays(self, action: str) -> bool:
        """Tell whether something is sent."""
        return action == "send"

    def act(self, call: Call) -> Answer:
        """Send, or tell the price."""
        only_priced = call.action == "cost"
        params = call.request.params
        if "imgcode" in params and not self._captcha.passes(
            params.get("userip", ""), params["imgcode"], use=not only_priced and call.switches.captcha_use == "once"
        ):
            return Refusal("captcha")
        try:
            order = read(call, self.groups, only_priced=only_priced)
        except Refused as error:
            return error.refusal
        id = self._id(call, order)  # noqa: A001 - the gateway's own word
        legs = [self._leg(piece, order, call) for piece in order.pieces]
        through = [leg for leg in legs if leg.problem is None]
        refusal = self._refusal(order, legs, through, call)
        if refusal is not None:
            if order.only_priced:
                return Refusal(refusal)
            if call.switches.refused_stored and refusal in KEPT:
                for leg in legs:
                    self._store(leg, order, id, call, refused=refusal)
            return Refusal(refusal, id if call.switches.refusal_ids else None)
        total = sum((leg.cost for leg in through), Decimal(0))
        count = sum(leg.piece.text.count for leg in through)
        if order.only_priced:
            return _price(total, count, call, self._listed(legs, call))
        code = f"{zlib.crc32(str(call.number).encode()) % 1_000_000:06}" if order.flash_call else None
        if not call.account.virtual:
            call.account.balance -= total
        for place, leg in enumerate(through):
            self._store(leg, order, id, call, code=code, later=_later(order, place, len(through), call))
        return _reply(id, count, total, call, code=code, listed=self._listed(legs, call))

    def price_of(self, kind: Kind) -> Decimal:
        """Give the price of a part, or of a message, of this kind."""
        return self.prices.get(kind.name, self.price)

    def _id(self, call: Call, order: Order) -> int | str:
        login = call.account.login
        if order.id is not None:
            self._taken[login].add(order.id)
            return order.id
        if order.only_priced:
            return 0
        return next(number for number in self._ids[login] if number not in self._taken[login])

    def _leg(self, piece: Piece, order: Order, call: Call) -> Leg:
        problem = None
        if piece.address is None or piece.address in self.bad_phones:
            problem = "number"
        elif piece.address in self.undeliverable:
            problem = "undeliverable"
        if call.account.virtual and call.switches.virtual_cost == "zero":
            return Leg(piece, Decimal(0), problem)
        parts = piece.text.count if order.kind.in_parts else 1
        return Leg(piece, self.price_of(order.kind) * parts, problem)

    def _refusal(self, order: Order, legs: list[Leg], through: list[Leg], call: Call) -> str | None:
        """Give why nothing is sent at all."""
        if order.sender is not None and self.senders is not None and order.sender not in self.senders:
            return "denied"
        if self.forbidden and any(self._forbids(leg.piece.text.text) for leg in legs):
            return "denied"
        strict = call.switches.partly_bad == "refused"
        if not through or (strict and len(through) < len(legs)):
            return next(leg.problem for leg in legs if leg.problem is not None)
        total = sum((leg.cost for leg in through), Decimal(0))
        if not order.only_priced and not call.account.virtual and not call.account.covers(total):
            return "money"
        return None

    def _forbids(self, text: str) -> bool:
        return any(word.lower() in text.lower() for word in self.forbidden)

    def _store(
        self,
        leg: Leg,
        order: Order,
        id: int | str,
        call: Call,
        *,
        refused: str | None = None,
        code: str | None = None,
        later: float = 0.0,
    ) -> None:
        piece, account = leg.piece, call.account
        phone = piece.address or piece.name
        due = order.at + later
        fate = self._messages.fate_of(phone)
        self._messages.add(
            Message(
                number=self._messages.next_number(),
                login=account.login,
                id=id,
                own_id=order.id is not None,
                phone=phone,
                text=piece.text.text,
                kind=order.kind,
                sender="HLR" if order.kind.name == "hlr" else order.sender or account.sender,
                cost=Decimal(0) if refused else leg.cost,
                count=piece.text.count,
                comment=piece.text.comment,
                code=code,
                links=piece.text.links,
                files=tuple(file.name for file in order.files),
                arrival=call.number,
                accepted_at=call.now,
                due=due,
                expires=due + call.moments.minutes(order.good_for),
                fate=Fate(status=call.switches.virtual_status, err=VIRTUAL) if account.virtual else fate,
                status=KEPT[refused] if refused else WAITING,
                changed_at=call.now,
                virtual=account.virtual,
                refused=refused,
            )
        )

    def _listed(self, legs: list[Leg], call: Call) -> tuple[Record, ...] | None:
        """Give what ``op=1`` tells of every phone, and ``err=1`` of bad ones."""
        every, bad = call.request.flag("op"), call.request.flag("err")
        if not every and not bad:
            return None
        return tuple(_told(leg, call) for leg in legs if every or leg.problem is not None)


def _spelled(phones: str, *, correct: bool) -> str:
    names = (name.strip() for name in recipients.SEPARATORS.split(phones))
    return ",".join(sorted({recipients.address(name, "phone", correct=correct) or name for name in names if name}))


def _later(order: Order, place: int, count: int, call: Call) -> float:
    """Give how much later than the first a recipient's turn is, where they are spread over a period."""
    if not order.spread:
        return 0.0
    steps = max(1, int(order.spread // order.step))
    return call.moments.minutes(place * steps // count * order.step)


def _told(leg: Leg, call: Call) -> Record:
    phone = leg.piece.address or leg.piece.name
    error = {None: 0, "undeliverable": NO_ROUTE}.get(leg.problem, BAD_FORMAT)
    status = WAITING if leg.problem is None else KEPT[leg.problem]
    fields = (
        Field("phone", phone),
        Field("mccmnc", network(phone).mccmnc),
        Field("cost", money(leg.cost if leg.problem is None else Decimal(0), call.switches)),
        Field("status", str(status)),
        Field("error", str(error)),
    )
    return Record("phone", fields)


def _price(total: Decimal, count: int, call: Call, listed: tuple[Record, ...] | None) -> Record:
    fields = (Field("cost", total), Field("cnt", count, quoted=False))
    return Record("result", fields, sentence=f"{money(total, call.switches)} ({count} SMS)", below=listed)


def _reply(
    id: int | str, count: int, total: Decimal, call: Call, *, code: str | None, listed: tuple[Record, ...] | None
) -> Record:
    fields = [Field("id", id, quoted=False), Field("cnt", count, quoted=False)]
    sentence = f"OK - {count} SMS, ID - {id}"
    told: list[Field] = []
    if call.request.params.get("cost") in {"2", "3"}:
        told.append(Field("cost", total))
    if call.request.params.get("cost") == "3":
        told.append(Field("balance", call.account.balance))
    if code is not None:
        told.append(Field("code", code))
    for field in told:
        value = money(field.value, call.switches) if isinstance(field.value, Decimal) else field.value
        dashes = call.switches.send_line == "dashes"
        sentence += f", {field.name.upper()} - {value}" if dashes else f", {field.name} = {value}"
    return Record("result", (*fields, *told), sentence=sentence, below=listed)
