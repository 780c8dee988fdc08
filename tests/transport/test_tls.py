"""TLS is verified, whatever the environment says, and cannot be switched off."""

from __future__ import annotations

import ssl
import warnings
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from smsc_async._transport import Failure, Reply, Write, trust
from tests.transport.servers import CREDENTIALS, Authority, Server, Transport, polite, post, serving

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def refusal(transport: Transport, server: Server) -> str:
    """Exchange, and give the reason why it failed; the server must have read nothing of the request."""
    write = Write()
    outcome = await post(transport, server.address, write=write)
    assert isinstance(outcome, Failure)
    assert ([], True) == (server.requests, write.provably_unsent)
    return outcome.reason.partition(": ")[2]


async def test_a_private_authority_is_trusted_when_it_is_given(anyio_backend: str) -> None:
    """``ssl_context=`` is the way to a private authority."""
    authority = Authority()
    async with serving(polite, tls=authority.server()) as server:
        transport = Transport(credentials=CREDENTIALS, ssl_context=authority.client())
        for _ in range(2):
            assert Reply(200, "text/plain", b"ok") == await post(transport, server.address)
        assert 1 == server.connections
        await transport.aclose()


async def test_an_unknown_authority_is_refused(anyio_backend: str) -> None:
    """A certificate of nobody's is refused before a byte of the request is sent, and may be tried again."""
    async with serving(polite, tls=Authority().server()) as server:
        transport = Transport(credentials=CREDENTIALS)
        assert "certificate refused, unable to get local issuer certificate" == await refusal(transport, server)


async def test_another_hosts_certificate_is_refused(anyio_backend: str) -> None:
    """The name in the certificate must be the host's."""
    authority = Authority()
    async with serving(polite, tls=authority.server("smsc.test")) as server:
        transport = Transport(credentials=CREDENTIALS, ssl_context=authority.client())
        reason = await refusal(transport, server)
        assert "certificate refused, IP address mismatch, certificate is not valid for '127.0.0.1'" == reason


async def test_an_expired_certificate_is_refused(anyio_backend: str) -> None:
    """Time counts too."""
    authority = Authority()
    past = datetime(2020, 1, 1, tzinfo=UTC)
    context = authority.server("127.0.0.1", not_before=past, not_after=past + timedelta(days=1))
    async with serving(polite, tls=context) as server:
        transport = Transport(credentials=CREDENTIALS, ssl_context=authority.client())
        assert "certificate refused, certificate has expired" == await refusal(transport, server)


async def test_tls_1_1_is_refused(anyio_backend: str) -> None:
    """A server that can do no better than TLS 1.1 gets nothing."""
    context = Authority().server()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with serving(polite, tls=context) as server:
        reason = await refusal(Transport(credentials=CREDENTIALS), server)
        assert reason.startswith(("TLS failed, ", "connection reset"))  # in whichever words the server closes


async def test_the_environment_adds_no_authority_and_no_key_log(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """SSL_CERT_FILE does not make an authority trusted, and SSLKEYLOGFILE writes no keys."""
    authority = Authority()
    authority.ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    trust.process_context.cache_clear()  # made anew, within this environment
    try:
        async with serving(polite, tls=authority.server()) as server:
            reason = await refusal(Transport(credentials=CREDENTIALS), server)
            assert "certificate refused, unable to get local issuer certificate" == reason
    finally:
        trust.process_context.cache_clear()
    assert not (tmp_path / "keys").exists()


def test_the_process_has_one_context_that_verifies() -> None:
    """It is made once, knows certifi's authorities, and starts at TLS 1.2."""
    context = trust.process_context()
    assert context is trust.process_context()
    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)
    assert ssl.TLSVersion.TLSv1_2 == context.minimum_version
    assert context.cert_store_stats()["x509_ca"] > 100
    assert context.keylog_filename is None
