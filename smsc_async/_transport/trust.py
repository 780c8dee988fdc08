"""Whom we believe to be the gateway: the TLS settings, and the way through a proxy; the environment has no say."""

from __future__ import annotations

import functools
import importlib.util
import ssl
from typing import Final

import certifi
import httpx

from smsc_async.errors import InvalidArgument

__all__ = ["checked", "process_context", "through"]

_SCHEMES: Final = ("http", "https", "socks5", "socks5h")


@functools.cache
def process_context() -> ssl.SSLContext:
    """
    Give the one context of the process: certifi's authorities, TLS 1.2 or newer, made on first use (20 ms).

    `ssl.create_default_context` and httpx would read SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE; this does not.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies the certificate and the host's name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=certifi.where())
    return context


def checked(context: ssl.SSLContext) -> ssl.SSLContext:
    """
    Take a user's context, for a private authority, as long as it verifies.

    Raises:
        InvalidArgument: It does not: the password would go to whoever answers.
    """
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        raise InvalidArgument(
            "ssl_context", "must verify certificates and host names; add your authority with load_verify_locations"
        )
    return context


def through(address: str, context: ssl.SSLContext | None) -> httpx.Proxy:
    """
    Take a proxy's address.

    Raises:
        InvalidArgument: It is none, or it needs a package that is not installed.
    """
    problem = ""
    scheme = ""
    try:
        url = httpx.URL(address)
        scheme = url.scheme
        if scheme not in _SCHEMES or not url.host:
            problem = "must be an address such as http://proxy.example:3128"
        elif scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
            problem = "a SOCKS proxy needs the package socksio: pip install httpx[socks]"
    except (httpx.InvalidURL, TypeError):  # their texts quote it, and it may hold a password
        problem = "must be an address such as http://proxy.example:3128"
    if problem:
        raise InvalidArgument("proxy", problem)
    # Left to itself httpcore would make a context for an https proxy that honours SSLKEYLOGFILE.
    return httpx.Proxy(address, ssl_context=(context or process_context()) if scheme == "https" else None)
