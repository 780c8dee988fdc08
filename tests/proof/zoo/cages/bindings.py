"""Bindings of the policy to a process that go wrong: locks, wake-ups, clocks, forks, and who shares what."""

from __future__ import annotations

from typing import Final

from tests.proof.zoo.animals import CLIENT, CORE, Animal, change

__all__ = ["ANIMALS"]

_CLOCK: Final = "clock.py"
_LOCAL: Final = "guard/_process.py"
_POLICY: Final = "guard/_policy.py"

ANIMALS: Final = (
    Animal(
        "await between check and take",
        "Whoever has found its tokens free lets others run before taking them.",
        ("P1", "P2", "G7"),
        (
            change(
                _LOCAL,
                """
                if isinstance(answer, Lease):
                    return answer
                """,
                """
                if isinstance(answer, Lease):
                    import anyio.lowlevel

                    for bucket in answer.buckets:
                        bucket.out -= 1
                    await anyio.lowlevel.checkpoint()
                    for bucket in answer.buckets:
                        bucket.out += 1
                    return answer
                """,
            ),
        ),
        (CLIENT,),
    ),
    Animal(
        "only the first is woken",
        "Of several calls that may go at the same moment only the first is told.",
        ("P3", "P4", "G6"),
        (
            change(
                _LOCAL,
                "for ticket in settled if ticket.seat is not None]",
                "for ticket in settled[:1] if ticket.seat is not None]",
            ),
        ),
        (CLIENT,),
    ),
    Animal(
        "a wake-up before the sleep is lost",
        "Whoever is told just before it falls asleep sleeps on.",
        ("P3", "P4", "G6"),
        (change("guard/_parking.py", "if not self.woken:\n", "if self is not None:\n"),),
        ("tests/guard/test_binding.py::test_who_was_woken_on_the_way_to_sleep_does_not_sleep",),
    ),
    Animal(
        "the keeper leaves without a word",
        "Who keeps the time for all goes, and nobody keeps it after that.",
        ("P3", "P4", "G6"),
        (change(_LOCAL, "self._wake(room.loop, room.pass_on)\n", ""),),
        (CLIENT,),
    ),
    Animal(
        "the keeper is not poked",
        "Who keeps the time sleeps until the alarm that it knows, although a nearer one was set.",
        ("P3", "P6", "G6"),
        (change(_LOCAL, "calls.append((room.loop, room.poke))\n", ""),),
        (CLIENT,),
    ),
    Animal(
        "a grant that meets a cancellation is lost",
        "A call that is cancelled at the moment in which it is let go keeps its tokens for ever.",
        ("P4", "G6"),
        (change(_LOCAL, "if ticket.place is not None or ticket.verdict is not None:", "if ticket.place is not None:"),),
        ("tests/guard/test_binding.py::test_a_grant_that_meets_a_cancellation_is_home_at_once",),
    ),
    Animal(
        "a cancelled call stays in line",
        "A call that was cancelled while it waited keeps its place, and takes a token when its turn comes.",
        ("P4", "G6"),
        (
            change(
                _LOCAL, "if ticket.place is not None or ticket.verdict is not None:", "if ticket.verdict is not None:"
            ),
        ),
        (CLIENT,),
    ),
    Animal(
        "wall clock",
        "Waits are measured with the clock on the wall, which people and time servers set.",
        ("P1", "P3", "G8"),
        (
            change(_CLOCK, "return time.monotonic()\n", "return time.time()\n"),
            change(_CLOCK, "(left := moment - time.monotonic())", "(left := moment - time.time())"),
            change(_CLOCK, "(moment - time.monotonic()))", "(moment - time.time()))"),
        ),
        ("tests/guard/test_clock.py::test_no_step_of_the_wall_clock_moves_a_moment",),
    ),
    Animal(
        "given back without the lock",
        "A call gives its tokens back while another thread is in the midst of the books.",
        ("P1", "P2", "G15"),
        (
            change(
                _LOCAL,
                """
                with self._lock:
                    self._policy.finish(lease, outcome, now)
                """,
                """
                if True:
                    self._policy.finish(lease, outcome, now)
                """,
            ),
        ),
        ("tests/guard/test_binding.py::test_nothing_changes_in_books_that_are_open",),
    ),
    Animal(
        "returns dropped when the lock is held",
        "What is given back while another thread has the lock is lost.",
        ("P4", "G15"),
        (
            change(
                _LOCAL,
                """
                    self._returns.append((lease, outcome, now))
                    self._take_returns()
                """,
                """
                    if not self._lock._is_owned():
                        self._returns.append((lease, outcome, now))
                    self._take_returns()
                """,
            ),
        ),
        ("tests/guard/test_binding.py::test_nothing_changes_in_books_that_are_open",),
    ),
    Animal(
        "returns left lying",
        "Nobody looks, after releasing the lock, at what was given back meanwhile.",
        ("P3", "P4", "G15"),
        (
            change(
                _LOCAL,
                """
                if self._returns:
                    self._take_returns()
                """,
                "",
            ),
        ),
        ("tests/guard/test_edges.py::test_what_is_given_back_while_a_wait_is_estimated_is_not_left_lying",),
    ),
    Animal(
        "given back into open books",
        "A finaliser that interrupts the guard gives a call back in the midst of its step.",
        ("P4", "G15"),
        (
            change(
                _LOCAL, "if self._rooms or self._returns or self._lock._is_owned():", "if self._rooms or self._returns:"
            ),
        ),
        ("tests/guard/test_binding.py::test_nothing_changes_in_books_that_are_open",),
    ),
    Animal(
        "the dead keep their places",
        "Calls that waited in an event loop which is gone keep what they were granted.",
        ("P4", "G15"),
        (change(_LOCAL, "self._returns.extend((ticket, Outcome.UNSENT, now) for ticket in seats.values())\n", ""),),
        ("tests/guard/test_binding.py::test_what_a_loop_that_is_gone_was_granted_is_home_at_once",),
    ),
    Animal(
        "a guard for each session",
        "Sessions of one account do not share a guard, and each has all of the limits.",
        ("P1", "P2", "G15"),
        (change("guard/_default.py", "if _default_guard is None:\n", "if True:\n"),),
        ("tests/session/test_session.py::test_sessions_share_the_process_guard_unless_given_another",),
    ),
    Animal(
        "a fork frees the tokens",
        "The child of a fork starts with the tokens that its parent's calls have out.",
        ("P1", "G16"),
        (
            change(
                _POLICY,
                """
                for _ in range(bucket.out):
                    bucket.rest_until(home)
                bucket.line, bucket.waiting, bucket.reserved, bucket.out = [], 0, 0, 0
                """,
                "bucket.line, bucket.waiting, bucket.reserved, bucket.out = [], 0, 0, 0\n",
            ),
        ),
        (
            "tests/guard/test_local.py::test_a_forked_child_keeps_the_charges_and_counts_calls_in_flight_as_unknown",
            CORE,
        ),
    ),
    Animal(
        "a fork keeps the grants",
        "In the child of a fork the parent's calls hold their tokens and slots for ever.",
        ("P4", "G16"),
        (
            change(
                _POLICY,
                "bucket.line, bucket.waiting, bucket.reserved, bucket.out = [], 0, 0, 0",
                "bucket.line, bucket.waiting, bucket.reserved = [], 0, 0",
            ),
        ),
        (
            "tests/guard/test_local.py::test_a_forked_child_keeps_the_charges_and_counts_calls_in_flight_as_unknown",
            CORE,
        ),
    ),
    Animal(
        "a fork keeps the lines",
        "In the child of a fork the parent's waiting calls stand in line, and what comes to them is lost.",
        ("P4", "G16"),
        (
            change(
                _POLICY,
                "bucket.line, bucket.waiting, bucket.reserved, bucket.out = [], 0, 0, 0",
                "bucket.reserved, bucket.out = 0, 0",
            ),
        ),
        ("tests/guard/test_edges.py::test_waiting_calls_of_the_parent_that_end_in_the_child_change_nothing",),
    ),
    Animal(
        "epoch not checked",
        "What a copy of the parent's call gives back in the child of a fork is taken.",
        ("P1", "P2", "G16"),
        (
            change(
                _POLICY,
                """
                if lease.epoch != self.lines.epoch:
                    return
                good = outcome is _ACCEPTED or outcome is _PRICED
                """,
                "good = outcome is _ACCEPTED or outcome is _PRICED\n",
            ),
        ),
        (CORE,),
    ),
    Animal(
        "forked in the midst of the books",
        "A fork does not wait for the thread that has the lock, and the child gets half a change.",
        ("P1", "P4", "G16"),
        (change(_LOCAL, "self._lock.acquire()\n", "pass\n"), change(_LOCAL, "self._lock.release()\n", "pass\n")),
        ("tests/guard/test_binding.py::test_a_fork_waits_for_whoever_has_the_books_open",),
    ),
)
