"""The same inputs for verifiers of other webhooks, which sign a whole body and put the signature into a header."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from random import Random
from typing import Any, Final, Protocol

import attrs

from smsc_async.errors import WebhookError
from tests.proof.callbacks.fuzzing import receiver
from tests.proof.callbacks.genuine import SECRET, Genuine, made_up
from tests.proof.callbacks.mutating import spoiled_body, spoiled_bytes

__all__ = ["Measured", "compare"]

_FORMS: Final = ("form", "xml", "json")


@attrs.define
class Measured:
    """What a verifier did with the inputs."""

    name: str
    declared: str
    inputs: int = 0
    accepted: int = 0
    undeclared: Counter[str] = attrs.field(factory=Counter)

    def row(self) -> str:
        count = sum(self.undeclared.values())
        kinds = ", ".join(f"{name} {number:,}" for name, number in self.undeclared.most_common()) or "none"
        share = f"{100 * count / max(self.inputs, 1):.2f} %"
        return f"| {self.name} | {self.inputs:,} | {self.accepted:,} | {share} | {kinds} | {self.declared} |"


def compare(seed: int, inputs: int) -> list[Measured]:
    """
    Give each verifier so many inputs.

    Each gets the same bodies. Ours has its signature in the body, where it is spoiled with everything else; for the
    others the body as it is, or as it was before it was spoiled, is signed in their own way, and half of the headers
    are spoiled as bodies are: a header is as much a stranger's as a body is.
    """
    rivals: list[_Rival] = [_Ours(), _StandardWebhooks(), _Stripe()]
    for number in range(inputs):
        random = Random(f"{seed} peers {number}")
        genuine = made_up(random, random.choice(_FORMS))
        body = spoiled_body(random, genuine)
        before = body if random.random() < 0.5 else genuine.body
        for rival in rivals:
            rival.measured.inputs += 1
            try:
                rival.verify(genuine, body, before.decode("utf-8", "replace"), Random(number))
            except rival.declared:
                continue
            except Exception as problem:  # noqa: BLE001 - they are what is counted
                rival.measured.undeclared[type(problem).__name__] += 1
            else:
                rival.measured.accepted += 1
    return [rival.measured for rival in rivals]


class _Rival(Protocol):
    declared: tuple[type[Exception], ...]
    measured: Measured

    def verify(self, genuine: Genuine, body: bytes, before: str, random: Random) -> None:
        """Verify *body*; *before* is the text that is signed."""


class _Ours:
    def __init__(self) -> None:
        self.declared: tuple[type[Exception], ...] = (WebhookError,)
        self.measured = Measured("smsc_async", "WebhookError")

    def verify(self, genuine: Genuine, body: bytes, before: str, random: Random) -> None:
        receiver(genuine.format, genuine.charset, genuine.digest).parse(body)


class _StandardWebhooks:
    def __init__(self) -> None:
        import standardwebhooks  # only this comparison needs it

        self.declared: tuple[type[Exception], ...] = (standardwebhooks.WebhookVerificationError,)
        self.measured = Measured("standardwebhooks 1.1.0", "WebhookVerificationError")
        self._hook = standardwebhooks.Webhook("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    def verify(self, genuine: Genuine, body: bytes, before: str, random: Random) -> None:
        now = int(time.time())
        head = self._hook.sign("msg_1", datetime.fromtimestamp(now, UTC), before).encode()
        stamp = str(now).encode()
        if random.random() < 0.5:
            head = spoiled_bytes(random, head, times=1)
        if random.random() < 0.2:
            stamp = spoiled_bytes(random, stamp, times=1)
        headers = {"webhook-id": "msg_1", "webhook-timestamp": stamp.decode("latin-1")}
        # The bodies are not all JSON, which it would read by default; only the verifying is compared.
        self._hook.verify(body, {**headers, "webhook-signature": head.decode("latin-1")}, json_parse=False)


class _Stripe:
    def __init__(self) -> None:
        import stripe  # likewise

        self.declared: tuple[type[Exception], ...] = (stripe.SignatureVerificationError, ValueError)
        self.measured = Measured("stripe 16.1.0", "SignatureVerificationError, ValueError")
        self._stripe: Any = stripe

    def verify(self, genuine: Genuine, body: bytes, before: str, random: Random) -> None:
        head = self._stripe.WebhookSignature.generate_signature_header(before, SECRET).encode()
        if random.random() < 0.5:
            head = spoiled_bytes(random, head, times=1)
        self._stripe.Webhook.construct_event(body, head.decode("latin-1"), SECRET)
