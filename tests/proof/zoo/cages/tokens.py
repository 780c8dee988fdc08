"""Guards that charge wrongly: a token or a slot is out for too short, too long, or not at all."""

from __future__ import annotations

from typing import Final

from tests.proof.zoo.animals import CLIENT, CORE, Animal, change

__all__ = ["ANIMALS"]

_ACCOUNT: Final = "guard/_account.py"
_POLICY: Final = "guard/_policy.py"
_RECORDS: Final = "guard/_records.py"

ANIMALS: Final = (
    Animal(
        "charged at send",
        "A token rests from the moment of sending on, and not from the reply on.",
        ("P1", "G3"),
        (
            change(
                _POLICY,
                "ended = now + self.settings.lateness if outcome is _UNKNOWN else now\n",
                "ended = now + self.settings.lateness if outcome is _UNKNOWN else lease.granted_at\n",
            ),
        ),
        ("tests/guard/test_local.py::test_third_identical_call_waits_for_the_first_reply_plus_a_minute", CORE),
    ),
    Animal(
        "no margin",
        "A token comes home when the minute is over, without the margin for clocks and rounding.",
        ("P1", "G10"),
        (change(_RECORDS, "return self.window + self.margin", "return self.window"),),
        ("tests/guard/test_local.py::test_the_margin_is_waited_too", CORE),
    ),
    Animal(
        "twice the margin",
        "A token comes home later than it could.",
        ("P3",),
        (change(_RECORDS, "return self.window + self.margin", "return self.window + 2 * self.margin"),),
        ("tests/guard/test_local.py::test_what_an_outcome_charges", CORE),
    ),
    Animal(
        "token back on time-out",
        "A call whose reply never came gives its token back at once.",
        ("P1", "G4"),
        (
            change(
                _POLICY, "sent = outcome is not _UNSENT", "sent = outcome is not _UNSENT and outcome is not _UNKNOWN"
            ),
        ),
        ("tests/guard/test_local.py::test_what_an_outcome_charges", CORE),
    ),
    Animal(
        "no lateness for tokens",
        "A token whose call was given up rests from that moment on, although the gateway may count it later.",
        ("P1", "G4"),
        (change(_POLICY, "home += self.rest\n", "home = now + self.rest\n"),),
        ("tests/guard/test_local.py::test_what_an_outcome_charges", CORE),
    ),
    Animal(
        "no lateness for slots",
        "A slot whose call was given up is free at once, although the gateway may still be at work.",
        ("P2", "G4"),
        (change(_POLICY, "home = ended\n", "home = ended if bucket.rule.rests else now\n"),),
        ("tests/guard/test_local.py::test_the_snapshot_tells_what_is_used_and_when_it_is_free", CORE),
    ),
    Animal(
        "token back on refusal",
        "A call that was refused gives its token back, although the gateway counts refused ones too.",
        ("P1", "G12"),
        (change(_POLICY, "sent = outcome is not _UNSENT", "sent = outcome is _ACCEPTED or outcome is _UNKNOWN"),),
        ("tests/guard/test_local.py::test_what_an_outcome_charges", CORE),
    ),
    Animal(
        "unsent calls pay",
        "A call of which no byte was sent leaves its token out for a minute.",
        ("P3", "G5"),
        (change(_POLICY, "sent = outcome is not _UNSENT", "sent = True"),),
        ("tests/guard/test_local.py::test_what_an_outcome_charges", CORE),
    ),
    Animal(
        "fifteen slots",
        "The fifteenth request in flight is let through.",
        ("P2", "G2"),
        (change(_ACCOUNT, "Reason.SLOTS, settings.max_concurrency,", "Reason.SLOTS, settings.max_concurrency + 1,"),),
        ("tests/guard/test_local.py::test_fourteen_calls_are_in_flight_at_the_most", CORE, CLIENT),
    ),
    Animal(
        "one token too many",
        "A call is admitted when the tokens are just used up.",
        ("P1", "G1"),
        (change(_POLICY, "+ len(bucket.homes) >= bucket.rule.n", "+ len(bucket.homes) > bucket.rule.n"),),
        ("tests/guard/test_local.py::test_fourteen_calls_are_in_flight_at_the_most", CORE),
    ),
    Animal(
        "reserved tokens given away",
        "A call takes the token that is reserved for one which waits for something else.",
        ("P1", "P3"),
        (change(_POLICY, "bucket.out + bucket.reserved + len(bucket.homes)", "bucket.out + len(bucket.homes)"),),
        (CORE,),
    ),
    Animal(
        "key forgotten at rest",
        "A key is forgotten with its last call, although its tokens still rest.",
        ("P1", "P3"),
        (change(_ACCOUNT, "elif bucket.homes:\n", "elif bucket.waiting:\n"),),
        ("tests/guard/test_local.py::test_the_minute_outlives_an_event_loop", CORE),
    ),
    Animal(
        "key forgotten in use",
        "A key is forgotten when one of its calls ends, although others refer to it.",
        ("P1", "P4"),
        (change(_ACCOUNT, "if bucket.held or busy.get", "if busy.get"),),
        (CORE,),
    ),
    Animal(
        "key forgotten at its first token",
        "A key is forgotten when the first of its tokens is home, and not the last.",
        ("P1",),
        (change(_ACCOUNT, "self.forgets_at = kept[-1] if", "self.forgets_at = kept[1] if"),),
        (CORE,),
    ),
    Animal(
        "account forgotten at rest",
        "An account is forgotten while its tokens rest, as soon as another account comes.",
        ("P1",),
        (change(_ACCOUNT, "not (self.busy or self.resting or locked", "not (self.busy or locked"),),
        ("tests/guard/test_local.py::test_an_idle_account_is_forgotten_when_another_comes", CORE),
    ),
    Animal(
        "nothing is forgotten",
        "The books of keys whose tokens are home stay for ever.",
        ("P4",),
        (change(_POLICY, "account.forget(now)\n", "pass\n"),),
        ("tests/guard/test_local.py::test_a_key_costs_nothing_once_its_tokens_are_home", CORE),
    ),
    Animal(
        "the laxer limit",
        "Where two endpoints share a key, the higher limit holds.",
        ("P1",),
        (change(_POLICY, "rule.n < bucket.rule.n:", "rule.n > bucket.rule.n:"),),
        (CORE,),
    ),
)
