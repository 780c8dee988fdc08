"""Bodies in XML (``fmt=2``): one element for each field, below a root whose name nobody documents."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import TYPE_CHECKING

from smsc_async._wire import Undecodable, parse_xml
from smsc_async.errors import MalformedCallback
from smsc_async.webhooks._fields import MOST_FIELDS, Fields, collected, text_of

if TYPE_CHECKING:
    from smsc_async._wire import Element

__all__ = ["read"]


def read(body: bytes, charset: str, known: frozenset[str]) -> Fields:
    """Give the fields of the root, or of the one record in it; tags in an unknown field are kept as names and texts."""
    text, charset = text_of(body.removeprefix(BOM_UTF8), charset)
    try:
        root = parse_xml(text, most_elements=4 * MOST_FIELDS)
    except Undecodable as problem:
        raise MalformedCallback(f"it is {problem}") from None
    if len(root.children) == 1 and root.children[0].children:  # a list of one record
        (root,) = root.children
    if not root.children:
        raise MalformedCallback("it is XML without fields")
    return Fields(collected([(child.tag, _value(child, known)) for child in root.children], known), None, charset)


def _value(element: Element, known: frozenset[str]) -> str:
    if not element.children:
        return element.text
    if element.tag in known:
        raise MalformedCallback("it has a field that is no single value")
    return "; ".join(f"{child.tag}: {_value(child, known)}" for child in element.children)
