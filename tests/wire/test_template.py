"""A template gives what the functions it stands in for give, whatever is put in."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smsc_async._wire import Template, encode_form, fingerprint
from smsc_async.errors import InvalidArgument

NAMES = st.sampled_from(["phone", "ar", "id", "fl[1]", "a%sb", "login", "fmt", "mes"])
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["1", "%s", "%", "", "a b", "ї"]
)
FIXED = VALUES.filter(lambda value: "\0" not in value)  # the endpoint's own values hold none
SESSION = {"fmt": "3", "charset": "utf-8"}


@given(
    params=st.dictionaries(NAMES, VALUES, min_size=1),
    fixed=st.dictionaries(st.sampled_from(["get", "buy", "phone", "x%s"]), FIXED, max_size=2),
    values=st.data(),
)
@example(params={"phone": "380671234567", "ar": "1"}, fixed={"chg": "1"}, values=None)
@example(params={"fl[1]": "1"}, fixed={"get": "%d", "fmt": "2"}, values=None)
@example(params={"fmt": "1", "ar": "1"}, fixed={}, values=None)
def test_a_template_agrees_with_the_form_and_the_fingerprint(
    params: dict[str, str], fixed: dict[str, str], values: st.DataObject | None
) -> None:
    """A filled template is the encoded form and the fingerprint of the same parameters, also when filled again."""
    params.setdefault("country", "ua")
    template = Template("account", "page.php", fixed=fixed, session=SESSION, names=tuple(params))
    for _ in range(2):
        expected = (
            encode_form(fixed) + b"&" * bool(fixed) + encode_form(params) + b"&" + encode_form(SESSION),
            fingerprint("account", "page.php", {**fixed, **params}),
        )
        assert expected == template.fill(params)
        if values is not None:
            params = {name: values.draw(VALUES) for name in params}


def test_what_is_no_text_is_refused_by_a_template_too() -> None:
    """Half of a surrogate pair does not get around the check."""
    template = Template("account", "page.php", fixed={}, session=SESSION, names=("mes",))
    with pytest.raises(InvalidArgument, match="surrogate"):
        template.fill({"mes": "\ud800"})


@pytest.mark.parametrize("names", [("ar\0get", "phone"), ("ar", "\0")])
@pytest.mark.parametrize("fixed", [{}, {"get": "1\0phone"}])
def test_a_name_or_fixed_value_with_the_separator_in_it_is_told_apart(
    names: tuple[str, ...], fixed: dict[str, str]
) -> None:
    """What could be taken for two parameters is counted as the fingerprint counts it."""
    params = dict.fromkeys(names, "7")
    template = Template("account", "page.php", fixed=fixed, session=SESSION, names=names)
    assert fingerprint("account", "page.php", {**fixed, **params}) == template.fill(params)[1]


def test_plain_values_are_put_in_without_making_the_form_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what a template is for: letters and digits cost neither the encoding nor the sorting."""
    template = Template("account", "page.php", fixed={"get": "1"}, session=SESSION, names=("phone", "ar"))
    key = fingerprint("account", "page.php", {"get": "1", "phone": "380671234567", "ar": "x"})
    for function in ("encode_form", "fingerprint"):
        monkeypatch.setattr(f"smsc_async._wire.template.{function}", None)
    filled = template.fill({"phone": "380671234567", "ar": "x"})
    assert (b"get=1&phone=380671234567&ar=x&fmt=3&charset=utf-8", key) == filled


def test_fixed_values_come_first_whatever_the_others_are() -> None:
    """What is cut off behind must not be what makes a price, or a deletion, of a request."""
    template = Template("account", "page.php", fixed={"cost": "1"}, session={}, names=("phones", "mes"))
    for text in ("hi", "hi, there"):
        assert template.fill({"phones": "380671234567", "mes": text})[0].startswith(b"cost=1&phones=380671234567&mes=")
    assert template.fill({"phones": "1", "mes": "hi"})[0].endswith(b"&mes=hi")
    assert template.fill({"phones": "1", "mes": "hi, there"})[0].endswith(b"&mes=hi%2C+there")


@pytest.mark.parametrize("phone", ["380671234567", "+380671234567"])
def test_fixed_values_may_be_left_out_of_the_comparison(phone: str) -> None:
    """Two endpoints at one page have one key where the gateway may count them together."""
    about = {"phone": phone, "id": "m1"}
    asking, deleting = (
        Template(
            "account", "page.php", fixed=fixed, session=SESSION, names=tuple(about), not_compared=frozenset({"del"})
        )
        for fixed in ({}, {"del": "1"})
    )
    assert asking.fill(about)[1] == deleting.fill(about)[1] == fingerprint("account", "page.php", about)
    assert deleting.fill(about)[0].startswith(b"del=1&phone=")
