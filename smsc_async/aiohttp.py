"""The optional transport over aiohttp, of the extra ``smsc-async[aiohttp]``."""

from __future__ import annotations

try:
    from smsc_async._transport.over_aiohttp import AiohttpTransport
except ModuleNotFoundError as _error:
    if _error.name not in {"aiohttp", "httpx_aiohttp"}:
        raise
    _what_to_do = "AiohttpTransport needs httpx-aiohttp: pip install 'smsc-async[aiohttp]'"
    raise ImportError(_what_to_do, name=_error.name) from _error

__all__ = ["AiohttpTransport"]
