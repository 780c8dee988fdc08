"""Bodies of forms that were sent as ``multipart/form-data``. The only room that knows python-multipart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smsc_async.errors import MalformedCallback
from smsc_async.webhooks._fields import MOST_FIELDS, collected, decoded

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from smsc_async.webhooks._fields import Fields

__all__ = ["read"]

_LONGEST_BOUNDARY: Final = 70  # RFC 2046, 5.1.1


def read(body: bytes, content_type: str, charset: str, known: frozenset[str]) -> Fields:
    """
    Give the fields of a form.

    Raises:
        MalformedCallback: It is no such form, or python-multipart is not installed.
    """
    try:
        from python_multipart.exceptions import FormParserError  # noqa: PLC0415 - only such bodies need it
        from python_multipart.multipart import MultipartParser, parse_options_header  # noqa: PLC0415
    except ImportError:
        raise MalformedCallback("it is a form in parts; install smsc-async[multipart] to read those") from None
    _, options = parse_options_header(content_type.encode("latin-1", "replace"))
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise MalformedCallback("it is a form in parts without a boundary")
    parts = _Parts(parse_options_header)
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise MalformedCallback("it is a broken form in parts") from None
    if not parts.ended:
        raise MalformedCallback("it is a form in parts without an end")
    return decoded(collected(parts.found, known), charset)


class _Parts:
    """Collects the parts as the parser meets them."""

    def __init__(self, options_of: Callable[[bytes], tuple[bytes, dict[bytes, bytes]]]) -> None:
        self.found: list[tuple[str, str]] = []
        self.ended = False
        self._options_of = options_of
        self._begin()

    def callbacks(self) -> Any:
        """Give what the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._more_name,
            "on_header_value": self._more_value,
            "on_header_end": self._header,
            "on_part_data": self._more_data,
            "on_part_end": self._end,
            "on_end": self._over,
        }

    def _begin(self) -> None:
        self._field, self._value, self._data = bytearray(), bytearray(), bytearray()
        self._name: str | None = None

    def _more_name(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _more_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _more_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def _header(self) -> None:
        if bytes(self._field).lower() == b"content-disposition":
            _, options = self._options_of(bytes(self._value))
            if b"filename" in options or b"filename*" in options:
                raise MalformedCallback("it holds a file")
            self._name = options.get(b"name", b"").decode("latin-1")
        self._field, self._value = bytearray(), bytearray()

    def _end(self) -> None:
        if not self._name:
            raise MalformedCallback("it has a part without a name")
        if len(self.found) >= MOST_FIELDS:
            raise MalformedCallback(f"it has more than {MOST_FIELDS} fields")
        self.found.append((self._name, self._data.decode("latin-1")))

    def _over(self) -> None:
        self.ended = True
