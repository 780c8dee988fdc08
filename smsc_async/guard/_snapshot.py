"""What a policy knows, as steps for whoever begins to hear of it; and back. Leases in flight are not in it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smsc_async.guard import _steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from smsc_async.guard._policy import Policy
    from smsc_async.guard._steps import Step

__all__ = ["Knowledge", "known"]


def known(policy: Policy, now: float) -> Iterator[Step]:
    """Give what matters still of all accounts and gateways."""
    yield [_steps.FOREIGN, now, policy.foreign]
    for origin, gateway in policy.gateways.items():
        rows = _later(gateway.trials.homes, now), _later(gateway.refused.homes, now)
        yield [_steps.GATEWAY, now, origin, *rows, _steps.save_breaker(gateway.breaker)]
    for name, account in policy.accounts.items():
        slots = account.slots
        yield [_steps.SLOTS, now, name, _later(slots.homes, now), _steps.save_recovery(slots), account.cut_at]
        for credential, breaker in account.credentials.items():
            yield [_steps.CREDENTIAL, now, name, credential, _steps.save_breaker(breaker)]
        for bucket in account.charged(policy.rest, now):
            homes, recovery = _later(bucket.homes, now), _steps.save_recovery(bucket)
            if homes or (recovery and bucket.rule.reason is not _steps.UNSAVED):
                yield [_steps.BUCKET, now, name, bucket.key.hex(), _steps.save_rule(bucket.rule), homes, recovery]


class Knowledge:
    """Puts it into a policy that is new."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.steps: dict[str, Callable[..., None]] = {
            _steps.BUCKET: self._bucket,
            _steps.SLOTS: self._slots,
            _steps.CREDENTIAL: self._credential,
            _steps.GATEWAY: self._gateway,
            _steps.FOREIGN: self._foreign,
        }

    def _bucket(self, moment: float, name: str, key: str, *state: Any) -> None:
        rule, homes, recovery = state
        account = self._policy.account(name)
        bucket = account.take(bytes.fromhex(key), _steps.load_rule(rule), self._policy.rest, moment)
        bucket.homes, bucket.recovery = homes, _steps.load_recovery(recovery)
        account.let_go([bucket])

    def _slots(self, _moment: float, name: str, homes: list[float], recovery: Any, cut_at: float) -> None:
        account = self._policy.account(name)
        account.slots.homes, account.slots.recovery = homes, _steps.load_recovery(recovery)
        account.cut_at = cut_at

    def _credential(self, _moment: float, name: str, credential: str, breaker: list[Any]) -> None:
        _steps.load_breaker(self._policy.account(name).credential(credential), breaker)

    def _gateway(self, _moment: float, origin: str, *state: Any) -> None:
        gateway = self._policy.gateway(origin)
        gateway.trials.homes, gateway.refused.homes, breaker = state
        _steps.load_breaker(gateway.breaker, breaker)

    def _foreign(self, _moment: float, foreign: int) -> None:
        self._policy.foreign = foreign


def _later(homes: Sequence[float], now: float) -> list[float]:
    return [home for home in homes if home > now]
