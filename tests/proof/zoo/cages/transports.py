"""Transports that go wrong: connections, evidence, deadlines, and what is taken for a whole reply."""

from __future__ import annotations

from typing import Final

from tests.proof.zoo.animals import CLIENT, Animal, change

__all__ = ["ANIMALS"]

_ATTEMPT: Final = "_transport/attempt.py"
_CONNECTION: Final = "_transport/connection.py"
_CONNECTIONS: Final = "_transport/connections.py"
_DECODING: Final = "_transport/decoding.py"
_EXCHANGE: Final = "_transport/exchange.py"

ANIMALS: Final = (
    Animal(
        "no evidence is evidence",
        "A transport that reports nothing is taken to have sent nothing.",
        ("P5", "row P2"),
        (
            change(
                "_transport/outcome.py",
                "(not self.started and (self.traced or self.connect_failed))",
                "not self.started",
            ),
        ),
        ("tests/transport/test_exchange.py::test_an_error_that_respx_plays_is_a_failure",),
    ),
    Animal(
        "only the body counts as sent",
        "A request whose head is on its way is taken for not sent.",
        ("P5", "row P2"),
        (change(_CONNECTION, 'if "send_request" in event and', 'if "send_request_body" in event and'),),
        (CLIENT,),
    ),
    Animal(
        "a request counts as sent when all of it is",
        "A request that is just being written is taken for not sent.",
        ("P5", "row P2"),
        (change(_CONNECTION, 'if event.endswith(".started"):', 'if event.endswith(".complete"):'),),
        (CLIENT,),
    ),
    Animal(
        "a foreign connect error is believed",
        "A transport that misnames its errors makes a request that was read look like one that never left.",
        ("P5", "row P2"),
        (
            change(
                _ATTEMPT,
                "return no_connection and (self.connection.own or not self.body.asked_for)",
                "return no_connection",
            ),
        ),
        (
            "tests/transport/test_exchange.py::test_a_foreign_connect_error_proves_something_only_if_nobody_came_for_the_body",
        ),
    ),
    Animal(
        "a tunnel is a request",
        "What is said to a proxy to open a tunnel counts as the request, and is never repeated.",
        ("P5", "row P2"),
        (change(_CONNECTION, ' and getattr(info.get("request"), "method", None) != b"CONNECT"', ""),),
        ("tests/transport/test_faults.py::test_a_proxy_that_refuses_the_tunnel_proves_that_nothing_was_sent",),
    ),
    Animal(
        "a rent on a kept-alive connection",
        "A rent uses a connection that the server may be closing at this moment.",
        ("P5", "row P5"),
        (change("services/numbers.py", "fresh_connection=True,\n", ""),),
        (
            "tests/reliability/test_paid_rows.py::test_a_rent_takes_a_fresh_connection",
            "tests/services/test_endpoints.py::test_what_pays_or_allots_is_never_repeated_blindly",
        ),
    ),
    Animal(
        "fresh is ignored",
        "Whoever asks for a fresh connection gets the one that was used last.",
        ("P5", "row P5"),
        (
            change(_CONNECTIONS, "if idle and (fresh or now", "if idle and (now"),
            change(_CONNECTIONS, "if idle and not fresh:", "if idle:"),
        ),
        (
            "tests/transport/test_exchange.py::test_a_fresh_connection_takes_the_place_of_an_idle_one",
            "tests/reliability/test_paid_rows.py::test_a_rent_takes_a_fresh_connection",
        ),
    ),
    Animal(
        "a broken connection serves again",
        "A connection whose exchange was cancelled or timed out is used for the next one.",
        ("P4", "H1"),
        (
            change(
                _CONNECTION,
                """
                self.usable = False
                self.write.check()
                self._under_way = self.write.given = True
                """,
                """
                self.usable = True
                self._under_way = self.write.given = True
                """,
            ),
            change(_ATTEMPT, "await self.connection.close()\n", "pass\n"),
        ),
        (CLIENT,),
    ),
    Animal(
        "a cancelled connection is not closed",
        "A connection whose exchange was cancelled stays open, and its socket is lost.",
        ("P4", "H2"),
        (change(_ATTEMPT, "await self.connection.close()\n", "pass\n"),),
        (CLIENT,),
    ),
    Animal(
        "leftovers are the next reply",
        "What comes after the end of a reply is taken for the answer to the next call.",
        ("P10", "H1"),
        (
            change(
                _CONNECTION,
                "reusable and not (self.write.traced and _left_over(self._transport, response))",
                "reusable",
            ),
        ),
        ("tests/transport/test_faults.py::test_what_comes_after_a_reply_is_never_taken_for_the_next",),
    ),
    Animal(
        "idle for ever",
        "A connection is used again however long it was idle.",
        ("P5",),
        (change(_CONNECTIONS, "(fresh or now - idle[0].idle_since > self._keepalive)", "fresh"),),
        ("tests/transport/test_idle.py::test_a_connection_is_used_again_only_while_it_is_worth_keeping",),
    ),
    Animal(
        "given up and sent all the same",
        "The system goes on sending a request that was given up, for as long as the network has a pause.",
        ("P1", "G4"),
        (change(_CONNECTION, '_on_closing(info["return_value"], _DROP_THE_REST)\n', ""),),
        ("tests/transport/test_faults.py::test_a_request_that_is_given_up_is_not_sent_any_more",),
    ),
    Animal(
        "no cap",
        "A reply may be as long as it likes.",
        ("P10", "H3"),
        (change(_EXCHANGE, "if size > self._max_body:", "if size < 0:"),),
        ("tests/transport/test_faults.py::test_a_reply_that_is_compressed_anyway_is_read_within_the_cap",),
    ),
    Animal(
        "a bomb in one piece",
        "A compressed reply is undone in one go, however large it becomes.",
        ("P10", "H4"),
        (change(_DECODING, "self._engine.decompress(chunk, _PIECE)", "self._engine.decompress(chunk)"),),
        ("tests/transport/test_stream.py::test_a_bomb_comes_in_small_pieces",),
    ),
    Animal(
        "a cut reply is whole",
        "Where the transport does not look, a reply that lacks its end is taken for a whole one.",
        ("P10", "H5"),
        (
            change(
                _DECODING, "if head.length is not None and came != head.length:", "if head.length is None and came < 0:"
            ),
        ),
        ("tests/transport/test_exchange.py::test_a_transport_that_frames_badly_is_found_out",),
    ),
    Animal(
        "a cut compression is whole",
        "A compressed reply that lacks its end is taken for a whole one.",
        ("P10", "H5"),
        (change(_DECODING, "inflater is not None and came > 0 and not inflater.complete", "False"),),
        ("tests/transport/test_faults.py::test_a_reply_that_is_compressed_anyway_is_read_within_the_cap",),
    ),
    Animal(
        "time for each read",
        "Each read has its own time-out, and a reply that drips never ends.",
        ("P6", "H3"),
        (
            change(_ATTEMPT, "with self.clock.deadline(self.deadline):", 'with self.clock.deadline(float("inf")):'),
            change(
                _CONNECTION,
                'self._extensions = {"trace": self._trace}\n',
                """
                each = dict.fromkeys(("connect", "read", "write", "pool"), 1.0)
                self._extensions = {"trace": self._trace, "timeout": each}
                """,
            ),
        ),
        ("tests/transport/test_faults.py::test_a_drip_ends_with_the_deadline",),
    ),
    Animal(
        "what happens after the last byte",
        "A reply that was read whole is lost when its connection cannot be put away in time.",
        ("P5",),
        (change(_EXCHANGE, "return reply or outcome  #", "return outcome  #"),),
        ("tests/transport/test_exchange.py::test_a_reply_counts_from_its_last_byte",),
    ),
)
