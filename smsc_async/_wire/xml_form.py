"""Replies in XML (``fmt=2``): elements to records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from smsc_async._wire.outcome import Plain, Refusal, Undecodable
from smsc_async._wire.shape import Holds, Layout
from smsc_async._wire.xml_tree import Element, parse_xml

if TYPE_CHECKING:
    from smsc_async._wire.shape import Shape

__all__ = ["read"]

_CODE: Final = re.compile(r"[0-9]{1,9}")


def read(text: str, shape: Shape) -> Plain | Refusal:
    """Give the record or the list of records in *text*, or the refusal that it is."""
    root = _root(text, rootless=shape.layout is Layout.RECORD and shape.root in shape.by_wire)
    code = root.child("error_code")
    if code is not None or root.child("error") is not None:
        return _refusal(root, code)
    match shape.layout:
        case Layout.LIST:
            if root.tag == shape.item or (not shape.item and root.child(shape.fields[0].wire) is not None):
                return [_record(root, shape)]  # one record, without the list around it
            if shape.item and (root.tag != shape.root or any(child.tag != shape.item for child in root.children)):
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


def _refusal(root: Element, code: str | None) -> Refusal:
    if code is None or not _CODE.fullmatch(code.strip()) or not int(code):
        raise Undecodable("a refusal in XML without a number")
    subject = root.child("id")
    return Refusal(int(code), (root.child("error") or "").strip(), subject.strip() if subject else None)


def _record(element: Element, shape: Shape) -> dict[str, object]:
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


def _anything(element: Element) -> object:
    """Give text, a record, or for tags that stand more than once a list, as the tags suggest."""
    if not element.children:
        return element.text
    found: dict[str, list[object]] = {}
    for child in element.children:
        found.setdefault(child.tag, []).append(_anything(child))
    if len(found) == 1 and (element.tag == "list" or len(element.children) > 1):
        return next(iter(found.values()))
    return {tag: values[0] if len(values) == 1 else values for tag, values in found.items()}


def _root(text: str, *, rootless: bool) -> Element:
    """
    Give the root element.

    Args:
        text: The reply.
        rootless: Whether the record's tags may stand side by side without a root; they are put into ``<result>``.
    """
    if not rootless:
        return parse_xml(text)
    if text.lstrip().startswith("<?xml"):
        text = text.partition("?>")[2]
    root = parse_xml(f"<result>{text}</result>")
    match root.children:
        case [inner] if inner.children:
            return inner  # it had a root after all
        case _:
            return root
