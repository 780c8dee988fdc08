"""Decoders that guess, overlook or break: what is no value becomes one, or the other way round."""

from __future__ import annotations

from typing import Final

from tests.proof.zoo.animals import Animal, change

__all__ = ["ANIMALS"]

_ARGUMENTS: Final = "_wire/arguments.py"
_CHARSET: Final = "_wire/charset.py"
_FIELDS: Final = "_convert/fields.py"
_JSON_FORM: Final = "_wire/json_form.py"
_REPLY: Final = "_wire/reply.py"
_TEXT_FORM: Final = "_wire/text_form.py"
_XML_FORM: Final = "_wire/xml_form.py"
_XML_TREE: Final = "_wire/xml_tree.py"

ANIMALS: Final = (
    Animal(
        "refusals in the format asked for only",
        "A refusal in text is not recognised where JSON was asked for.",
        ("P5", "P10"),
        (
            change(
                _REPLY,
                "return text_form.read(as_text(body), asked, shape)\n",
                """
                if asked is ReplyFormat.JSON:
                    raise Undecodable("no JSON")
                return text_form.read(as_text(body), asked, shape)
                """,
            ),
        ),
        ("tests/wire/test_refusals.py::test_a_refusal_is_recognised",),
    ),
    Animal(
        "a refusal in a list is missed",
        "An error in a list of one is taken for a record.",
        ("P10",),
        (
            change(
                _JSON_FORM,
                'if type(alone) is dict and ("error_code"',
                'if alone is data and type(alone) is dict and ("error_code"',
            ),
        ),
        ("tests/wire/test_refusals.py::test_a_refusal_may_be_written_a_little_differently",),
    ),
    Animal(
        "a quoted number is no number",
        "A refusal whose number stands in quotes cannot be read.",
        ("P5", "P10"),
        (change(_JSON_FORM, "code = int(code)\n", "pass\n"),),
        ("tests/wire/test_refusals.py::test_a_refusal_may_be_written_a_little_differently",),
    ),
    Animal(
        "a number without a text is no refusal",
        "A refusal that has a number and no words is taken for a record.",
        ("P10",),
        (change(_JSON_FORM, '("error_code" in alone or (alone is data and "error" in alone))', '"error" in alone'),),
        ("tests/wire/test_refusals.py::test_a_refusal_may_be_written_a_little_differently",),
    ),
    Animal(
        "the short refusal is missed",
        "The two numbers by which the CSV form refuses are taken for a record.",
        ("P5", "P10"),
        (
            change(
                _TEXT_FORM,
                "if found := (_NUMBER_OF_MESSAGE if of_message else _NUMBER).fullmatch(text):\n",
                "if (found := _NUMBER.fullmatch(text)) and not text:\n",
            ),
        ),
        ("tests/wire/test_refusals.py::test_a_refusal_is_recognised",),
    ),
    Animal(
        "money is a float",
        "Amounts are read as binary fractions, and cents are lost.",
        ("P10", "row P14"),
        (
            change(_FIELDS, "return Decimal(text)\n", "return Decimal(float(text))\n"),
            change(
                _FIELDS,
                "return map(Decimal, values) if of is str",
                "return map(Decimal, map(float, values)) if of is str",
            ),
        ),
        (
            "tests/wire/test_samples.py::test_a_recorded_reply_is_what_it_should_be",
            "tests/wire/test_round_trips.py::test_a_price_comes_out_as_it_went_in",
        ),
    ),
    Animal(
        "money with a comma",
        "An amount with a decimal comma, or an exponent, is money too.",
        ("P10", "row P14"),
        (
            change(
                _FIELDS,
                '_MONEY: Final = r"-?[0-9]{1,18}(?:\\.[0-9]{1,18})?"',
                '_MONEY: Final = r"-?[0-9]{1,18}(?:\\.[0-9]{1,18})?(?:[eE][0-9]{1,2})?"',
            ),
        ),
        ("tests/reliability/test_paid_rows.py::test_what_is_no_amount_is_no_money",),
    ),
    Animal(
        "NaN is a number",
        "JSON may hold NaN and Infinity, which it does not have.",
        ("P10", "row P14"),
        (
            change(
                _JSON_FORM,
                'raise Undecodable("JSON with NaN or Infinity, which it does not have")',
                'return float("nan")',
            ),
            change(_JSON_FORM, "def not_a_number(_: str) -> NoReturn:", "def not_a_number(_: str) -> float:"),
        ),
        ("tests/wire/test_json.py::test_what_is_wrong_with_json_is_said",),
    ),
    Animal(
        "the last of two names counts",
        "Of a name that stands twice in one record the last value is taken.",
        ("P10",),
        (change(_JSON_FORM, "return data if _is_plain(body, data) else _careful(body)", "return data"),),
        ("tests/wire/test_json.py::test_bad_json_is_undecodable",),
    ),
    Animal(
        "colons prove nothing",
        "A body with a colon in a text is taken for one without names that stand twice.",
        ("P10",),
        (change(_JSON_FORM, 'if body.count(b":") == names:\n', 'if body.count(b":") >= names:\n'),),
        ("tests/wire/test_json.py::test_bad_json_is_undecodable",),
    ),
    Animal(
        "any depth",
        "JSON may nest as deep as it likes.",
        ("P10",),
        (change("_wire/nesting.py", "if depth > most:\n", "if depth < 0:\n"),),
        ("tests/wire/test_json.py::test_what_is_wrong_with_json_is_said",),
    ),
    Animal(
        "half of a pair",
        "Half of a surrogate pair in a reply becomes a text that cannot be written anywhere.",
        ("P10",),
        (change(_JSON_FORM, "if _SURROGATE.search(text):\n", "if not text:\n"),),
        ("tests/wire/test_json.py::test_bad_json_is_undecodable",),
    ),
    Animal(
        "optional fields must be there",
        "A task without a file cannot be read.",
        ("P10",),
        (
            change(_TEXT_FORM, 'line += f"[{part}]" if named and field.optional else part', "line += part"),
            change(
                "_convert/records.py",
                'return None if value is None or value == "" else hook(value, inner)',
                "return hook(value, inner)",
            ),
        ),
        ("tests/wire/test_convert.py::test_optional_fields_may_be_missing_empty_or_null",),
    ),
    Animal(
        "nothing but UTF-8",
        "The windows-1251 in which the gateway sometimes answers becomes question marks.",
        ("P10",),
        (change(_CHARSET, 'return body.decode("cp1251", "replace")', 'return body.decode("utf-8", "replace")'),),
        ("tests/wire/test_refusals.py::test_a_refusal_in_windows_1251_is_recognised",),
    ),
    Animal(
        "latin-1",
        "Texts are read in the charset that never fails.",
        ("P10",),
        (change(_CHARSET, 'return body.decode("utf-8")\n', 'return body.decode("latin-1")\n'),),
        ("tests/wire/test_samples.py::test_a_recorded_reply_is_what_it_should_be",),
    ),
    Animal(
        "entities are expanded",
        "XML may declare entities, and a small answer becomes a large one.",
        ("P10",),
        (change(_XML_TREE, "parser.StartDoctypeDeclHandler = reader.document_type\n", ""),),
        ("tests/wire/test_xml.py::test_bad_xml_is_undecodable",),
    ),
    Animal(
        "the encoding that XML declares",
        "XML is read in the encoding that it names, though it was decoded already.",
        ("P10", "H15"),
        (change(_XML_TREE, 'expat.ParserCreate("utf-8")', "expat.ParserCreate()"),),
        ("tests/wire/test_xml.py::test_the_declared_encoding_may_lie",),
    ),
    Animal(
        "a tag that stands twice",
        "Of a tag that stands twice in a record the last one counts.",
        ("P10",),
        (change(_XML_FORM, "if child.tag in record:\n", "if child.tag in ():\n"),),
        ("tests/wire/test_xml.py::test_bad_xml_is_undecodable",),
    ),
    Animal(
        "free text is split",
        "A comma in a free text begins the next field.",
        ("P10",),
        (
            change(_TEXT_FORM, "if len(readings) > 1:\n", "if len(readings) > 9:\n"),
            change(_TEXT_FORM, "(reading,) = readings\n", "reading = max(readings)\n"),
        ),
        ("tests/wire/test_text.py::test_two_free_texts_are_told_apart_by_what_stands_between",),
    ),
    Animal(
        "two numbers are one with a comma",
        "A balance of two whole numbers is read although it may be one with a decimal comma.",
        ("P10", "row P14"),
        (change(_TEXT_FORM, "    if rest and _WHOLE.fullmatch(first) and", "    if not first and"),),
        ("tests/wire/test_text.py::test_what_is_wrong_with_a_text_is_said",),
    ),
    Animal(
        "nothing is an empty list",
        "An empty body is taken for an empty list also where no length said that it was meant.",
        ("P10",),
        (change(_REPLY, "if explicit_empty and shape.layout is", "if shape.layout is"),),
        ("tests/wire/test_text.py::test_an_empty_body_is_an_empty_list_only_with_a_length",),
    ),
    Animal(
        "HTML is an answer",
        "A page for people is read as if it were the gateway's.",
        ("P10", "H6"),
        (change(_REPLY, "if _HTML.match(start):\n", "if not body:\n"),),
        ("tests/wire/test_samples.py::test_a_page_is_no_reply",),
    ),
    Animal(
        "a mark at the beginning",
        "An answer that begins with a byte order mark cannot be read.",
        ("P10",),
        (change(_REPLY, "body = body.removeprefix(_BOM)\n", ""),),
        ("tests/wire/test_json.py::test_unusual_json_is_read",),
    ),
    Animal(
        "the plus stays",
        "A phone with a leading plus and one without are two.",
        ("P10",),
        (change(_FIELDS, "return found[1]\n", "return found[0]\n"),),
        ("tests/wire/test_phones.py::test_a_phone_is_its_digits_however_it_was_written",),
    ),
    Animal(
        "unknown numbers are errors",
        "A status or a kind that the vendor adds makes the whole list unreadable.",
        ("P10",),
        (change("values.py", "if type(value) is not int:\n", "if type(value) is int:\n"),),
        ("tests/wire/test_values.py::test_an_unknown_number_is_a_member",),
        fails_with=("ValueError",),
    ),
    Animal(
        "True is a number",
        "A yes is read as 1.",
        ("P10",),
        (
            change(
                _FIELDS,
                """
                if type(value) is int and value in _INTEGERS:
                    return value
                """,
                """
                if isinstance(value, int) and value in _INTEGERS:
                    return value
                """,
            ),
        ),
        ("tests/wire/test_convert.py::test_a_bad_field_is_named",),
    ),
    Animal(
        "flags are anything",
        "0 is taken for False where a yes or no is asked for, and means the opposite at the gateway.",
        ("P10",),
        (change(_ARGUMENTS, "if type(value) is not bool:\n", "if type(value) is str:\n"),),
        ("tests/wire/test_arguments.py::test_what_is_no_bool_is_no_flag",),
    ),
    Animal(
        "control characters are sent",
        "A line break in a parameter goes out.",
        ("P10", "H14"),
        (change(_ARGUMENTS, '"[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]"', '"[\\x00\\ud800-\\udfff]"'),),
        ("tests/wire/test_arguments.py::test_text_that_cannot_be_sent_is_refused",),
    ),
)
