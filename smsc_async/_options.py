"""What a session, or a view of it, is set to; checked when it is made."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from smsc_async._retry import Retry
from smsc_async._wire import ReplyFormat
from smsc_async.errors import InvalidArgument, InvalidArgumentType

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async.events import Event

__all__ = ["DOWNLOAD_TIMEOUT", "TIMEOUT", "Options"]

TIMEOUT: Final = 30.0  # seconds for one exchange; the gateway's own libraries give up after 60
DOWNLOAD_TIMEOUT: Final = 600.0  # seconds for one file


def _seconds(optional: bool) -> Callable[[Any, attrs.Attribute[Any], Any], None]:  # noqa: FBT001 - private
    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is None and optional:
            return
        if isinstance(value, bool) or not isinstance(value, int | float):
            allowed = "seconds as a number, or None" if optional else "seconds as a number"
            raise InvalidArgumentType(attribute.name, f"give {allowed}, not {type(value).__name__}")
        if not 0 < value < float("inf"):
            raise InvalidArgument(attribute.name, f"give a finite number of seconds above 0, not {value}")

    return check


def _reply_format(value: object) -> ReplyFormat:
    if isinstance(value, bool) or not isinstance(value, int):
        problem = f"give a ReplyFormat, such as ReplyFormat.JSON, not {type(value).__name__}"
        raise InvalidArgumentType("reply_format", problem)
    try:
        return ReplyFormat(value)
    except ValueError:
        raise InvalidArgument("reply_format", f"the gateway has the formats 0 to 3, not {value}") from None


def _check_retry(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not isinstance(value, Retry):
        raise InvalidArgumentType(attribute.name, f"give a Retry or None, not {type(value).__name__}")


def _check_observer(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not callable(value):
        raise InvalidArgumentType(attribute.name, "give a function of one event, or None")


def _amount(value: object) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        problem = f'give an amount as an int or a Decimal, such as Decimal("50"), not {type(value).__name__}'
        raise InvalidArgumentType("low_balance", problem)
    amount = Decimal(value)
    if not amount.is_finite():
        raise InvalidArgument("low_balance", "give a finite amount")
    return amount


@attrs.frozen(kw_only=True)
class Options:
    """
    How calls are made; what `Session.with_options` may change.

    Args:
        reply_format: In which form the gateway is asked to answer; the values are the same.
        timeout: Seconds for one exchange. A file has 600, or this if it is more.
        max_wait: Seconds for a whole call, with queue, back-off and exchange; None is for ever.
        retry: How often calls that may be repeated are; None is never.
        observer: Called with every event.
        low_balance: Below it `LowBalance` is told; None is the cost of the message that was just sent.
    """

    reply_format: ReplyFormat = attrs.field(default=ReplyFormat.JSON, converter=_reply_format)
    timeout: float = attrs.field(default=TIMEOUT, validator=_seconds(optional=False))
    max_wait: float | None = attrs.field(default=None, validator=_seconds(optional=True))
    retry: Retry | None = attrs.field(factory=Retry, validator=_check_retry)
    observer: Callable[[Event], None] | None = attrs.field(default=None, validator=_check_observer, repr=False)
    low_balance: Decimal | None = attrs.field(default=None, converter=_amount, repr=False)

    @property
    def download_timeout(self) -> float:
        """Seconds for one file."""
        return max(DOWNLOAD_TIMEOUT, self.timeout)
