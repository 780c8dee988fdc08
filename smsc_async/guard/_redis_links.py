"""
The connections of a process, one for each event loop: opened when needed, handed on, and mended; and what was not told.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from smsc_async._loops import current_loop
from smsc_async.guard._redis_answers import Refused
from smsc_async.guard._redis_door import Unreachable
from smsc_async.guard._redis_link import Link
from smsc_async.guard._redis_script import SCRIPT, channel, command

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async._loops import Loop
    from smsc_async.guard._redis_door import Door, Opened
    from smsc_async.guard._redis_link import Asked

__all__ = ["Links"]

_MOST_UNTOLD: Final = 10_000  # steps kept for a server that is away; what is beyond ends by its lease


class Links:
    """
    All connections of a guard.

    Args:
        door: Where the server is.
        met: Called with each connection's beginning, before it is used.
        heard: Called with the name of a bucket of which a token is this process's to ask for.
    """

    def __init__(self, door: Door, met: Callable[[Opened], object], heard: Callable[[bytes, bytes], object]) -> None:
        self.door = door
        self.member: bytes = b""
        self.channels: dict[bytes, bytes] = {}  # by the account's hash, of those that calls were made of
        self.untold: deque[tuple[bytes, bytes]] = deque(maxlen=_MOST_UNTOLD)  # steps that the server may not know of
        self._met = met
        self._heard = heard
        self._links: dict[Loop, Link] = {}
        self._ear: Link | None = None  # the one that hears what the server tells
        self._opening: dict[Loop, anyio.Lock] = {}
        self._lock = threading.Lock()

    def known(self, loop: Loop) -> Link | None:
        """Give the loop's connection, if it has one that works."""
        link = self._links.get(loop)
        return None if link is None or link.closed else link

    async def link(self) -> Link:
        """
        Give a connection for the running event loop.

        Raises:
            Unreachable: There is no server, or it does not answer.
            Refused: It cannot be the guard, as it is.
        """
        loop = current_loop()
        link = self.known(loop) or self._take_over(loop)
        if link is not None:
            return link
        async with self._opening.setdefault(loop, anyio.Lock()):
            link = self.known(loop)
            if link is None:
                wanted = [True]
                try:
                    opened = await anyio.to_thread.run_sync(self._open, wanted, abandon_on_cancel=True)
                except BaseException:
                    wanted.clear()
                    raise
                self._met(opened)
                link = Link(opened.socket, [command(b"SCRIPT", b"LOAD", SCRIPT.encode())], self._told, self._lost)
                self._use(link, loop)
        return link

    def _open(self, wanted: list[bool]) -> Opened:
        """Open a connection; in a thread, whose caller may have gone meanwhile."""
        opened = self.door.open()
        if not wanted:
            opened.socket.close()
        return opened

    def _use(self, link: Link, loop: Loop) -> None:
        with self._lock:
            gone = [known for known in self._links if not known.is_alive()]
            old = [self._links.pop(known) for known in gone]
            for known in gone:
                self._opening.pop(known, None)
            if (before := self._links.get(loop)) is not None:
                old.append(before)
            self._links[loop] = link
        for known_link in old:
            known_link.close()
        link.attach(loop)
        if self._ear is None or self._ear.closed:
            self._ear = link
            for name in self.channels.values():
                link.say(command(b"SUBSCRIBE", name))
        self.tell_untold(link)

    def _take_over(self, loop: Loop) -> Link | None:
        """Take the connection of an event loop that is gone, if there is one."""
        with self._lock:
            for gone, link in list(self._links.items()):
                if not gone.is_alive():
                    del self._links[gone]
                    if not link.closed:
                        break
            else:
                return None
        self._use(link, loop)
        return self.known(loop)

    def listen(self, hash_name: bytes) -> None:
        """Hear of the account from now on."""
        name = self.channels[hash_name] = channel(hash_name, self.member)
        if self._ear is not None and not self._ear.closed:
            self._ear.say(command(b"SUBSCRIBE", name))

    def tell(self, loop: Loop | None, step: bytes, lease: bytes) -> bool:
        """Tell the server, on the connection of *loop* or on another; tell whether there was one."""
        links = self._links
        link = links.get(loop) if loop is not None else None
        for candidate in (link, *list(links.values())):
            if candidate is not None and candidate.tell(step, lease):
                return True
        self.untold.append((step, lease))
        return False

    def tell_untold(self, link: Link) -> None:
        """Tell what could not be told before."""
        for _ in range(len(self.untold)):
            if self.untold and not link.closed:
                link.tell(*self.untold.popleft())

    def _lost(self, link: Link, untold: list[Asked]) -> None:
        self.untold.extend((asked.step, asked.lease) for asked in untold)
        if self._ear is link:
            self._ear = None

    def _told(self, name: bytes, field: bytes) -> None:
        hash_name, _, _ = name.rpartition(b":")
        self._heard(hash_name, field)

    def close(self) -> None:
        """Let the server read what was told, and end all connections; also at the process's end."""
        if self.untold:
            with suppress(Unreachable, Refused):
                opened = self.door.open()
                link = Link(opened.socket, (), self._told, self._lost)
                self.tell_untold(link)
                link.close()
        for link in list(self._links.values()):
            link.close()
        self._links.clear()

    def after_fork(self, member: bytes) -> None:
        """In a child process: begin anew."""
        for link in self._links.values():
            link.abandon()
        self._links, self._opening, self._ear = {}, {}, None
        self._lock = threading.Lock()
        self.untold.clear()
        self.member = member
        self.channels = {name: channel(name, member) for name in self.channels}
