"""The demo's steps in which something goes wrong: a reply is lost, a password is wrong."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import anyio

from smsc_async import OutcomeUnknown, Session, SmscError
from smsc_async.simulator import Drop, Fault, Simulator, serve

if TYPE_CHECKING:
    from smsc_async import AvailableNumber, View
    from smsc_async.demo.stage import Stage

__all__ = ["guess_a_password", "lose_a_reply"]

LOGIN: Final = "demo"
CALLS: Final = 20  # with the wrong password; more than the five that block an address


async def lose_a_reply(stage: Stage, simulator: Simulator, smsc: View, number: AvailableNumber) -> None:
    """Step 5: money may be gone, and nobody knows."""
    await stage.step(
        "A lost reply to a rent",
        "The gateway charges, then the connection breaks: repeating could pay twice.",
        "rental = await smsc.numbers.rent(number.phone)",
    )
    before = await smsc.account.balance()
    simulator.faults.add(Fault(Drop(acted=True), action="buy", name="lost reply"))
    refusals = 0
    for label in ("first time", "once more"):
        try:
            rental = await smsc.numbers.rent(number.phone)
        except OutcomeUnknown as unknown:
            refusals += 1
            stage.error(label, unknown)
        else:
            stage.fact(label, rental)
    arrived = sum(arrival.action == "buy" and arrival.phone == number.phone for arrival in simulator.log)
    offered = number.phone in {other.phone for other in await smsc.numbers.available()}
    after = await smsc.account.balance()
    stage.fact("sent", f"{_count(arrived, 'request')}; to repeat it on purpose: rent(..., force=True)")
    stage.fact("a look", f"{number.phone} is {'still offered' if offered else 'no longer offered: it was rented'}")
    stage.fact("balance", f"{before.amount} -> {after.amount} {after.currency}; the rent costs {number.current_cost}")
    stage.expect("rents with an unknown outcome", 2, refusals)
    stage.expect("requests of the lost rent", 1, arrived)
    stage.expect("the number is offered after the lost rent", expected=False, measured=offered)
    stage.expect("charged for the lost rent", number.current_cost, before.amount - after.amount)


async def guess_a_password(stage: Stage) -> None:
    """Step 7: a gateway of its own, so that the last step's verdict stays clean."""
    await stage.step(
        f"A wrong password, {CALLS} calls at once",
        "One call tries it for all of them: five refusals would block the address.",
        "smsc = Session(login=LOGIN, password=guess, base_url=url)",
        "balance = await smsc.account.balance()",
    )
    guess = "a guess"
    errors: list[SmscError] = []
    gateway = Simulator(login=LOGIN)
    with serve(gateway) as url:
        smsc = Session(login=LOGIN, password=guess, base_url=url)

        async def ask() -> None:
            try:
                balance = await smsc.account.balance()
            except SmscError as error:
                errors.append(error)
            else:
                stage.expect("balance for a wrong password", None, balance)

        async with smsc, anyio.create_task_group() as tasks:
            for _ in range(CALLS):
                tasks.start_soon(ask)
    counts = Counter(type(error) for error in errors)
    for kind, count in counts.items():
        stage.error(_count(count, "call"), next(error for error in errors if type(error) is kind))
    verdict = gateway.verdict()
    refused = sum(verdict.authorisation_errors.values())
    stage.fact("sent", f"{_count(verdict.requests, 'request')}, {_count(refused, 'authorisation error')}")
    stage.expect("authorisation errors", 1, refused)
    stage.expect(
        "errors for a wrong password",
        {"AuthenticationFailed": 1, "AccountLocked": CALLS - 1},
        {kind.__name__: count for kind, count in counts.items()},
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
