"""Code that shows what nobody may see: credentials and whole phones."""

from __future__ import annotations

from typing import Final

from tests.proof.zoo.animals import Animal, change

__all__ = ["ANIMALS"]

_OUTCOME: Final = "_transport/outcome.py"
_PRIVACY: Final = "_privacy.py"

ANIMALS: Final = (
    Animal(
        "credentials in the address",
        "Login and password stand in the URL, and from there in every log on the way.",
        ("P8", "S4"),
        (
            change(
                "_transport/exchange.py",
                """
                response = await connection.send(target.url, target.headers(attempt.body), attempt.body)
                attempt.body.wipe()
                head = Head.of(response)
                outcome = await self._read(head, connection)
                """,
                """
                url = target.url.copy_with(query=self._credentials.form())
                response = await connection.send(url, target.headers(attempt.body), attempt.body)
                attempt.body.wipe()
                head = Head.of(response)
                outcome = await self._read(head, connection)
                """,
            ),
        ),
        (
            "tests/transport/test_exchange.py::test_respx_sees_the_exact_request",
            "tests/reliability/test_secret_rows.py::test_no_url_and_no_header_holds_a_secret",
        ),
    ),
    Animal(
        "the body stays",
        "The bytes with the password outlive their exchange in tracebacks and records.",
        ("P8", "S3"),
        (change("_transport/credentials.py", "self._content = None\n", "pass\n"),),
        ("tests/transport/test_secrets.py::test_nothing_holds_the_body_after_a_cancellation_in_mid_write",),
    ),
    Animal(
        "errors keep their frames",
        "An error that passes shows, in the frames below the transport, the bytes with the password.",
        ("P8", "S3"),
        (change(_OUTCOME, "link.__traceback__ = None\n", ""),),
        ("tests/transport/test_secrets.py::test_an_error_that_passes_forgets_what_it_has_seen",),
    ),
    Animal(
        "errors keep their chain",
        "An error that passes drags along those of httpx, whose frames hold the request.",
        ("P8", "S3"),
        (change(_OUTCOME, "link.__context__ = None\n", "pass\n"),),
        ("tests/transport/test_secrets.py::test_an_error_that_passes_forgets_what_it_has_seen",),
    ),
    Animal(
        "secrets show",
        "A secret that is printed shows itself.",
        ("P8", "S2"),
        (change(_PRIVACY, 'return f"Secret({_MASK!r})"', 'return f"Secret({self._text!r})"'),),
        ("tests/session/test_edges.py::test_no_frame_of_a_refused_argument_shows_a_secret",),
    ),
    Animal(
        "secrets are pickled",
        "A session or its credentials can be written to a file that nobody masks.",
        ("P8", "S2"),
        (
            change(
                _PRIVACY,
                "def __reduce__(self) -> NoReturn:\n",
                """
                def __reduce__(self):
                    return Secret, (self._text,)

                def _refuse(self) -> NoReturn:
                """,
            ),
        ),
        ("tests/reliability/test_secret_rows.py::test_sessions_refuse_to_be_pickled_and_copied",),
    ),
    Animal(
        "echoes are quoted",
        "An answer that repeats our parameters puts the password into an error's text.",
        ("P8", "S11"),
        (
            change(_PRIVACY, "shown = shown.replace(form, _MASK)\n", "pass\n"),
            change(_PRIVACY, "if _quotes(shown, words):\n", "if not shown and words:\n"),
        ),
        ("tests/session/test_edges.py::test_an_echoed_password_is_shown_in_no_spelling",),
    ),
    Animal(
        "echoes in another spelling are quoted",
        "An answer that repeats the password percent-encoded is quoted in an error's text.",
        ("P8", "S11"),
        (
            change(_PRIVACY, 'return plain - {""}\n', 'return {secret} - {""}\n'),
            change(_PRIVACY, "if _quotes(shown, words):\n", "if not shown and words:\n"),
        ),
        ("tests/session/test_edges.py::test_an_echoed_password_is_shown_in_no_spelling",),
    ),
    Animal(
        "echoes are never cut",
        "A foreign text stands in an error from its beginning to its end.",
        ("P10", "S11"),
        (change(_PRIVACY, "mask_phones(shown[: EXCERPT_LENGTH * 2])[:EXCERPT_LENGTH]", "mask_phones(shown)"),),
        ("tests/session/test_bounds.py::test_no_more_than_the_beginning_of_a_foreign_text_is_shown",),
    ),
    Animal(
        "whole phones in the log",
        "A phone that was to be rented stands in the log as a whole.",
        ("P8",),
        (change("_telling.py", "None if reference is None else mask_phones(reference)", "reference"),),
        ("tests/reliability/test_secret_rows.py::test_no_log_record_holds_a_secret",),
    ),
    Animal(
        "whole phones in errors",
        "A phone stands in the text of an error as a whole.",
        ("P8",),
        (change("errors.py", "return repr(reference and mask_phones(reference))", "return repr(reference)"),),
        ("tests/session/test_bounds.py::test_an_unknown_outcome_shows_no_whole_phone",),
    ),
    Animal(
        "the session's options show",
        "A session that cannot be made leaves its arguments in the frames of the error.",
        ("P8", "S3"),
        (change("session.py", "login = password = apikey = account = proxy = transport = None\n", ""),),
        (
            "tests/session/test_session.py::test_no_frame_of_ours_shows_the_credentials_of_a_session_that_could_not_be_made",
        ),
    ),
)
