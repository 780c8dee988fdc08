"""What a session offers: every public method, found by looking, and those that never wait, by name."""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import Final

from smsc_async import Session, View
from smsc_async.guard import LocalGuard

__all__ = ["SYNCHRONOUS", "public_methods", "waits"]

#: Methods that return at once; a test looks whether that is true.
SYNCHRONOUS: Final = frozenset({"Session.from_env", "Session.limits", "Session.with_options", "captcha.image_url"})

_PROTOCOLS: Final = ("__aenter__", "__aexit__", "__aiter__", "__anext__", "__await__")


def public_methods() -> dict[str, object]:
    """Give the public methods of a session and of the services that it and its views offer, by their names."""
    found = _methods_of("Session", Session)
    probe = Session(login="a", password="b", guard=LocalGuard())
    for name, member in inspect.getmembers(View):
        if isinstance(member, cached_property | property) and not name.startswith("_"):
            found |= _methods_of(name, type(getattr(probe, name)))
    return found


def _methods_of(name: str, kind: type) -> dict[str, object]:
    return {
        f"{name}.{member}": value
        for member, value in inspect.getmembers(kind, callable)
        if (not member.startswith("_") or member in _PROTOCOLS) and not isinstance(value, type)
    }


def waits(method: object) -> bool:
    """Say whether calling *method* gives something to be awaited, iterated or entered asynchronously."""
    told = str(getattr(method, "__annotations__", {}).get("return", ""))
    return (
        inspect.iscoroutinefunction(method)
        or inspect.isasyncgenfunction(method)
        or any(word in told for word in ("Async", "Awaitable", "Coroutine"))
    )
