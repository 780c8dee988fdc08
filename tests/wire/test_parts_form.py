"""Forms in parts: what is written is read back by readers that others wrote, whatever is in names and contents."""

from __future__ import annotations

import io
from email import message_from_bytes, policy
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_multipart import parse_form

from smsc_async._order import File
from smsc_async._wire import FormParts, encode_parts


@attrs.frozen
class Loose:
    """A file whose name nobody has checked."""

    name: str
    content: bytes


def read_back(form: FormParts, body: bytes) -> tuple[dict[str, str], list[tuple[str, str, bytes]]]:
    """Read *body* with python-multipart, as a server does: fields, and files by field, name and content."""
    fields: list[tuple[str, str]] = []
    files: list[tuple[str, str, bytes]] = []

    def on_field(field: Any) -> None:
        fields.append((field.field_name.decode(), (field.value or b"").decode()))

    def on_file(file: Any) -> None:
        file.file_object.seek(0)
        files.append((file.field_name.decode(), file.file_name.decode(), file.file_object.read()))

    headers = {"Content-Type": form.content_type, "Content-Length": str(len(body)).encode()}
    parse_form(headers, io.BytesIO(body), on_field, on_file)
    assert len(fields) == len(dict(fields))
    return dict(fields), files


TEXTS = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    ["", "\r\n", "--", "a\nb\n~~~\nc", "--\r\n--"]
)
PARAMS = st.dictionaries(st.sampled_from(["phones", "mes", "list", "subj", "id"]), TEXTS, max_size=5)
CONTENTS = st.binary(min_size=101, max_size=300) | st.sampled_from(
    [b"\r\n" * 60, b"--" * 60, b'Content-Disposition: form-data; name="psw"\r\n\r\n' * 3, bytes(200), b"\xff" * 101]
)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters='"\\'), min_size=1).filter(
    str.strip
)


@given(PARAMS, st.lists(st.builds(File, NAMES, CONTENTS), max_size=3))
def test_fields_and_files_are_read_back(params: dict[str, str], files: list[File]) -> None:
    """Every field, name and content comes out as it went in, in order, the files under the gateway's names."""
    form = encode_parts(params, files)
    expected = [(f"file{number}", file.name, file.content) for number, file in enumerate(files)]
    assert (params, expected) == read_back(form, form.content)


@given(PARAMS, st.builds(File, NAMES, CONTENTS), TEXTS, TEXTS)
def test_what_is_put_before_is_read_too(params: dict[str, str], file: File, login: str, password: str) -> None:
    """Credentials and the format, which are known later, go in front without touching the rest."""
    form = encode_parts(params, [file])
    credentials = {"login": login, "psw": password}
    found = read_back(form, form.fields(credentials) + form.content)
    assert ({**credentials, **params}, [("file0", file.name, file.content)]) == found


@given(
    PARAMS,
    st.lists(st.builds(Loose, st.text(st.characters(codec="utf-8"), min_size=1, max_size=9), CONTENTS), max_size=3),
)
def test_the_boundary_stands_where_parts_begin_and_nowhere_else(params: dict[str, str], files: list[Loose]) -> None:
    """There is one for each part and one at the end, it is a token of at most 70 characters, and it is closed once."""
    form = encode_parts(params, files)
    mark = b"--" + form.boundary.encode()
    assert len(params) + len(files) + 1 == form.content.count(mark)
    assert form.content.endswith(b"\r\n" + mark + b"--\r\n") or form.content == mark + b"--\r\n"
    assert form.boundary.isalnum()
    assert len(form.boundary) <= 70
    assert f"multipart/form-data; boundary={form.boundary}".encode() == form.content_type


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ('a".png', "a%22.png"),
        ('"; name="psw', "%22; name=%22psw"),
        ("a\\b.png", "a_b.png"),
        ("a\\", "a_"),
        ("a;b=c, d.png", "a;b=c, d.png"),
        ("../звіт (1).png", "../звіт (1).png"),
        ("%22.png", "%22.png"),
        (" a ", " a "),
    ],
)
def test_a_name_never_leaves_its_quotes(name: str, expected: str) -> None:
    """Quotes and backslashes, which readers disagree on, are written in another way; all else is kept."""
    form = encode_parts({"mes": "x"}, [Loose(name, bytes(101))])
    assert ({"mes": "x"}, [("file0", expected, bytes(101))]) == read_back(form, form.content)


def test_the_standard_library_reads_it_too() -> None:
    """A reader of another hand, made for mail, finds the same parts with the same types."""
    form = encode_parts({"phones": "+380671234567", "mes": "Вітаємо\nвас"}, [File("a.png", b"\x00\xff\r\n--" * 30)])
    message = message_from_bytes(
        b"Content-Type: " + form.content_type + b"\r\nMIME-Version: 1.0\r\n\r\n" + form.content, policy=policy.HTTP
    )
    found = [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]
    expected = [
        ("phones", None, "text/plain", b"+380671234567"),
        ("mes", None, "text/plain", "Вітаємо\nвас".encode()),
        ("file0", "a.png", "application/octet-stream", b"\x00\xff\r\n--" * 30),
    ]
    assert expected == found
    assert not message.defects


def test_the_same_form_is_the_same_octets() -> None:
    """A repeated request repeats its body; another content has another boundary."""
    files = [File("a.png", bytes(101))]
    assert encode_parts({"mes": "x"}, files) == encode_parts({"mes": "x"}, iter(files))
    assert encode_parts({"mes": "x"}, files).boundary != encode_parts({"mes": "y"}, files).boundary
    assert (
        encode_parts({"mes": "x"}, files).boundary != encode_parts({"mes": "x"}, [File("a.png", bytes(102))]).boundary
    )


def test_a_form_shows_nothing_of_what_it_holds() -> None:
    """Its representation has the boundary alone."""
    form = encode_parts({"mes": "a secret"}, [File("secret.png", b"secret" * 20)])
    assert "secret" not in repr(form)


def test_an_empty_form_is_an_end() -> None:
    """Without fields and files there is a closing boundary, and fields may still be put before it."""
    form = encode_parts({}, [])
    assert f"--{form.boundary}--\r\n".encode() == form.content
    assert ({"fmt": "3"}, []) == read_back(form, form.fields({"fmt": "3"}) + form.content)
