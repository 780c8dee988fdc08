"""Verdicts and repetitions that go wrong: what must not be repeated is, or the other way round."""

from __future__ import annotations

from typing import Final

from tests.proof.zoo.animals import CLIENT, Animal, change

__all__ = ["ANIMALS"]

_ANSWER: Final = "_answer.py"
_CONDUCT: Final = "_conduct.py"
_RETRY: Final = "_retry.py"
_VERDICT: Final = "_verdict.py"

ANIMALS: Final = (
    Animal(
        "a lost rent is repeated",
        "A call that pays is sent again when its reply was lost, and may be paid twice.",
        ("P5", "row P1"),
        (change(_VERDICT, "{**_REPEATABLE, Happened.LOST: _NEVER}", "_REPEATABLE"),),
        ("tests/retry/test_verdict.py::test_a_call_that_pays_is_repeated_only_on_proof",),
    ),
    Animal(
        "an unreadable answer is repeated",
        "A call is sent again when its answer came whole and nobody can read it.",
        ("P5", "row P4"),
        (change(_VERDICT, "Happened.UNREADABLE: _NEVER", "Happened.UNREADABLE: _ELSEWHERE"),),
        (
            "tests/retry/test_verdict.py::test_each_cell_says_what_the_design_says",
            "tests/reliability/test_repeat_table.py::test_an_unreadable_answer_is_final",
            CLIENT,
        ),
    ),
    Animal(
        "a redirect is repeated",
        "A call goes to the next host when something answers with a redirect.",
        ("P5", "H11"),
        (change(_VERDICT, "Happened.REDIRECTED: _NEVER", "Happened.REDIRECTED: _ELSEWHERE"),),
        (
            "tests/retry/test_verdict.py::test_each_cell_says_what_the_design_says",
            "tests/reliability/test_repeat_table.py::test_a_redirect_is_final",
        ),
    ),
    Animal(
        "a refusal is repeated",
        "A call that the gateway refused for good is sent again.",
        ("P7", "row P7"),
        (change(_VERDICT, "Happened.REFUSED: _NEVER", "Happened.REFUSED: _ELSEWHERE"),),
        (
            "tests/retry/test_verdict.py::test_each_cell_says_what_the_design_says",
            "tests/reliability/test_repeat_table.py::test_other_refusals_are_final",
        ),
    ),
    Animal(
        "503 means not sent",
        "A page with status 503 is taken as proof that the call was not carried out.",
        ("P5", "row P3"),
        (
            change(
                _ANSWER,
                """
                        return _unreadable(endpoint, str(problem), body, reference, secrets)
                return no_answer(endpoint, Happened.LOST, f"HTTP status {status}", Outcome.ANSWERED, reference)
                """,
                """
                        return _unreadable(endpoint, str(problem), body, reference, secrets)
                return no_answer(endpoint, Happened.NOT_SENT, f"HTTP status {status}", Outcome.ANSWERED, reference)
                """,
            ),
        ),
        (
            "tests/session/test_answer.py::test_a_foreign_status_and_an_empty_body_are_no_answer",
            "tests/reliability/test_paid_rows.py::test_a_page_of_a_proxy_is_unknown_for_a_rent",
        ),
    ),
    Animal(
        "error 9 from a proxy is believed",
        "Error 9 with a status that is not the gateway's is proof enough to pay a second time.",
        ("P5", "row P3"),
        (change(_ANSWER, "if status != _OK and endpoint.replay is Replay.IF_NOT_DONE:", "if status < 0:"),),
        ("tests/session/test_answer.py::test_error_9_with_a_foreign_status_is_no_proof_for_a_paid_call",),
    ),
    Animal(
        "a second message",
        "Error 9 for a duplicate is repeated also where the repetition would be a second message.",
        ("P5", "row P6"),
        (
            change(
                _VERDICT,
                "if on_duplicate is OnDuplicate.REPEAT or (",
                "if on_duplicate is not OnDuplicate.UNLESS_DONE or (",
            ),
        ),
        (
            "tests/retry/test_verdict.py::test_a_duplicate_is_repeated_when_the_minute_is_over_or_never",
            "tests/session/test_edges.py::test_a_call_that_acts_is_not_repeated_when_it_is_called_a_duplicate",
        ),
    ),
    Animal(
        "done before makes no difference",
        "A rent that the gateway calls a duplicate is repeated although an earlier one succeeded.",
        ("P5", "row P6"),
        (change(_VERDICT, " and not done_before):", "):"),),
        (
            "tests/retry/test_verdict.py::test_a_duplicate_is_repeated_when_the_minute_is_over_or_never",
            "tests/reliability/test_paid_rows.py::test_error_9_for_a_second_rent_is_not_repeated",
        ),
    ),
    Animal(
        "success is forgotten",
        "Nobody remembers that a rent of the phone succeeded, so that its duplicate looks like the first.",
        ("P5", "row P6"),
        (change("_memory.py", "self._succeeded.add((endpoint, subject))\n", ""),),
        (
            "tests/reliability/test_paid_rows.py::test_error_9_for_a_second_rent_is_not_repeated",
            "tests/reliability/test_repeat_table.py::test_a_duplicate_of_a_rent_that_was_done_is_not_repeated",
        ),
    ),
    Animal(
        "everything except",
        "Repeated is whatever is not on a list of exceptions, and a cancellation is not on it.",
        ("P4", "H16"),
        (
            change(
                _RETRY,
                "tenacity.retry_if_exception_type(Again)",
                "tenacity.retry_if_not_exception_type(KeyboardInterrupt)",
            ),
            change(
                _RETRY,
                "again = _again(state)\n",
                """
                again = _again(state)
                if not hasattr(again, "verdict"):
                    return 0.0
                """,
            ),
            change(
                _RETRY, "return again\n", "return again if isinstance(again, Again) else Again(Verdict(None), again)\n"
            ),
        ),
        ("tests/retry/test_cancelled.py::test_one_cancellation_is_enough",),
    ),
    Animal(
        "no budget",
        "Thousands of calls try three times each while the gateway is down.",
        ("P6",),
        (change(_RETRY, "or not budget.take(retry.budget)\n", ""),),
        ("tests/retry/test_retry.py::test_the_budget_ends_a_storm",),
    ),
    Animal(
        "success refunds everything",
        "One call that succeeds gives an account all of its repetitions back.",
        ("P6",),
        (change(_RETRY, "max(self.spent - REFUND, 0.0)", "0.0"),),
        ("tests/retry/test_retry.py::test_the_budget_ends_a_storm",),
    ),
    Animal(
        "back-off past the deadline",
        "A pause begins although the call's time will be over before its end.",
        ("P6",),
        (change(_RETRY, "or clock.now() + state.upcoming_sleep > deadline\n", ""),),
        ("tests/retry/test_retry.py::test_a_pause_that_would_pass_the_deadline_is_not_begun",),
    ),
    Animal(
        "no jitter",
        "All that failed together come back together.",
        ("P3",),
        (change(_RETRY, "return retry.random() * min(", "return min("),),
        ("tests/retry/test_retry.py::test_back_off_grows_with_full_jitter",),
    ),
    Animal(
        "one attempt too many",
        "A call is made once more than its options allow.",
        ("P5",),
        (change(_RETRY, "state.attempt_number >= retry.attempts", "state.attempt_number > retry.attempts"),),
        ("tests/retry/test_retry.py::test_attempts_end",),
    ),
    Animal(
        "retry=None repeats",
        "A session that is to repeat nothing repeats as by default.",
        ("P5",),
        (
            change(_CONDUCT, "if self.options.retry is not None:\n", "if self.options is not None:\n"),
            change(
                _CONDUCT, "retry=self.options.retry,", 'retry=self.options.retry or __import__("smsc_async").Retry(),'
            ),
        ),
        (CLIENT,),
    ),
    Animal(
        "the first host again and again",
        "What could not be sent to a host is sent there again, and the backup is never asked.",
        ("P3",),
        (change(_CONDUCT, "(call.host + 1) % len(call.urls)", "call.host % len(call.urls)"),),
        ("tests/session/test_session.py::test_reads_are_repeated_and_the_backup_host_is_asked",),
    ),
    Animal(
        "an outcome that nobody knows is a transport error",
        "Whoever repeats on TransportError pays twice.",
        ("P5", "row P13"),
        (change("errors.py", "class OutcomeUnknown(SmscError):", "class OutcomeUnknown(TransportError):"),),
        ("tests/reliability/test_paid_rows.py::test_an_unknown_outcome_is_no_transport_error",),
    ),
    Animal(
        "a lost attempt is forgotten",
        "When the repetition of a lost call cannot be sent, the error says that nothing was.",
        ("P5",),
        (change(_CONDUCT, "if lost is None:", "if last is not None:"),),
        ("tests/session/test_edges.py::test_after_a_lost_attempt_no_error_says_that_nothing_was_sent",),
    ),
)
