"""What PyPI's `smsc` does with the account; prints a line of JSON for each step. It knows nothing of a simulator."""

from __future__ import annotations

import json
import logging
import sys

from smsc import SMSC, FlashMessage, SMSMessage

login, password, phone = sys.argv[1:]
client = SMSC(login=login, password=password)
logging.disable(logging.CRITICAL)  # it shows the password


def show(step: str, **found: object) -> None:
    """Print what came of a step."""
    print(json.dumps({"step": step, **found}, default=str), flush=True)


before = client.get_balance()
show("balance", balance=before.balance, currency=before.currency)
price = client.get_cost(to=phone, message=SMSMessage(text="Привіт, це ціна"))
show("price", count=price.count, cost=price.cost, error=price.error)
sent = client.send(to=phone, message=SMSMessage(text="Hello, World!"))
show("send", id=sent.message_id, count=sent.count, cost=sent.cost, error=sent.error)
flash = client.send(to=[phone, "380501112233"], message=FlashMessage(text="Flash"))
show("send to two", id=flash.message_id, count=flash.count, cost=flash.cost)
again = client.send(to=phone, message=SMSMessage(text="Hello, World!"))
show("send again", error=str(again.error))
(status,) = client.get_status(to=phone, msg_id=str(sent.message_id))
show("status", status=status.status.status_id, name=status.status.name, data=status.data)
stranger = SMSC(login=login, password="wrong")
show("wrong password", error=str(stranger.get_balance().error))
