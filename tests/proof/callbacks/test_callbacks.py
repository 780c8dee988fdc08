"""The short part of the proofs, and that they find what is wrong."""

from __future__ import annotations

import json
import re
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from smsc_async.webhooks import _form, _json, _kinds, _reader, _signature
from smsc_async.webhooks._kinds import Kind, Signed
from tests.proof.callbacks import __main__ as program
from tests.proof.callbacks.fuzzing import TARGETS, Failed, fuzz, one_input
from tests.proof.callbacks.genuine import CHARSETS, FORMATS, made_up
from tests.proof.callbacks.tampering import CHANGED, LEFT, RECODED, UNCLEAR, believed, one_tampering, tamper

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_undeclared_escapes_from_what_strangers_post(target: str) -> None:
    """Two thousand spoiled callbacks: events or declared refusals, each within 50 ms of CPU and 32 MiB."""
    found = fuzz(target, 1, 0, 2_000)
    assert 2_000 == found.inputs == found.events + sum(found.refused.values())
    assert found.events > 200
    assert found.refused["MalformedCallback"] > 200
    assert found.refused["SignatureMismatch"] > 50


def test_no_forgery_is_believed_and_every_genuine_callback_is() -> None:
    """Four thousand times: fields and bytes changed, added, taken away, swapped, doubled, written in other charsets."""
    found = tamper(1, 0, 4_000)
    assert found.changed > 1_000
    assert found.genuine > 3_900
    assert found.refused[CHANGED] > 0.99 * found.changed
    assert found.believed[RECODED] > 50
    assert found.believed[LEFT] > 500
    assert found.refused[UNCLEAR] > 100


def test_genuine_callbacks_are_of_every_kind_format_charset_and_digest() -> None:
    """A proof that never came there would prove nothing."""
    made = [made_up(Random(number), form) for number in range(300) for form in FORMATS]
    reached = {(one.kind, one.format, one.charset, one.digest) for one in made}
    assert 3 * (2 * 3 + 2 * 2) * 2 == len(reached)
    assert set(CHARSETS) == {one.charset for one in made}
    assert any(one.hashed != one.charset for one in made)


def test_every_input_follows_from_its_seed_and_number() -> None:
    """Which is what lets one be seen again."""
    assert one_tampering(3, 7) == one_tampering(3, 7) != one_tampering(3, 8)
    assert one_input("json", 3, 7)[0] == one_input("json", 3, 7)[0]


# Faults, made on purpose ------------------------------------------------------------------------------------------


def any_reading(octets: bytes, charset: str) -> Any:
    """Agree that bytes are any text."""
    return Anything(), charset


class Anything:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


def loose(kind: Kind) -> tuple[Signed, ...]:
    """Let anything stand for a phone, and for the number that a message was sent to."""
    anything = {"phone": re.compile(r".+", re.DOTALL), "to": re.compile(r".*", re.DOTALL)}
    return tuple(Signed(one.name, anything.get(one.name, one.grammar), one.required) for one in kind.value)


def count_every_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_signature, "text_of", any_reading)


def have_loose_grammars(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in Kind:
        monkeypatch.setattr(kind, "_value_", loose(kind))


def verify_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_signature, "_matches", lambda signed, secret, claims: True)


def verify_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_signature, "_same", lambda computed, given: given[:1] == computed[:1])


def believe_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash what stands there, and hand out only what stands before a line break."""
    genuine = _kinds.kind_of

    def kind_of(texts: dict[str, str]) -> Kind:
        kind = genuine(texts)
        texts["phone"] = texts["phone"][:5]
        return kind

    monkeypatch.setattr(_reader, "kind_of", kind_of)


def let_numbers_be_ints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_json, "_DECODER", json.JSONDecoder(object_pairs_hook=_json._Pairs))


FORGERIES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "a digest that every reading of the bytes serves": count_every_reading,
    "kinds whose grammars meet": have_loose_grammars,
    "a verifier that says yes": verify_nothing,
    "a digest of which one digit counts": verify_the_beginning,
    "values that are not what was hashed": believe_the_end,
    "numbers as Python takes them, so that genuine ones are refused": let_numbers_be_ints,
}


@pytest.mark.parametrize("fault", FORGERIES)
def test_a_receiver_that_can_be_deceived_is_found_out(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fault is found within some thousand inputs, and the message says how to see that input again."""
    FORGERIES[fault](monkeypatch)
    with pytest.raises(Failed, match=r"replay --target tamper --seed 0 --number [0-9]+"):
        tamper(0, 0, 12_000)


def let_python_nest(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_it(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(_json, "check_nesting", raise_it)
    monkeypatch.setattr(_json, "RecursionError", KeyError, raising=False)


def read_escapes_carelessly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_form, "_unescaped", lambda text: bytes.fromhex(text.replace("%", "")).decode())


def take_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def kind_of(texts: dict[str, str]) -> Kind:
        sum(range(5_000_000))
        return _kinds.kind_of(texts)

    monkeypatch.setattr(_reader, "kind_of", kind_of)


CRASHES: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None], str]] = {
    "an error of Python's own": ("json", let_python_nest, "RecursionError"),
    "escapes that are believed": ("form", read_escapes_carelessly, "ValueError"),
    "time that is wasted": ("xml", take_time, "ms of CPU"),
}


@pytest.mark.parametrize("fault", CRASHES)
def test_a_receiver_that_breaks_is_found_out(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Undeclared errors and wasted time are found, and the message says how to see the input again."""
    target, break_it, what = CRASHES[fault]
    break_it(monkeypatch)
    with pytest.raises(Failed, match=rf"(?s){what}.*replay --target {target} --seed 0 --number [0-9]+"):
        fuzz(target, 0, 0, 3_000)


# The program ------------------------------------------------------------------------------------------------------


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["callbacks", *words])
    return program.main()


def test_the_program_prints_tables(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One for each proof, for the docs."""
    monkeypatch.setattr(program, "CHUNK", 50)
    assert 0 == run(monkeypatch, "fuzz", "--inputs", "20")
    assert 0 == run(monkeypatch, "tamper", "--inputs", "20")
    shown = capsys.readouterr().out
    assert all(f"\n| {name} | 20 | " in shown for name in TARGETS)
    assert f"\n| {CHANGED} | " in shown


def test_the_program_shows_an_input_again(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """And gives 1 where it breaks a promise."""
    assert 0 == run(monkeypatch, "replay", "--target", "json", "--number", "3")
    assert "body = b'" in capsys.readouterr().out
    verify_nothing(monkeypatch)
    number = next(n for n in range(500) if is_believed_otherwise(n))
    assert 1 == run(monkeypatch, "replay", "--target", "tamper", "--number", str(number))
    shown = capsys.readouterr().out
    assert "FAILED" in shown
    assert f"--number {number}" in shown


def is_believed_otherwise(number: int) -> bool:
    genuine, body, sort = one_tampering(0, number)
    return sort == CHANGED and believed(genuine, body) not in {None, believed(genuine, genuine.body)}


def test_peers_are_given_the_same_inputs() -> None:
    """Where they are installed, which is for the long run."""
    pytest.importorskip("standardwebhooks")
    pytest.importorskip("stripe")
    from tests.proof.callbacks.peers import compare

    rows = compare(0, 300)
    assert [300] * 3 == [row.inputs for row in rows]
    assert 0 == sum(rows[0].undeclared.values())
    assert all(row.accepted > 5 for row in rows)
