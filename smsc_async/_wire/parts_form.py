"""Parameters and files to bytes: ``multipart/form-data`` (RFC 7578)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Final, Protocol

import attrs

__all__ = ["FormParts", "encode_parts"]

_LINE: Final = b"\r\n"
_END: Final = b"--"


class _File(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def content(self) -> bytes: ...


@attrs.frozen
class FormParts:
    """A form in parts, up to its end; other fields may be put before it."""

    boundary: str
    content: bytes = attrs.field(repr=False)

    @property
    def content_type(self) -> bytes:
        """Give the header."""
        return f"multipart/form-data; boundary={self.boundary}".encode("ascii")

    def fields(self, params: Mapping[str, str]) -> bytes:
        """Give what stands for some parameters before the content."""
        return _fields(self.boundary, params)


def encode_parts(params: Mapping[str, str], files: Iterable[_File]) -> FormParts:
    """Write *params* and *files*, which the gateway calls ``file0``, ``file1`` and so on."""
    several = list(files)
    digest = blake2b(digest_size=16, person=b"smsc.parts")  # of all of it, so that nothing in it can hold it
    for text in params.values():
        digest.update(text.encode("utf-8"))
    for file in several:
        digest.update(file.content)
    boundary = digest.hexdigest()
    content = [_fields(boundary, params)]
    for number, file in enumerate(several):
        name = file.name.replace("\\", "_").replace('"', "%22")
        head = f'Content-Disposition: form-data; name="file{number}"; filename="{name}"'
        content.append(_part(boundary, head + "\r\nContent-Type: application/octet-stream", file.content))
    content.append(_END + boundary.encode("ascii") + _END + _LINE)
    return FormParts(boundary, b"".join(content))


def _fields(boundary: str, params: Mapping[str, str]) -> bytes:
    return b"".join(
        _part(boundary, f'Content-Disposition: form-data; name="{name}"', text.encode("utf-8"))
        for name, text in params.items()
    )


def _part(boundary: str, head: str, content: bytes) -> bytes:
    return b"".join((_END, boundary.encode("ascii"), _LINE, head.encode("utf-8"), _LINE, _LINE, content, _LINE))
