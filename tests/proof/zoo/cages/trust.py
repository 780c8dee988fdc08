"""Transports that trust the wrong ones: the password goes to whoever answers."""

from __future__ import annotations

from typing import Final

from tests.proof.zoo.animals import Animal, change

__all__ = ["ANIMALS"]

_EXCHANGE: Final = "_transport/exchange.py"
_TRUST: Final = "_transport/trust.py"

ANIMALS: Final = (
    Animal(
        "the environment names a proxy",
        "All goes through the proxy that a variable of the environment names.",
        ("P8", "H12"),
        (
            change(
                _EXCHANGE,
                "self._proxy = None if proxy is None else trust.through(proxy, ssl_context)\n",
                """
                import urllib.request

                proxy = proxy or urllib.request.getproxies().get("http")
                self._proxy = None if proxy is None else trust.through(proxy, ssl_context)
                """,
            ),
        ),
        ("tests/transport/test_exchange.py::test_the_environment_is_ignored",),
    ),
    Animal(
        "the environment names authorities",
        "Whoever may set SSL_CERT_FILE is believed to be the gateway, and SSLKEYLOGFILE opens what is said to it.",
        ("P8", "H12", "S9"),
        (
            change(
                _TRUST,
                "    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)",
                "    context = ssl.create_default_context()",
            ),
        ),
        ("tests/transport/test_tls.py::test_the_environment_adds_no_authority_and_no_key_log",),
    ),
    Animal(
        "any certificate will do",
        "A context that verifies nothing is accepted.",
        ("P8", "H10"),
        (
            change(
                _TRUST,
                "if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:",
                "if context is None:",
            ),
        ),
        ("tests/transport/test_exchange.py::test_a_context_that_does_not_verify_is_refused",),
    ),
    Animal(
        "any host's certificate will do",
        "The host's name is not compared with its certificate.",
        ("P8", "H10"),
        (
            change(
                _TRUST,
                "context.minimum_version = ssl.TLSVersion.TLSv1_2\n",
                """
                context.minimum_version = ssl.TLSVersion.TLSv1_2
                context.check_hostname = False
                """,
            ),
        ),
        ("tests/transport/test_tls.py::test_the_process_has_one_context_that_verifies",),
    ),
    Animal(
        "old TLS will do",
        "A server that knows TLS 1.1 and nothing newer is talked to.",
        ("P8", "H10"),
        (
            change(
                _TRUST,
                "context.minimum_version = ssl.TLSVersion.TLSv1_2\n",
                """
                context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
                context.set_ciphers("ALL:@SECLEVEL=0")
                """,
            ),
        ),
        ("tests/transport/test_tls.py::test_tls_1_1_is_refused",),
    ),
    Animal(
        "plain http anywhere",
        "The password goes over the network in plain text without anybody's leave.",
        ("P8", "H13"),
        (
            change(
                "_address.py",
                'if parts.scheme == "http" and not (allow_plain_http or _is_loopback(host)):',
                "if not parts.scheme:",
            ),
        ),
        ("tests/reliability/test_http_rows.py::test_plain_http_to_another_machine_must_be_allowed",),
    ),
    Animal(
        "redirects are followed",
        "The password goes wherever an answer says.",
        ("P8", "H11"),
        (
            change(
                _EXCHANGE,
                """
                attempt.body.wipe()
                head = Head.of(response)
                outcome = await self._read(head, connection)
                """,
                """
                if location := response.headers.get("location"):
                    await connection.settle(reusable=True)
                    url, body = target.url.join(location), attempt.body
                    response = await connection.send(url, target.headers(body), body)
                attempt.body.wipe()
                head = Head.of(response)
                outcome = await self._read(head, connection)
                """,
            ),
        ),
        ("tests/transport/test_exchange.py::test_a_redirect_is_a_reply_and_the_body_is_sent_once",),
    ),
)
