"""
Replies in XML (``fmt=2``), read with expat.

A document type is refused before it can declare anything, so no entity exists beyond XML's own five, and nothing is
ever fetched. The declaration of an encoding is overruled: the text is decoded already.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NoReturn
from xml.parsers import expat

import attrs

from smsc_async._wire.outcome import Plain, Refusal, Undecodable
from smsc_async._wire.shape import Holds, Layout

if TYPE_CHECKING:
    from smsc_async._wire.shape import Shape

__all__ = ["read"]

_MAX_DEPTH: Final = 8  # a reply nests four deep
_CODE: Final = re.compile(r"[0-9]{1,9}")
_NO_DOCUMENT_TYPE: Final = "XML with a document type, which no reply has"


@attrs.define
class _Element:
    tag: str
    text: str = ""
    children: list[_Element] = attrs.field(factory=list)

    def child(self, tag: str) -> str | None:
        """Give the text of the first child *tag*."""
        return next((child.text for child in self.children if child.tag == tag), None)


def read(text: str, shape: Shape) -> Plain | Refusal:
    """Give the record or the list of records in *text*, or the refusal that it is."""
    root = _parse(text, rootless=shape.layout is Layout.RECORD and shape.root in shape.by_wire)
    code = root.child("error_code")
    if code is not None or root.child("error") is not None:
        return _refusal(root, code)
    match shape.layout:
        case Layout.LIST:
            if root.tag == shape.item:  # one record, without the list around it
                return [_record(root, shape)]
            if root.tag != shape.root or any(child.tag != shape.item for child in root.children):
                raise Undecodable(f"XML that is no <{shape.root}> of <{shape.item}>")
            return [_record(child, shape) for child in root.children]
        case Layout.RECORD:
            if root.tag not in {shape.root, "result"}:
                raise Undecodable(f"XML that is no <{shape.root}>")
            return _record(root, shape)
        case Layout.OK:
            if root.tag != "result" or root.text.strip() != "OK":  # beside tags there is no text
                raise Undecodable("XML that does not say OK")
            return {"result": "OK"}
        case _:
            return _anything(root)


def _refusal(root: _Element, code: str | None) -> Refusal:
    if code is None or not _CODE.fullmatch(code.strip()) or not int(code):
        raise Undecodable("a refusal in XML without a number")
    subject = root.child("id")
    return Refusal(int(code), (root.child("error") or "").strip(), subject.strip() if subject else None)


def _record(element: _Element, shape: Shape) -> dict[str, object]:
    record: dict[str, object] = {}
    for child in element.children:
        field = shape.by_wire.get(child.tag)
        if field is None:
            continue
        if child.tag in record:
            raise Undecodable(f"XML with <{child.tag}> twice in one record")
        if field.holds is Holds.PHONES and child.children:
            record[child.tag] = [phone.text.strip() for phone in child.children]
        elif child.children:
            raise Undecodable(f"XML with tags inside <{child.tag}>")
        else:
            record[child.tag] = child.text if field.holds is Holds.TEXT else child.text.strip()
    return record


def _anything(element: _Element) -> object:
    """Give text, a record, or for tags that stand more than once a list, as the tags suggest."""
    if not element.children:
        return element.text
    found: dict[str, list[object]] = {}
    for child in element.children:
        found.setdefault(child.tag, []).append(_anything(child))
    if len(found) == 1 and (element.tag == "list" or len(element.children) > 1):
        return next(iter(found.values()))
    return {tag: values[0] if len(values) == 1 else values for tag, values in found.items()}


# From text to elements --------------------------------------------------------------------------------------------


def _parse(text: str, *, rootless: bool) -> _Element:
    """
    Give the root element.

    Args:
        text: The reply.
        rootless: Whether the record's tags may stand side by side without a root; they are put into ``<result>``.
    """
    if rootless:
        if text.lstrip().startswith("<?xml"):
            text = text.partition("?>")[2]
        text = f"<result>{text}</result>"
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = reader.document_type
    try:
        parser.Parse(text.encode("utf-8"), True)  # noqa: FBT003 - expat's own signature
    except expat.ExpatError as problem:
        what = expat.ErrorString(problem.code)
        raise Undecodable(f"broken XML: {what} (line {problem.lineno}, column {problem.offset})") from None
    (root,) = reader.top.children
    match root.children:
        case [inner] if rootless and inner.children:
            return inner  # it had a root after all
        case _:
            return root


class _Reader:
    """Collects elements as expat meets them."""

    def __init__(self) -> None:
        self.top = _Element("")
        self._open = [self.top]

    def start(self, tag: str, _: object) -> None:
        if len(self._open) > _MAX_DEPTH:
            raise Undecodable(f"XML that nests deeper than {_MAX_DEPTH}")
        element = _Element(tag)
        self._open[-1].children.append(element)
        self._open.append(element)

    def end(self, _: str) -> None:
        element = self._open.pop()
        if element.children and element.text.strip():
            raise Undecodable(f"XML with text between the tags in <{element.tag[:40]}>")

    def characters(self, text: str) -> None:
        self._open[-1].text += text

    def document_type(self, *_: object) -> NoReturn:
        raise Undecodable(_NO_DOCUMENT_TYPE)
