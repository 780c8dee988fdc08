"""Sends in process, with what every send needs."""

from __future__ import annotations

from typing import Any

from smsc_async.simulator import Message, Simulator
from tests.simulator.asking import CREDENTIALS, Reply, ask, ask_async, run

PHONE = "380671234567"
OTHER = "380501112233"


def send(gateway: Simulator, phones: str = PHONE, mes: str = "Hello", **params: Any) -> Reply:
    """Send *mes* to *phones*."""
    return ask(gateway, "send", phones=phones, mes=mes, **params)


def only(gateway: Simulator) -> Message:
    """Give the only message that was sent."""
    (message,) = gateway.sent()
    return message


def multipart(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    """Give a form with files and its content type."""
    pieces = [
        f'--b0und\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    pieces += [
        f'--b0und\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'.encode()
        + b"Content-Type: application/octet-stream\r\n\r\n"
        + content
        + b"\r\n"
        for name, (file_name, content) in files.items()
    ]
    return b"".join(pieces) + b"--b0und--\r\n", "multipart/form-data; boundary=b0und"


def post_form(gateway: Simulator, fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> Reply:
    """Post a form with files to send.php."""
    body, content_type = multipart({**CREDENTIALS, "charset": "utf-8", "fmt": "3", **fields}, files)
    headers = [(b"content-type", content_type.encode())]
    return run(ask_async(gateway, "send", {}, body=body, headers=headers))


def code(reply: Reply) -> int:
    """Give the number of the error, 0 where there is none."""
    return int(reply.json.get("error_code", 0))
