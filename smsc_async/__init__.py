"""
An async SDK for the SMS gateway smsc.ua that keeps its limits, never pays twice and loses no callback.

The names load their rooms when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smsc_async import errors as errors
    from smsc_async import events as events
    from smsc_async import webhooks as webhooks
    from smsc_async._endpoint import Limit, Replay, Scope
    from smsc_async._order import File
    from smsc_async._retry import Retry
    from smsc_async._view import View
    from smsc_async._wire import ReplyFormat
    from smsc_async.clock import Clock, MonotonicClock
    from smsc_async.errors import (
        AccountLocked,
        AddressBlocked,
        AuthenticationFailed,
        CallbackTooLarge,
        CannotDelete,
        ConfirmationExpired,
        ConfirmationInProgress,
        CostUnavailable,
        DeliveryTimeout,
        GatewayError,
        GuardUnavailable,
        IncompleteDownload,
        InsufficientFunds,
        InvalidArgument,
        InvalidArgumentType,
        InvalidDate,
        InvalidParameters,
        InvalidPhone,
        MalformedCallback,
        MessageForbidden,
        MessageOutcomeUnknown,
        NoReply,
        NotSent,
        OutcomeStillUnknown,
        OutcomeUnknown,
        PartlySent,
        RecipientBlacklisted,
        ReplyError,
        SessionClosed,
        SignatureMismatch,
        SmscError,
        StoreUnavailable,
        TaskFailed,
        TaskNotFound,
        TaskNotReady,
        TooManyRequests,
        TransportError,
        Undeliverable,
        UnexpectedRedirect,
        WaitTooLong,
        WebhookError,
        WrongCaptcha,
    )
    from smsc_async.guard import AccountUsage, Guard, LocalGuard, RedisGuard, RuleUsage
    from smsc_async.kinds import (
        Binary,
        CodeCall,
        Email,
        Flash,
        Hlr,
        Kind,
        Mms,
        Ping,
        Redial,
        Sms,
        Social,
        Telegram,
        TelegramBot,
        Transliteration,
        Viber,
        Voice,
        VoiceCall,
        WapPush,
        WhatsAppBot,
    )
    from smsc_async.schedules import Hours, Spread
    from smsc_async.services._sent import Price, Recipient, SentMessage
    from smsc_async.services._states import MessageState
    from smsc_async.services.account import Balance
    from smsc_async.services.calls import CallRequest, ConfirmedCall, PendingConfirmation
    from smsc_async.services.captcha import Captcha
    from smsc_async.services.downloads import DownloadTask, TaskStatus
    from smsc_async.services.inbox import InboxMessage
    from smsc_async.services.messages import new_message_id
    from smsc_async.services.numbers import AvailableNumber, NumberKind, Rental
    from smsc_async.session import Session
    from smsc_async.statuses import DeliveryError, HlrResult, MessageFlags, MessageStatus, MessageType, TemplateKind
    from smsc_async.texts import Encoding, Parts, parts
    from smsc_async.values import Listing, LocalTime

__version__ = "0.1.0"

_ROOMS = {
    "smsc_async._endpoint": ("Limit", "Replay", "Scope"),
    "smsc_async._order": ("File",),
    "smsc_async._retry": ("Retry",),
    "smsc_async._wire": ("ReplyFormat",),
    "smsc_async.clock": ("Clock", "MonotonicClock"),
    "smsc_async.errors": (
        "AccountLocked",
        "AddressBlocked",
        "AuthenticationFailed",
        "CallbackTooLarge",
        "CannotDelete",
        "ConfirmationExpired",
        "ConfirmationInProgress",
        "CostUnavailable",
        "DeliveryTimeout",
        "GatewayError",
        "GuardUnavailable",
        "IncompleteDownload",
        "InsufficientFunds",
        "InvalidArgument",
        "InvalidArgumentType",
        "InvalidDate",
        "InvalidParameters",
        "InvalidPhone",
        "MalformedCallback",
        "MessageForbidden",
        "MessageOutcomeUnknown",
        "NoReply",
        "NotSent",
        "OutcomeStillUnknown",
        "OutcomeUnknown",
        "PartlySent",
        "RecipientBlacklisted",
        "ReplyError",
        "SessionClosed",
        "SignatureMismatch",
        "SmscError",
        "StoreUnavailable",
        "TaskFailed",
        "TaskNotFound",
        "TaskNotReady",
        "TooManyRequests",
        "TransportError",
        "Undeliverable",
        "UnexpectedRedirect",
        "WaitTooLong",
        "WebhookError",
        "WrongCaptcha",
    ),
    "smsc_async.guard": ("AccountUsage", "Guard", "LocalGuard", "RedisGuard", "RuleUsage"),
    "smsc_async.kinds": (
        "Binary",
        "CodeCall",
        "Email",
        "Flash",
        "Hlr",
        "Kind",
        "Mms",
        "Ping",
        "Redial",
        "Sms",
        "Social",
        "Telegram",
        "TelegramBot",
        "Transliteration",
        "Viber",
        "Voice",
        "VoiceCall",
        "WapPush",
        "WhatsAppBot",
    ),
    "smsc_async.services._sent": ("Price", "Recipient", "SentMessage"),
    "smsc_async.services._states": ("MessageState",),
    "smsc_async.services.account": ("Balance",),
    "smsc_async.services.calls": ("CallRequest", "ConfirmedCall", "PendingConfirmation"),
    "smsc_async.schedules": ("Hours", "Spread"),
    "smsc_async.services.captcha": ("Captcha",),
    "smsc_async.services.downloads": ("DownloadTask", "TaskStatus"),
    "smsc_async.services.inbox": ("InboxMessage",),
    "smsc_async.services.messages": ("new_message_id",),
    "smsc_async.services.numbers": ("AvailableNumber", "NumberKind", "Rental"),
    "smsc_async._view": ("View",),
    "smsc_async.session": ("Session",),
    "smsc_async.statuses": (
        "DeliveryError",
        "HlrResult",
        "MessageFlags",
        "MessageStatus",
        "MessageType",
        "TemplateKind",
    ),
    "smsc_async.texts": ("Encoding", "Parts", "parts"),
    "smsc_async.values": ("Listing", "LocalTime"),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}
_MODULES = frozenset({"errors", "events", "webhooks"})

__all__ = [
    "AccountLocked",
    "AccountUsage",
    "AddressBlocked",
    "AuthenticationFailed",
    "AvailableNumber",
    "Balance",
    "Binary",
    "CallRequest",
    "CallbackTooLarge",
    "CannotDelete",
    "Captcha",
    "Clock",
    "CodeCall",
    "ConfirmationExpired",
    "ConfirmationInProgress",
    "ConfirmedCall",
    "CostUnavailable",
    "DeliveryError",
    "DeliveryTimeout",
    "DownloadTask",
    "Email",
    "Encoding",
    "File",
    "Flash",
    "GatewayError",
    "Guard",
    "GuardUnavailable",
    "Hlr",
    "HlrResult",
    "Hours",
    "InboxMessage",
    "IncompleteDownload",
    "InsufficientFunds",
    "InvalidArgument",
    "InvalidArgumentType",
    "InvalidDate",
    "InvalidParameters",
    "InvalidPhone",
    "Kind",
    "Limit",
    "Listing",
    "LocalGuard",
    "LocalTime",
    "MalformedCallback",
    "MessageFlags",
    "MessageForbidden",
    "MessageOutcomeUnknown",
    "MessageState",
    "MessageStatus",
    "MessageType",
    "Mms",
    "MonotonicClock",
    "NoReply",
    "NotSent",
    "NumberKind",
    "OutcomeStillUnknown",
    "OutcomeUnknown",
    "PartlySent",
    "Parts",
    "PendingConfirmation",
    "Ping",
    "Price",
    "Recipient",
    "RecipientBlacklisted",
    "Redial",
    "RedisGuard",
    "Rental",
    "Replay",
    "ReplyError",
    "ReplyFormat",
    "Retry",
    "RuleUsage",
    "Scope",
    "SentMessage",
    "Session",
    "SessionClosed",
    "SignatureMismatch",
    "Sms",
    "SmscError",
    "Social",
    "Spread",
    "StoreUnavailable",
    "TaskFailed",
    "TaskNotFound",
    "TaskNotReady",
    "TaskStatus",
    "Telegram",
    "TelegramBot",
    "TemplateKind",
    "TooManyRequests",
    "Transliteration",
    "TransportError",
    "Undeliverable",
    "UnexpectedRedirect",
    "Viber",
    "View",
    "Voice",
    "VoiceCall",
    "WaitTooLong",
    "WapPush",
    "WebhookError",
    "WhatsAppBot",
    "WrongCaptcha",
    "__version__",
    "errors",
    "events",
    "new_message_id",
    "parts",
    "webhooks",
]


def __getattr__(name: str) -> Any:
    """Load the room that *name* lives in."""
    if name in _MODULES:
        return importlib.import_module(f"smsc_async.{name}")
    if name not in _HOME:
        message = f"module 'smsc_async' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
