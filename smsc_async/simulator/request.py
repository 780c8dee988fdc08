"""A request as the gateway reads it: its endpoint, its parameters, in which format and charset to answer."""

from __future__ import annotations

import email.parser
import email.policy
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl

import attrs

from smsc_async.simulator.asgi import Scope

#: https://smsc.ua/api/http/send/sms: "charset": windows-1251 by default, utf-8, koi8-r.
CHARSETS: Final = ("windows-1251", "utf-8", "koi8-r")
DEFAULT_CHARSET: Final = "windows-1251"

SECRETS: Final = frozenset({"login", "psw", "apikey"})
#: What "identical" leaves out: who asks, and how the answer is to be written.
NOT_COMPARED: Final = SECRETS | {"fmt", "charset"}

#: More parameters than any documented endpoint takes.
MAX_FIELDS: Final = 1_000


#: What makes requests identical, in order.
Compared = tuple[tuple[str, str], ...]


@attrs.frozen
class UploadedFile:
    """A file that came with a request."""

    field: str  # "file0"
    name: str
    content: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Request:
    """What somebody asks of the gateway. The repr shows no parameter, as they hold the password."""

    endpoint: str  # "receive_phones.php"
    method: str = "POST"
    params: Mapping[str, str] = attrs.field(repr=False, factory=dict[str, str])
    charset: str = DEFAULT_CHARSET
    host: str = ""
    client: str = "127.0.0.1"
    forwarded: str = ""  # the first address of X-Forwarded-For
    credentials_in_url: bool = False
    files: tuple[UploadedFile, ...] = attrs.field(repr=False, default=())

    @property
    def fmt(self) -> int:
        """The format of the answer, 0 where none was asked for or an unknown one."""
        fmt = self.params.get("fmt", "0")
        return int(fmt) if fmt in {"0", "1", "2", "3"} else 0

    @property
    def phone(self) -> str:
        """The digits of the parameter `phone`."""
        return digits(self.params.get("phone", ""))

    def flag(self, name: str) -> bool:
        """Tell whether the flag *name* is set, as PHP reads it."""
        return self.params.get(name, "") not in {"", "0"}

    def compared(self) -> Compared:
        """Give the parameters that make requests identical, in order; phones without their spelling."""
        return tuple(
            (name, digits(value) if name == "phone" else value)
            for name, value in sorted(self.params.items())
            if name not in NOT_COMPARED
        )


def digits(text: str) -> str:
    """Keep the digits of a phone number."""
    if text.isascii() and text.isdigit():
        return text
    return "".join(character for character in text if character in "0123456789")


def parse(scope: Scope, body: bytes) -> Request:
    """Read a request: the query and the form together, the form's values winning, as PHP has it."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    content_type = host = forwarded = b""
    for name, value in headers:
        if name == b"content-type":
            content_type = value
        elif name == b"host":
            host = value
        elif name == b"x-forwarded-for":
            forwarded = value
    query = dict(_fields(scope.get("query_string", b"")))
    raw = dict(query)
    files: tuple[UploadedFile, ...] = ()
    if body and content_type.startswith(b"multipart/"):
        fields, files = _multipart(body, content_type)
        raw.update(fields)
    elif body:
        raw.update(_fields(body))
    charset = raw.get("charset", DEFAULT_CHARSET).lower()
    if charset not in CHARSETS:
        charset = DEFAULT_CHARSET
    client: tuple[str, int] | None = scope.get("client")
    return Request(
        endpoint=str(scope["path"]).removeprefix("/sys/"),
        method=scope["method"],
        params={name: _text(value, charset) for name, value in raw.items()},
        charset=charset,
        host=host.decode("latin-1").lower(),
        client=client[0] if client else "",
        forwarded=forwarded.decode("latin-1").partition(",")[0].strip(),
        credentials_in_url=not SECRETS.isdisjoint(query),
        files=files,
    )


def _fields(data: bytes) -> list[tuple[str, str]]:
    # Latin-1 keeps every byte as it is until the charset is known, which is itself one of the fields.
    text = data.decode("latin-1")
    return parse_qsl(text, keep_blank_values=True, encoding="latin-1", max_num_fields=MAX_FIELDS)


def _multipart(body: bytes, content_type: bytes) -> tuple[list[tuple[str, str]], tuple[UploadedFile, ...]]:
    # The official Node library posts multipart, and files come so as file0, file1 (facts sheet, section 1).
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    message = parser.parsebytes(b"Content-Type: " + content_type + b"\r\n\r\n" + body)
    fields: list[tuple[str, str]] = []
    files: list[UploadedFile] = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(payload, bytes):
            continue
        file_name = part.get_filename()
        if file_name is None:
            fields.append((name, payload.decode("latin-1")))
        else:
            files.append(UploadedFile(name, file_name, payload))
    return fields, tuple(files)


def _text(value: str, charset: str) -> str:
    return value if value.isascii() else value.encode("latin-1", "replace").decode(charset, "replace")
