"""A proxy that leads HTTPS to the simulator, whatever host was meant: for clients whose address cannot be set."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import trustme

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

__all__ = ["tunnel_to"]


@contextmanager
def tunnel_to(url: str, folder: Path) -> Generator[tuple[str, Path]]:
    """
    Serve while the block lasts; give the proxy's address, and the file of the authority to trust.

    Args:
        url: Where the simulator listens.
        folder: Where the file is written.
    """
    authority = trustme.CA()
    trusted = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_accept, args=(listener, authority, url), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", trusted
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _accept(listener: socket.socket, authority: trustme.CA, url: str) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # the block has ended
        threading.Thread(target=_lead, args=(client, authority, url), daemon=True).start()


def _lead(client: socket.socket, authority: trustme.CA, url: str) -> None:
    """Open the tunnel that is asked for, end its TLS here, and pass bytes on until one side has no more."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(65_536)
    host = head.split()[1].rpartition(b":")[0].decode()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    server = urlsplit(url)
    with (
        context.wrap_socket(client, server_side=True) as inside,
        socket.create_connection((server.hostname, server.port)) as outside,
    ):
        back = threading.Thread(target=_pass_on, args=(outside, inside), daemon=True)
        back.start()
        _pass_on(inside, outside)
        back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other side is gone
