"""Guards that take the gateway's refusals wrongly: penalties, halved slots, locks and trials."""

from __future__ import annotations

from typing import Final

from tests.proof.zoo.animals import CORE, Animal, change

__all__ = ["ANIMALS"]

_BREAKER: Final = "guard/_breaker.py"
_POLICY: Final = "guard/_policy.py"

ANIMALS: Final = (
    Animal(
        "no penalty",
        "After error 9 for a duplicate the key goes on as before.",
        ("P1", "G21"),
        (change(_POLICY, "self._penalise(lease, now)\n", "self.foreign += 1\n"),),
        ("tests/guard/test_local.py::test_a_duplicate_takes_every_token_of_the_key_out_and_one_probe_goes_first", CORE),
    ),
    Animal(
        "a probe from every token",
        "When the pause after a duplicate is over, all tokens of the key go at once.",
        ("P1", "G21"),
        (change(_POLICY, "base=1, rises_from=FOREVER", "base=bucket.rule.n, rises_from=FOREVER"),),
        ("tests/guard/test_local.py::test_a_duplicate_takes_every_token_of_the_key_out_and_one_probe_goes_first", CORE),
    ),
    Animal(
        "recovered at once",
        "A good probe brings all tokens back, and not one a minute.",
        ("P1", "G21"),
        (change(_POLICY, "recovery.rises_from = min(recovery.rises_from, now)\n", "bucket.recovery = None\n"),),
        ("tests/guard/test_local.py::test_a_duplicate_takes_every_token_of_the_key_out_and_one_probe_goes_first", CORE),
    ),
    Animal(
        "recovered without a probe",
        "After the pause tokens come back one a minute, whether or not a probe was good.",
        ("P1", "G21"),
        (change(_POLICY, "base=1, rises_from=FOREVER", "base=1, rises_from=now + self.rest"),),
        (CORE,),
    ),
    Animal(
        "the pause never grows",
        "A probe that is refused again and again is repeated every minute.",
        ("G21",),
        (change(_POLICY, "2.0 ** (recovery.strikes - 1) * self.rest", "self.rest"),),
        ("tests/guard/test_policy.py::test_a_probe_that_is_refused_doubles_the_pause", CORE),
    ),
    Animal(
        "a penalty misses those with a reservation",
        "Calls that had a token reserved when the duplicate was refused go on with it.",
        ("P1", "G21"),
        (
            change(
                _POLICY,
                """
                self.lines.recall(bucket, self._waiting(), now)
                for ticket in bucket.in_line():
                """,
                "for ticket in bucket.in_line():\n",
            ),
        ),
        ("tests/guard/test_local.py::test_a_penalty_reaches_calls_that_had_a_token_reserved", CORE),
    ),
    Animal(
        "slots not halved",
        "After error 9 for one too many in flight as many go on as before.",
        ("P2", "G21"),
        (change(_POLICY, "self._halve_slots(lease, now)\n", "self.foreign += 1\n"),),
        ("tests/guard/test_local.py::test_too_many_in_flight_halves_the_slots_and_they_come_back_one_a_minute", CORE),
    ),
    Animal(
        "slots halved to nothing",
        "Halved again and again the slots come to none, and no call ever goes.",
        ("P3", "P4"),
        (change(_POLICY, "max(slots.capacity(now) // 2, 1)", "slots.capacity(now) // 2"),),
        ("tests/guard/test_fewer.py::test_however_often_slots_are_halved_one_is_left",),
    ),
    Animal(
        "slots halved by each of a burst",
        "Fourteen refusals of one burst halve the slots four times.",
        ("P3",),
        (change(_POLICY, "if lease.granted_at <= account.cut_at and", "if lease.granted_at < 0.0 and"),),
        ("tests/guard/test_local.py::test_too_many_in_flight_halves_the_slots_and_they_come_back_one_a_minute",),
    ),
    Animal(
        "slots stay halved",
        "Slots that were halved never come back.",
        ("P3", "G21"),
        (change(_POLICY, "capacity(now) // 2, 1), rises_from=now)", "capacity(now) // 2, 1), rises_from=FOREVER)"),),
        (CORE,),
    ),
    Animal(
        "no linger",
        "After a refusal for concurrency a slot is free with the reply, although the gateway's count trails it.",
        ("P2", "G10"),
        (change(_POLICY, "home += LINGER\n", "pass\n"),),
        (CORE,),
    ),
    Animal(
        "breaker never opens",
        "After error 2 the account goes on asking.",
        ("P7", "G22"),
        (change(_POLICY, 'lease.parties.credential.trip(now, "the gateway refused the credentials (error 2)")\n', ""),),
        ("tests/guard/test_local.py::test_a_probe_goes_after_ten_minutes_and_then_after_thirty", CORE),
    ),
    Animal(
        "breaker closes at once",
        "When the pause after error 2 is over, everything goes at once, and not one probe.",
        ("P7", "G22"),
        (change(_BREAKER, "self.set_proven(proven=False)\n", ""),),
        (CORE,),
    ),
    Animal(
        "second pause as short as the first",
        "A probe that is refused is repeated after ten minutes, while the block lasts thirty.",
        ("P7", "G22"),
        (change(_BREAKER, "NEXT_PAUSE if self.failures else FIRST_PAUSE", "FIRST_PAUSE"),),
        ("tests/guard/test_local.py::test_a_probe_goes_after_ten_minutes_and_then_after_thirty", CORE),
    ),
    Animal(
        "strikes not counted",
        "Wrong passwords of several accounts are not added up, and the fifth blocks the address.",
        ("P7", "G22"),
        (change(_POLICY, "gateway.strike(now)\n", ""),),
        (CORE,),
    ),
    Animal(
        "five strikes",
        "The account stops asking after the fifth authorisation error, which is the one that blocks.",
        ("P7",),
        (change(_BREAKER, "MAX_STRIKES: Final = 4", "MAX_STRIKES: Final = 5"),),
        ("tests/e2e/test_acceptance.py::test_four_wrong_passwords_stop_before_the_gateways_fifth", CORE),
    ),
    Animal(
        "trials do not count",
        "Calls with untried credentials of many accounts go side by side, each of them a possible strike.",
        ("P7",),
        (
            change(
                _POLICY, "buckets += (credential.bucket, parties.gateway.trials)", "buckets.append(credential.bucket)"
            ),
        ),
        (CORE,),
    ),
    Animal(
        "fourteen trials at once",
        "Credentials that were never accepted run fourteen calls at a time.",
        ("P7",),
        (
            change(
                _BREAKER, 'Rule("", Reason.PROBATION, 1, rests=False)', 'Rule("", Reason.PROBATION, 14, rests=False)'
            ),
        ),
        ("tests/guard/test_local.py::test_credentials_run_one_call_at_a_time_until_they_are_accepted", CORE),
    ),
    Animal(
        "any answer is an acceptance",
        "A page of a proxy, or error 1, is taken to mean that the password is right.",
        ("P7",),
        (
            change(
                _POLICY,
                "if good and not lease.parties.proven:",
                "if outcome is not _UNKNOWN and not lease.parties.proven:",
            ),
        ),
        (CORE,),
    ),
    Animal(
        "an old answer unlocks",
        "The answer to a call from before the lock opens it again.",
        ("P7",),
        (change(_BREAKER, "if now < self.locked_until or granted_at <= self.locked_at:", "if granted_at < 0:"),),
        ("tests/guard/test_edges.py::test_an_acceptance_from_before_the_lock_does_not_count", CORE),
    ),
    Animal(
        "waiting calls outlive a lock",
        "Calls that wait when the credentials are refused go when their turn comes.",
        ("P7", "G22"),
        (
            change(
                _POLICY,
                "self.lines.recall(gateway.trials, self._waiting(), now, self._locked(now))",
                "self.lines.recall(gateway.trials, self._waiting(), now)",
            ),
        ),
        (CORE,),
    ),
    Animal(
        "a trial stays reserved",
        "Refusals of credentials that had worked use trials up, and a call keeps the one that it has reserved.",
        ("P7",),
        (
            change(
                _POLICY,
                "self.lines.recall(gateway.trials, self._waiting(), now, self._locked(now))",
                "self.lines.refuse(self._locked(now), now)",
            ),
        ),
        ("tests/proof/core/test_found.py::test_a_refusal_of_proven_credentials_takes_back_what_a_trial_had_reserved",),
    ),
    Animal(
        "a block is the account's",
        "After error 4 only the account that met it stops, though the address is blocked for all.",
        ("P7", "G22"),
        (change(_POLICY, "            lease.parties.breaker.trip(", "            lease.parties.credential.trip("),),
        ("tests/guard/test_local.py::test_a_blocked_address_stops_every_account_at_that_gateway", CORE),
    ),
    Animal(
        "a lock is forgotten",
        "A locked account is forgotten when another one comes, and asks again.",
        ("P7",),
        (change("guard/_account.py", "(self.busy or self.resting or locked or", "(self.busy or self.resting or"),),
        (CORE,),
    ),
)
