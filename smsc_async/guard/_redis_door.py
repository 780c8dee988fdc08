"""
The one room that knows redis-py: from an address to a connection that speaks RESP3, is allowed in, and is a primary's.

It blocks, and runs in a thread. What comes after, the link does by itself.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import attrs
import redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import AuthorizationError
from redis.retry import Retry
from redis.sentinel import Sentinel

from smsc_async.errors import InvalidArgument
from smsc_async.guard._redis_answers import Refused

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

_parse: Final[Any] = parse_url  # redis-py has no types for these
_Sentinel: Final[Any] = Sentinel

__all__ = ["Door", "Opened", "Unreachable"]

_PATIENCE: Final = 3.0  # seconds for each step of connecting
_DISAGREEMENT: Final = 2.0  # seconds; reliability 2.5: HELLO refuses where the clocks are further apart
_SENTINEL: Final = "redis+sentinel"
_SENTINEL_TLS: Final = "rediss+sentinel"


class Unreachable(Exception):
    """No connection; the text holds no secret."""


@attrs.frozen
class Opened:
    """A connection as the link takes it over."""

    socket: socket.socket
    raw: int  # the server's time, in milliseconds
    asked_at: float  # the moment on the guard's clock, before it was asked
    evicts: bool  # whether the server may throw the guard's state away where memory is short


class Door:
    """
    Where the server is, and how to get in.

    Raises:
        InvalidArgument: The address is none.
    """

    def __init__(self, url: str, now: Callable[[], float], wall: Callable[[], float] = time.time) -> None:
        self._now, self._wall = now, wall
        parts = urlsplit(url)
        self._service = ""
        self._options: dict[str, Any]
        self._sentinels: list[tuple[str, int]] = []
        try:
            if parts.scheme in (_SENTINEL, _SENTINEL_TLS):
                self._options = self._sentinel_options(parts)
                self.shown = f"{parts.scheme}://{','.join(f'{host}:{port}' for host, port in self._sentinels)}"
            else:
                self._options = dict(_parse(url))
                self.shown = f"{parts.scheme}://{parts.hostname or parts.path}" + (
                    f":{parts.port}" if parts.port else ""
                )
        except (ValueError, IndexError):
            pass
        else:
            return
        raise InvalidArgument(
            "url", "give an address such as redis://host:6379/0, rediss://, unix:// or redis+sentinel://"
        )

    def _sentinel_options(self, parts: Any) -> dict[str, Any]:
        """Read ``redis+sentinel://user:password@host:26379,host:26379/service/0?...``."""
        login, _, hosts = parts.netloc.rpartition("@")
        for place in hosts.split(","):
            host, _, port = place.rpartition(":") if ":" in place else (place, "", "26379")
            self._sentinels.append((host, int(port)))
        self._service, _, database = parts.path.strip("/").partition("/")
        if not self._service:
            raise ValueError
        options: dict[str, Any] = dict(_parse(f"redis://host/{database or 0}?{parts.query}"))
        options.pop("host")
        user, _, password = login.partition(":")
        if password:
            options["password"] = unquote(password)
        if user:
            options["username"] = unquote(user)
        if parts.scheme == _SENTINEL_TLS:
            options["connection_class"] = redis.SSLConnection
        return options

    def open(self) -> Opened:
        """
        Connect.

        Raises:
            Unreachable: There is no server, or it does not answer.
            Refused: It does not let us in, is no primary, or has another idea of the time.
        """
        connection = None
        try:
            connection = self._connection()
            connection.connect()
            return self._met(connection)
        except (redis.AuthenticationError, AuthorizationError) as error:
            problem: Exception = Refused(f"{self.shown} does not let us in ({_kind(error)})")
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            problem = Unreachable(f"{self.shown} cannot be reached ({_kind(error)})")
        except redis.RedisError as error:
            problem = Refused(f"{self.shown} refuses ({_kind(error)})")
        except Refused as error:
            problem = error
        if connection is not None:
            with suppress(Exception):
                connection.disconnect()
        raise problem  # apart from what redis-py raised, whose texts and frames may hold the password

    def _connection(self) -> Any:
        options = dict(self._options)
        kind = options.pop("connection_class", redis.Connection)
        options |= {
            "protocol": 3,
            "socket_timeout": _PATIENCE,
            "retry": Retry(NoBackoff(), 0),
            "encoding": "utf-8",
            "decode_responses": False,
        }
        if kind is not redis.UnixDomainSocketConnection:
            options.setdefault("socket_connect_timeout", _PATIENCE)
        if self._sentinels:
            keys = {"socket_timeout": _PATIENCE, "socket_connect_timeout": _PATIENCE}
            sentinel: Any = _Sentinel(self._sentinels, sentinel_kwargs=keys)
            try:
                options["host"], options["port"] = sentinel.discover_master(self._service)
            finally:
                for known in sentinel.sentinels:
                    known.close()
        return kind(**options)

    def _met(self, connection: Any) -> Opened:
        asked_at, before = self._now(), self._wall()
        seconds, micros = _ask(connection, "TIME")
        after = self._wall()
        server = int(seconds) + int(micros) / 1_000_000
        if not before - _DISAGREEMENT <= server <= after + _DISAGREEMENT:
            apart = server - (before if server < before else after)
            raise Refused(f"the clocks disagree: that of {self.shown} is {apart:+.1f} s from this machine's")
        about = _about(_ask(connection, "INFO", "replication"))
        if about.get("role") != "master":
            raise Refused(f"{self.shown} is a {about.get('role')}, not a primary")
        evicts = _about(_ask(connection, "INFO", "memory")).get("maxmemory_policy", "").startswith("allkeys")
        sock = connection._sock  # noqa: SLF001 - taken over: redis-py has done its part
        connection._sock = None  # noqa: SLF001
        sock.setblocking(False)  # noqa: FBT003 - its signature
        return Opened(sock, int(server * 1000), asked_at, evicts)


def _ask(connection: Any, *words: str) -> Any:
    connection.send_command(*words)
    return connection.read_response()


def _about(text: Any) -> dict[str, str]:
    lines = text.decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _kind(error: BaseException) -> str:
    """Say what went wrong, without the text of anybody else's making: it could hold what was sent."""
    cause = error.__cause__ or error.__context__ or error
    return (cause.strerror or type(cause).__name__) if isinstance(cause, OSError) else type(error).__name__
