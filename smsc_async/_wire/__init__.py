"""The wire, without a network: parameters to bytes and fingerprints, bytes to plain data or a refusal."""

from __future__ import annotations

from smsc_async._wire.arguments import check_text, flag, phone, seconds, whole_number
from smsc_async._wire.form import action_fingerprint, encode_form, fingerprint
from smsc_async._wire.json_form import not_a_number
from smsc_async._wire.nesting import check_nesting
from smsc_async._wire.outcome import Plain, Refusal, Undecodable
from smsc_async._wire.parts_form import FormParts, encode_parts
from smsc_async._wire.reply import FILE_HEAD, decode, file_problem
from smsc_async._wire.shape import Field, Holds, Layout, ReplyFormat, Shape
from smsc_async._wire.template import Template
from smsc_async._wire.xml_tree import Element, parse_xml

__all__ = [
    "FILE_HEAD",
    "Element",
    "Field",
    "FormParts",
    "Holds",
    "Layout",
    "Plain",
    "Refusal",
    "ReplyFormat",
    "Shape",
    "Template",
    "Undecodable",
    "action_fingerprint",
    "check_nesting",
    "check_text",
    "decode",
    "encode_form",
    "encode_parts",
    "file_problem",
    "fingerprint",
    "flag",
    "not_a_number",
    "parse_xml",
    "phone",
    "seconds",
    "whole_number",
]
