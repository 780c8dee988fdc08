"""Plans that name the wrong keys: what is one request to the gateway is two to the guard, or the other way round."""

from __future__ import annotations

from typing import Final

from tests.proof.zoo.animals import CLIENT, Animal, change

__all__ = ["ANIMALS"]

_FORM: Final = "_wire/form.py"
_PLAN: Final = "_plan.py"
_TEMPLATE: Final = "_wire/template.py"

ANIMALS: Final = (
    Animal(
        "key without a parameter",
        "Requests that differ in the phone alone have one key, and wait for each other.",
        ("P3",),
        (
            change(
                _TEMPLATE,
                "sorted({*fixed, *names} - NOT_COMPARED)",
                'sorted({*fixed, *names} - NOT_COMPARED - {"phone"})',
            ),
            change(
                _TEMPLATE,
                "self._in_order = itemgetter(*(name for name in compared if name in names))\n",
                """
                self._in_order = itemgetter(*[name for name in compared if name in names] or ["phone"])
                self._counted += "" if set(names) - {"phone"} else "%.0s"
                """,
            ),
        ),
        ("tests/session/test_bounds.py::test_what_the_gateway_could_call_identical_counts_together",),
    ),
    Animal(
        "key with the format",
        "The same request asked for in two formats has two keys.",
        ("P1", "G13"),
        (
            change(_FORM, '"apikey", "fmt", "charset"})', '"apikey"})'),
            change(
                _TEMPLATE,
                "for name, value in fixed.items() if name not in not_compared}",
                "for name, value in {**fixed, **session}.items() if name not in not_compared}",
            ),
            change(
                _TEMPLATE,
                "sorted({*fixed, *names} - NOT_COMPARED)",
                "sorted({*fixed, *session, *names} - NOT_COMPARED)",
            ),
            change(_TEMPLATE, "else _literal(fixed[name])", "else _literal({**fixed, **session}[name])"),
        ),
        ("tests/reliability/test_guard_rows.py::test_format_charset_and_spelling_make_no_other_request",),
    ),
    Animal(
        "key with the credentials",
        "Two credentials of one account have a key each, and together twice the tokens.",
        ("P1", "G14"),
        (
            change(
                _PLAN,
                "guard, identity = shared.guard, shared.identity\n",
                "guard, identity = shared.guard, shared.identity._replace(account=shared.identity.credential)\n",
            ),
        ),
        ("tests/reliability/test_guard_rows.py::test_login_and_key_of_one_account_share_by_its_name",),
    ),
    Animal(
        "key in the order of the arguments",
        "The same parameters in another order make another key.",
        ("P1", "G13"),
        (
            change(_FORM, "for name in sorted(params):\n", "for name in params:\n"),
            change(
                _TEMPLATE,
                "compared = sorted({*fixed, *names} - NOT_COMPARED)",
                "compared = [name for name in (*fixed, *names) if name not in NOT_COMPARED]",
            ),
        ),
        ("tests/session/test_bounds.py::test_what_the_gateway_could_call_identical_counts_together",),
    ),
    Animal(
        "key without separators",
        "Parameters run into each other: ab and c is the same as a and bc.",
        ("P3",),
        (change(_FORM, 'text = "\\0".join(parts)', 'text = "".join(parts)'),),
        ("tests/wire/test_form.py::test_parameters_do_not_run_into_each_other",),
    ),
    Animal(
        "actions and requests share keys",
        "The key of an action as a whole is that of its request without parameters.",
        ("P1", "P3"),
        (change(_FORM, "digest = _ACTION.copy()\n", "digest = begin_digest()\n"),),
        ("tests/wire/test_form.py::test_an_action_is_no_request",),
    ),
    Animal(
        "every spelling its own key",
        "A phone with and without a plus makes two requests of what is one to the gateway.",
        ("P1", "G13"),
        (change("_view.py", '_PHONES: Final = frozenset({"phone"})', "_PHONES: Final = frozenset()"),),
        ("tests/session/test_bounds.py::test_what_the_gateway_could_call_identical_counts_together",),
    ),
    Animal(
        "the mirror is another account",
        "The backup host has limits of its own, although it is the same gateway.",
        ("P1", "G14"),
        (
            change(
                "_address.py",
                '_MIRROR.sub("", (parts.hostname or "").rstrip("."))',
                '(parts.hostname or "").rstrip(".")',
            ),
        ),
        ("tests/reliability/test_guard_rows.py::test_the_mirror_is_the_same_account",),
    ),
    Animal(
        "the account's name is ignored",
        "Login and key of one account, given one name, have limits of their own each.",
        ("P1", "G14"),
        (
            change(
                "_making.py",
                "if account is None else Secret(account)",
                "if account != account else next(iter(parts.values()))",
            ),
        ),
        ("tests/session/test_session.py::test_two_credentials_of_one_account_share_its_limits_by_name",),
    ),
    Animal(
        "limits can be raised",
        "A user's lower limit is taken also where it is higher than the gateway's.",
        ("P1",),
        (
            change(
                _PLAN,
                "n = limit.n if lower is None else min(limit.n, lower)",
                "n = limit.n if lower is None else lower",
            ),
        ),
        ("tests/session/test_session.py::test_limits_can_be_lowered_and_never_raised",),
    ),
    Animal(
        "the action is not limited",
        "Of an endpoint's two limits only that on identical requests is kept.",
        ("P1", "G13"),
        (change(_PLAN, "for limit in endpoint.limits:", "for limit in endpoint.limits[:1]:"),),
        ("tests/session/test_both_limits.py::test_each_of_two_limits_is_kept",),
    ),
    Animal(
        "action before request",
        "Who waits for identical requests holds a token of the action, which others could use.",
        ("P3",),
        (change(_PLAN, "key=lambda pair: pair[1] is not None)", "key=lambda pair: pair[1] is None)"),),
        ("tests/session/test_edges.py::test_who_waits_for_identical_requests_holds_nothing_of_the_action",),
    ),
    Animal(
        "two rules with one key",
        "A call waits for a token that it has reserved itself.",
        ("P3", "P4"),
        (change(_PLAN, "self._rules = _strictest(self._rules)\n", ""),),
        ("tests/session/test_edges.py::test_two_limits_of_one_key_do_not_hang",),
    ),
    Animal(
        "downloads are not capped",
        "Slow files take all slots, and nothing else goes.",
        ("P3", "G18"),
        (change(_PLAN, "if endpoint.shape.layout is Layout.FILE:", "if endpoint.shape.layout is None:"),),
        (CLIENT,),
    ),
    Animal(
        "two rents of a phone at once",
        "The second rent of a phone does not wait for what the first comes to.",
        ("P5", "row P10"),
        (change(_PLAN, "if subject is not None:\n", 'if subject == "":\n'),),
        ("tests/reliability/test_paid_rows.py::test_a_second_rent_waits_for_an_unknown_first_and_is_refused",),
    ),
)
