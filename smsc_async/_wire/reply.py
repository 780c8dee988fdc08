"""
Bytes to plain data or a refusal, whatever format was asked for and whatever came.

The gateway answers errors with status 200, and sometimes in text although JSON was asked for, so a refusal is looked
for in every format. A success is taken in another format than the one asked for only where its fields carry names.
What cannot be read for sure is `Undecodable`, never a guess.
"""

from __future__ import annotations

import re
from typing import Final

from smsc_async._wire import json_form, text_form, xml_form
from smsc_async._wire.charset import as_text
from smsc_async._wire.outcome import Plain, Refusal, Undecodable
from smsc_async._wire.shape import Layout, ReplyFormat, Shape

__all__ = ["FILE_HEAD", "decode", "file_problem"]

FILE_HEAD: Final = 2048  # bytes: a refusal is shorter, so a longer body is a file
_BOM: Final = b"\xef\xbb\xbf"
_JSON_BEGINS: Final = (b"{", b"[")
_SPACE: Final = b" \t\r\n"
_HTML: Final = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|br|b|center|h1)\b", re.IGNORECASE)
_HALF_REFUSAL: Final = re.compile(rb"ERROR = \d+\s*")  # too little to act upon, and no file either


def decode(body: bytes, *, asked: ReplyFormat, shape: Shape, explicit_empty: bool = False) -> Plain | Refusal:
    """
    Read a reply.

    Args:
        body: All of it.
        asked: The format that was asked for.
        shape: What a success looks like.
        explicit_empty: Whether the empty body came with a length of 0, so that it can be an empty list.

    Raises:
        Undecodable: It cannot be read for sure.
    """
    if body[:1] in _JSON_BEGINS:  # what is asked for, mostly
        return json_form.read(body, shape)
    body = body.removeprefix(_BOM)
    start = body.lstrip(_SPACE)
    match start[:1]:
        case b"":
            return _nothing(asked, shape, explicit_empty=explicit_empty)
        case b"{" | b"[":
            return json_form.read(body, shape)
        case b"<":
            if _HTML.match(start):
                problem = "an HTML page"
                raise Undecodable(problem)
            return xml_form.read(as_text(body), shape)
        case _:
            return text_form.read(as_text(body), asked, shape)


def file_problem(head: bytes, content_type: str, *, complete: bool) -> Refusal | str | None:
    """
    Say what stands in a file's place, judging by its first bytes: a refusal, a problem in words, or nothing.

    A file may begin with anything, so only a whole short body that is nothing but a refusal counts as one.

    Args:
        head: The first `FILE_HEAD` bytes, or fewer where the body is shorter.
        content_type: The header, as it came.
        complete: Whether *head* is the whole body.
    """
    start = head.removeprefix(_BOM).lstrip(_SPACE)
    if complete and not start:
        return "an empty answer"
    # The type alone proves nothing: it is what PHP says where a script says nothing.
    if _HTML.match(start) or (start.startswith(b"<!--") and "html" in content_type.lower()):
        return "an HTML page"
    if not complete:
        return None
    return "half a refusal" if _HALF_REFUSAL.fullmatch(start) else _refusal_in(head)


def _nothing(asked: ReplyFormat, shape: Shape, *, explicit_empty: bool) -> Plain:
    if explicit_empty and shape.layout is Layout.LIST and asked is not ReplyFormat.JSON:
        return []
    problem = "an empty answer"
    raise Undecodable(problem)


def _refusal_in(body: bytes) -> Refusal | None:
    if len(body) > FILE_HEAD:
        return None
    try:
        found = decode(body, asked=ReplyFormat.TEXT, shape=Shape.OK)
    except Undecodable:
        return None
    return found if isinstance(found, Refusal) else None
