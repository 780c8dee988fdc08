"""
Text in XML to elements, with expat.

A document type is refused before it can declare anything, so no entity exists beyond XML's own five, and nothing is
ever fetched. The declaration of an encoding is overruled: the text is decoded already.
"""

from __future__ import annotations

from typing import Final, NoReturn
from xml.parsers import expat

import attrs

from smsc_async._wire.outcome import Undecodable

__all__ = ["Element", "parse_xml"]

_MAX_DEPTH: Final = 8  # a reply nests four deep, a callback two
_NO_DOCUMENT_TYPE: Final = "XML with a document type, which the gateway never writes"


@attrs.define
class Element:
    """A tag, the text in it, and the tags in it; the gateway's attributes are none."""

    tag: str
    text: str = ""
    children: list[Element] = attrs.field(factory=list)

    def child(self, tag: str) -> str | None:
        """Give the text of the first child *tag*."""
        return next((child.text for child in self.children if child.tag == tag), None)


def parse_xml(text: str, *, most_elements: int | None = None) -> Element:
    """
    Give the root element.

    Raises:
        Undecodable: It is broken, nests too deep, has a document type, or more elements than *most_elements*.
    """
    reader = _Reader(most_elements)
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
    return root


class _Reader:
    """Collects elements as expat meets them."""

    def __init__(self, most: int | None) -> None:
        self.top = Element("")
        self._open = [self.top]
        self._left = most

    def start(self, tag: str, _: object) -> None:
        if len(self._open) > _MAX_DEPTH:
            raise Undecodable(f"XML that nests deeper than {_MAX_DEPTH}")
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise Undecodable("XML with too many elements")
        element = Element(tag)
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
