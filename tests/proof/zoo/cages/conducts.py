"""Conducts of a call that go wrong: what is noted, told, bounded and given back, and when."""

from __future__ import annotations

from typing import Final

from tests.proof.zoo.animals import CLIENT, Animal, change

__all__ = ["ANIMALS"]

_ANSWER: Final = "_answer.py"
_CALLS: Final = "services/calls.py"
_CONDUCT: Final = "_conduct.py"
_FILE: Final = "_file.py"
_MEMORY: Final = "_memory.py"
_SHARED: Final = "_shared.py"

ANIMALS: Final = (
    Animal(
        "an unresolved rent is forgotten",
        "A rent whose outcome nobody knows can be made again without a word.",
        ("P5", "row P11"),
        (change(_CONDUCT, "self.shared.memory.lose(call.endpoint.name, call.subject)\n", "pass\n"),),
        ("tests/session/test_session.py::test_a_rent_whose_answer_is_lost_is_not_repeated_and_not_made_again",),
    ),
    Animal(
        "force is ignored",
        "A rent after an unknown one is refused although its caller says that it is meant.",
        ("P5", "row P11"),
        (change(_CONDUCT, "if call.subject is None or call.force:", "if call.subject is None:"),),
        ("tests/reliability/test_paid_rows.py::test_a_rent_after_an_unknown_one_needs_force",),
    ),
    Animal(
        "looked up before the wait alone",
        "The second of two rents does not look again when its turn comes, and the first may be lost by then.",
        ("P5", "row P10"),
        (change(_CONDUCT, "self.check_subject(call)  # another", "pass  # another"),),
        ("tests/reliability/test_paid_rows.py::test_a_second_rent_waits_for_an_unknown_first_and_is_refused",),
    ),
    Animal(
        "noted after the lease is back",
        "That an outcome is unknown is remembered only when the next rent of the phone may already go.",
        ("P5", "row P10"),
        (
            change(
                _CONDUCT,
                """
                    return self.note(call, number, self.unanswered(call, number, reply, write))
                telling.replied(call.number, endpoint.name, number, reply.status, started=started, size=len(reply.body))
                """,
                """
                    return self.unanswered(call, number, reply, write)
                telling.replied(call.number, endpoint.name, number, reply.status, started=started, size=len(reply.body))
                """,
            ),
            change(
                _CONDUCT,
                "return answer if answer.error is None and call.subject is None else self.note(call, number, answer)",
                "return answer",
            ),
            change(
                _CONDUCT,
                "return answer.value if answer.happened is None else self.conclude(call, answer)\n",
                """
                self.note(call, number, answer)
                return self.conclude(call, answer)
                """,
            ),
        ),
        ("tests/session/test_elsewhere.py::test_an_unknown_outcome_is_remembered_before_the_next_rent_may_go",),
    ),
    Animal(
        "a cancelled rent is not told",
        "A rent that is cancelled in mid-exchange leaves no trace in memory, log and events.",
        ("P5", "row P8"),
        (change(_CONDUCT, 'self._lost(call, "cancelled before the answer came")\n', "pass\n"),),
        ("tests/reliability/test_repeat_table.py::test_a_cancellation_in_mid_exchange_passes_and_is_told", CLIENT),
    ),
    Animal(
        "a cancelled call was not sent",
        "Whatever is cancelled gives token and slot back, also when its bytes are on their way.",
        ("P1", "P2", "G4"),
        (
            change(
                _CONDUCT,
                """
                self.abandoned(call, outcome)
                raise
                """,
                """
                self.abandoned(call, outcome)
                outcome = Outcome.UNSENT
                raise
                """,
            ),
        ),
        (
            "tests/reliability/test_guard_rows.py::test_a_request_given_up_after_its_first_byte_may_be_counted_late",
            CLIENT,
        ),
    ),
    Animal(
        "leases are not given back",
        "A call that is cancelled in mid-exchange keeps its tokens and its slot for ever.",
        ("P4", "G4"),
        (
            change(
                _CONDUCT,
                "pending = shared.guard.finish(lease, outcome)",
                "pending = None if outcome is Outcome.UNKNOWN else shared.guard.finish(lease, outcome)",
            ),
        ),
        (CLIENT,),
    ),
    Animal(
        "a guard elsewhere is not shielded",
        "A cancellation cuts off the message by which a lease is given back.",
        ("P4", "R12"),
        (change(_CONDUCT, "anyio.CancelScope(shield=True)", "anyio.CancelScope(shield=False)"),),
        ("tests/session/test_elsewhere.py::test_a_cancelled_call_still_gives_its_lease_back",),
    ),
    Animal(
        "max_wait ends with the queue",
        "The caller's bound holds for the queue, and the exchange takes as long as it likes.",
        ("P6",),
        (
            change(
                _CONDUCT,
                "deadline=min(started + timeout, call.deadline, expires_at),",
                "deadline=min(started + timeout, expires_at),",
            ),
        ),
        (CLIENT,),
    ),
    Animal(
        "max_wait begins anew",
        "Each attempt has the whole of the caller's time.",
        ("P6",),
        (
            change(
                _CONDUCT,
                """
                shared = self.shared
                if shared.closed:
                    raise SessionClosed
                try:
                    lease = await shared.guard.acquire(call.demand, deadline=call.deadline, on_wait=call.on_wait)
                """,
                """
                shared = self.shared
                if shared.closed:
                    raise SessionClosed
                if self.options.max_wait is not None:
                    call.deadline = self.clock.now() + self.options.max_wait
                try:
                    lease = await shared.guard.acquire(call.demand, deadline=call.deadline, on_wait=call.on_wait)
                """,
            ),
        ),
        ("tests/session/test_bounds.py::test_all_attempts_share_the_callers_time",),
    ),
    Animal(
        "closing waits for those who wait",
        "A session that is closed does not call off the calls in line.",
        ("P6",),
        (change(_SHARED, "wait.call_off(SessionClosed())\n", "pass\n"),),
        ("tests/session/test_session.py::test_closing_ends_the_waits_and_lets_calls_in_flight_end",),
    ),
    Animal(
        "a closed session sends",
        "A call whose turn comes after its session was closed is sent all the same.",
        ("P6",),
        (
            change(
                _CONDUCT,
                """
                shared = self.shared
                if shared.closed:
                    raise SessionClosed
                try:
                """,
                """
                shared = self.shared
                try:
                """,
            ),
            change(_SHARED, "wait.call_off(SessionClosed())\n", "pass\n"),
        ),
        ("tests/session/test_session.py::test_closing_ends_the_waits_and_lets_calls_in_flight_end",),
    ),
    Animal(
        "closing cuts off what flies",
        "A session that is closed does not wait for the calls in flight.",
        ("P5",),
        (change(_SHARED, "if self.in_flight:\n", "if not self.closed:\n"),),
        ("tests/session/test_edges.py::test_two_closes_at_once_both_end_with_the_last_call",),
    ),
    Animal(
        "an observer breaks the call",
        "An error of the user's observer falls into the call, maybe between paying and telling.",
        ("P5",),
        (change("_observing.py", 'logger.exception("the observer failed on %s", type(event).__name__)\n', "raise\n"),),
        ("tests/session/test_session.py::test_an_observer_that_fails_changes_nothing",),
        fails_with=("RuntimeError",),
    ),
    Animal(
        "a memory for each session",
        "What one session has paid for is news to the next one of the account.",
        ("P5", "row P11"),
        (
            change(
                _MEMORY,
                "return _memories.setdefault(guard, {}).setdefault(account, Memory())",
                "return _memories.setdefault(guard, {}).setdefault(str(id(object())), Memory()) and Memory()",
            ),
        ),
        ("tests/reliability/test_paid_rows.py::test_a_rent_after_an_unknown_one_needs_force",),
    ),
    Animal(
        "a child rents what its parent rents",
        "In the child of a fork nobody remembers the rents that were in flight.",
        ("P5", "G16"),
        (change(_MEMORY, "self._unresolved.update(self._going_on)\n", ""),),
        ("tests/session/test_bounds.py::test_a_child_takes_rents_in_flight_for_unresolved",),
    ),
    Animal(
        "error 1 proves the password",
        "A refusal of the parameters is taken to mean that the credentials are right.",
        ("P7",),
        (
            change(
                _ANSWER, "Outcome.ANSWERED if refusal.code == _PROVES_NOTHING else Outcome.ACCEPTED", "Outcome.ACCEPTED"
            ),
        ),
        ("tests/session/test_answer.py::test_a_refusal_is_what_its_number_means_at_the_endpoint",),
    ),
    Animal(
        "every error 9 is a duplicate",
        "One request too many in flight is taken for a duplicate, and waits for a minute.",
        ("P3", "G21"),
        (change(_ANSWER, 'if "concurrent" in refusal.detail.lower():', 'if "concurrent" == refusal.detail.lower():'),),
        ("tests/session/test_answer.py::test_error_9_says_which_limit_was_passed",),
    ),
    Animal(
        "a value from a page of a proxy",
        "What can be read is taken for the gateway's answer, whatever the HTTP status is.",
        ("P5", "row P3"),
        (
            change(
                _ANSWER,
                """
                    return read_refusal(endpoint, plain, status=status, reference=reference, secrets=secrets)
                if status == _OK:
                """,
                """
                    return read_refusal(endpoint, plain, status=status, reference=reference, secrets=secrets)
                if status:
                """,
            ),
        ),
        ("tests/session/test_answer.py::test_a_foreign_status_and_an_empty_body_are_no_answer",),
    ),
    Animal(
        "half a file is a whole one to the guard",
        "A file that was not read to its end gives its token back as if the gateway had finished.",
        ("P1", "P2"),
        (change(_FILE, "Outcome.ACCEPTED if self.incoming.complete else Outcome.UNKNOWN", "Outcome.ACCEPTED"),),
        ("tests/session/test_edges.py::test_a_file_whose_reading_was_cancelled_does_not_end_as_if_it_were_whole",),
    ),
    Animal(
        "a file holds no slot",
        "The slot of a file is given back when its first bytes are there.",
        ("P2", "G18"),
        (
            change(
                _FILE,
                """
                if file is None:
                    await _give_back(conductor, call, lease, outcome)
                """,
                """
                if True:
                    await _give_back(conductor, call, lease, outcome)
                """,
            ),
            change(_FILE, "await _give_back(conductor, call, file.lease, file.outcome)\n", "pass\n"),
            change(_FILE, "file = opened\n", "file, outcome = opened, Outcome.ACCEPTED\n"),
        ),
        ("tests/session/test_edges.py::test_a_file_whose_reading_was_cancelled_does_not_end_as_if_it_were_whole",),
    ),
    Animal(
        "the 15 minutes count from the question",
        "How long a number can be called is counted from before the wait for the call's turn.",
        ("P10",),
        (
            change(
                _CALLS,
                "def known() -> dict[str, object]:\n",
                """
                asked = clock.date()
                def known() -> dict[str, object]:
                """,
            ),
            change(_CALLS, '"expires_at": clock.date() + _VALIDITY', '"expires_at": asked + _VALIDITY'),
        ),
        ("tests/services/test_calls.py::test_the_15_minutes_count_from_the_answer",),
    ),
)
