"""A call made ready: its form without credentials, and what it asks of the guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from smsc_async._endpoint import Scope
from smsc_async._wire import Layout, Template, action_fingerprint, encode_form, encode_parts, fingerprint
from smsc_async.guard import Demand, Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smsc_async._calling import Attachment
    from smsc_async._endpoint import Endpoint
    from smsc_async._options import Options
    from smsc_async._shared import Shared
    from smsc_async._wire import FormParts

__all__ = ["Route"]

_DOWNLOADS: Final = b"downloads"  # the key of the slots that files may hold; no digest is that short
_MANY: Final = 64  # sets of parameter names to remember; an endpoint of ours has a few, `Session.call` any


class Route:
    """
    What is the same for every call of an endpoint in one session; kept, because most calls differ little or not.
    """

    def __init__(self, endpoint: Endpoint[Any], options: Options, shared: Shared) -> None:
        guard, identity = shared.guard, shared.identity
        self.endpoint = endpoint
        self.urls = [f"{host}/sys/{endpoint.path}" for host in shared.hosts]
        self._identity = identity
        written = options.reply_format if endpoint.reply_format is None else endpoint.reply_format
        self._of_session = {"fmt": str(int(written)), "charset": "utf-8"}
        self._rules: list[tuple[Rule, bytes | None]] = []  # with the key, where it is always the same
        action = action_fingerprint(identity.account, endpoint.path, endpoint.fixed)
        lower = guard.limits.get(endpoint.name)
        for limit in endpoint.limits:
            identical = limit.scope is Scope.IDENTICAL and guard.identical == "request"
            reason = Reason.IDENTICAL if limit.scope is Scope.IDENTICAL else Reason.ACTION
            n = limit.n if lower is None else min(limit.n, lower)
            self._rules.append((Rule(endpoint.name, reason, n), None if identical else action))
        self._rules = _strictest(self._rules)
        self._lasts = options.timeout
        if endpoint.shape.layout is Layout.FILE:
            self._lasts = options.download_timeout
            rule = Rule(endpoint.name, Reason.DOWNLOADS, guard.max_downloads, rests=False)
            self._rules.append((rule, _DOWNLOADS))
        self._subject = Rule(endpoint.name, Reason.SUBJECT, 1, rests=False)
        self._templates: dict[tuple[str, ...], Template] = {}
        form = encode_form({**endpoint.fixed, **self._of_session})
        self._without_params = form, fingerprint(identity.account, endpoint.path, endpoint.fixed)

    def plan(self, params: Mapping[str, str], subject: str | None) -> tuple[bytes, Demand]:
        """Make a call ready, to be sent any number of times: give its urlencoded form, and what it needs."""
        if params:
            names = tuple(params)
            template = self._templates.get(names) or self._template(names)
            form, identical = template.fill(params)
        else:
            form, identical = self._without_params
        charges = [(rule, identical if key is None else key) for rule, key in self._rules]
        if subject is not None:
            # The second of two such calls waits for the outcome of the first, before it takes any token.
            account, about = self._identity.account, f"subject {self.endpoint.subject_of or self.endpoint.name}"
            charges.insert(0, (self._subject, fingerprint(account, about, {"subject": subject})))
        endpoint = self.endpoint
        return form, Demand(endpoint.name, self._identity, charges, may_block=endpoint.may_block, lasts=self._lasts)

    def in_parts(self, params: Mapping[str, str], files: Sequence[Attachment]) -> FormParts:
        """Give the form of a call that has files."""
        return encode_parts({**self.endpoint.fixed, **self._of_session, **params}, files)

    def _template(self, names: tuple[str, ...]) -> Template:
        if len(self._templates) >= _MANY:
            self._templates.clear()
        endpoint, account = self.endpoint, self._identity.account
        template = self._templates[names] = Template(
            account,
            endpoint.path,
            fixed=endpoint.fixed,
            session=self._of_session,
            names=names,
            not_compared=endpoint.not_compared,
        )
        return template


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
