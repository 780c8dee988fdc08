"""A call made ready: its form without credentials, and what it asks of the guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from smsc_async._endpoint import Scope
from smsc_async._wire import Layout, action_fingerprint, encode_form, fingerprint
from smsc_async.guard._bucket import Reason, Rule
from smsc_async.guard._records import Demand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smsc_async._endpoint import Endpoint
    from smsc_async._wire import ReplyFormat
    from smsc_async.guard import Guard

__all__ = ["Identity", "Plan", "Route"]

_DOWNLOADS: Final = b"downloads"  # the key of the slots that files may hold; no digest is that short


@attrs.frozen
class Identity:
    """Who asks: digests, and the origin that may block this machine's address."""

    account: str
    credential: str
    gateway: str


@attrs.frozen
class Plan:
    """One call, ready to be sent any number of times."""

    form: bytes  # urlencoded, without credentials
    demand: Demand


class Route:
    """
    What is the same for every call of an endpoint in one session; kept, because most calls differ little or not.
    """

    def __init__(self, endpoint: Endpoint[Any], reply_format: ReplyFormat, identity: Identity, guard: Guard) -> None:
        self.endpoint = endpoint
        self._identity = identity
        self._fixed_form = encode_form({**endpoint.fixed, "fmt": str(int(reply_format)), "charset": "utf-8"})
        self._rules: list[tuple[Rule, bytes | None]] = []  # with the key, where it is always the same
        action = action_fingerprint(identity.account, endpoint.path, endpoint.fixed)
        lower = guard.limits.get(endpoint.name)
        for limit in endpoint.limits:
            identical = limit.scope is Scope.IDENTICAL and guard.identical == "request"
            reason = Reason.IDENTICAL if limit.scope is Scope.IDENTICAL else Reason.ACTION
            n = limit.n if lower is None else min(limit.n, lower)
            self._rules.append((Rule(endpoint.name, reason, n), None if identical else action))
        self._rules = _strictest(self._rules)
        if endpoint.shape.layout is Layout.FILE:
            rule = Rule(endpoint.name, Reason.DOWNLOADS, guard.max_downloads, rests=False)
            self._rules.append((rule, _DOWNLOADS))
        self._subject = Rule(endpoint.name, Reason.SUBJECT, 1, rests=False)
        self._bare = self._make({}, None)

    def plan(self, params: Mapping[str, str], subject: str | None) -> Plan:
        """Make a call ready."""
        if not params and subject is None:
            return self._bare
        return self._make(params, subject)

    def _make(self, params: Mapping[str, str], subject: str | None) -> Plan:
        endpoint, identity = self.endpoint, self._identity
        form = self._fixed_form
        if params:
            form = encode_form(params) + b"&" + form
        identical = fingerprint(identity.account, endpoint.path, {**endpoint.fixed, **params})
        charges = tuple((rule, identical if key is None else key) for rule, key in self._rules)
        if subject is not None:
            # The second of two such calls waits for the outcome of the first, before it takes any token.
            key = fingerprint(identity.account, f"subject {endpoint.name}", {"subject": subject})
            charges = ((self._subject, key), *charges)
        return Plan(form, Demand(endpoint.name, identity.account, identity.credential, identity.gateway, charges))


def _strictest(rules: list[tuple[Rule, bytes | None]]) -> list[tuple[Rule, bytes | None]]:
    """
    Give one rule for each key, the strictest; those of identical requests first.

    A call must not wait for a token that it has reserved itself; and one that waits for identical requests must hold
    no token that other requests of the action could use.
    """
    by_key: dict[bytes | None, Rule] = {}
    for rule, key in rules:
        if key not in by_key or rule.n < by_key[key].n:
            by_key[key] = rule
    return sorted(((rule, key) for key, rule in by_key.items()), key=lambda pair: pair[1] is not None)
