"""The net under all tests catches what is let out, in every spelling and by every way; and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.canaries import RUN, Canaries

ROOT: Final = Path(__file__).parents[3]

#: Each function is a test that lets one thing out; `CLEAN` is what must pass.
LEAKS: Final = """
import base64, json, logging, urllib.parse, warnings
from tests.canaries import RUN

log = logging.getLogger("httpcore.connection")
secret = RUN.password

def test_leak_in_a_message():
    log.debug(f"psw={secret}")

def test_leak_in_an_argument_that_is_not_shown():
    log.debug("%.3s", secret)

def test_leak_in_an_extra_field():
    log.info("sent", extra={"body": {"psw": secret}})

def test_leak_of_the_login():
    log.debug(RUN.login)

def test_leak_of_the_key_in_bytes():
    log.debug("%r", RUN.apikey.encode())

def test_leak_in_a_url():
    log.info("GET /sys/send.php?psw=" + urllib.parse.quote_plus(secret))

def test_leak_in_json():
    log.debug(json.dumps({"psw": secret}))

def test_leak_in_windows_1251():
    log.debug("%r", secret.encode("cp1251"))

def test_leak_in_base64():
    log.debug(base64.b64encode(f"{RUN.login}:{secret}".encode()).decode())

def test_leak_in_hexadecimal():
    log.debug(secret.encode().hex())

def test_leak_as_a_digest():
    import hashlib
    log.debug(hashlib.md5(secret.encode()).hexdigest())

def test_leak_in_the_locals_of_a_logged_exception():
    def send(body):
        raise OSError("broken")
    try:
        send(f"psw={secret}")
    except OSError:
        log.exception("it failed")

def test_leak_in_the_output():
    print(secret)

def test_leak_by_a_thread():
    import threading
    thread = threading.Thread(target=log.debug, args=(secret,))
    thread.start()
    thread.join()

def test_leak_in_the_clean_up(request):
    request.addfinalizer(lambda: log.debug(secret))

def test_leak_among_many():
    for number in range(30_000):
        log.debug("%s", secret if number == 7 else "x" * 50)
"""
CLEAN: Final = '''
import logging
from smsc_async import Session
from tests.canaries import RUN

def test_clean():
    logging.getLogger("httpcore").debug("send_request_headers.started request=<Request [b'POST']>")
    assert repr(Session(**RUN.pair))

def test_clean_after_a_leak(capsys):
    """What one test let out is not laid to the next one."""
'''
FILES: Final = """
from pathlib import Path
from tests.canaries import RUN

def test_file_below_the_temporary_folder(tmp_path):
    (tmp_path / "dump").write_text("psw=" + RUN.password)

def test_file_elsewhere():
    Path("elsewhere.csv").write_bytes(RUN.login.encode("utf-16"))
"""
WARNINGS: Final = """
import warnings
from tests.canaries import RUN

def test_warning():
    warnings.warn("bad password " + RUN.password)
"""
CLIENT: Final = """
import logging
import anyio, httpx
from smsc_async import LocalGuard, Session
from smsc_async._transport import Credentials
from tests.canaries import RUN

def answer(request):
    return httpx.Response(200, json={"balance": "1.00"})

def call():
    smsc = Session(**RUN.pair, guard=LocalGuard(), transport=lambda: httpx.MockTransport(answer))
    anyio.run(smsc.account.balance)

def test_leak_of_the_client_itself(monkeypatch):
    form = Credentials.form
    def talking(self):
        logging.getLogger("smsc_async").debug("sending %r", form(self))
        return form(self)
    monkeypatch.setattr(Credentials, "form", talking)
    call()

def test_clean_client():
    call()
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder for tests that run in a process of their own, with the same canaries."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]")  # ours would be found, where temporary folders are below the project's
    monkeypatch.setenv("SMSC_TESTS_SEED", f"{RUN.seed} of a run within the run")  # what it finds is not found again
    return pytester


def outcomes(pytester: pytest.Pytester, **files: str) -> tuple[dict[str, int], str]:
    """Run the files with the net under them, and give how the tests ended and what was said."""
    pytester.makepyfile(**files)
    result = pytester.runpytest_subprocess("-p", "tests.net", "-p", "no:cacheprovider")
    return result.parseoutcomes(), result.stdout.str()


def test_whoever_lets_a_canary_out_fails(run: pytest.Pytester) -> None:
    """
    Each of sixteen ways to log or print a secret is an error of a test that would pass; clean tests pass.

    So is one line at DEBUG in the client itself, with the form in it, of the test that made the call.
    """
    found, said = outcomes(run, test_leaks=LEAKS, test_clean=CLEAN, test_client=CLIENT)
    assert {"passed": 20, "errors": 17} == found
    for line in (LEAKS + CLIENT).splitlines():
        if line.startswith("def test_leak"):
            assert f"::{line[4:].split('(')[0]} let out what must not be seen" in said
    assert "test_clean" not in said.replace("test_clean.py", "")
    assert [] == Canaries(f"{RUN.seed} of a run within the run").in_text(said.split("Captured")[0])


def test_files_and_warnings_are_searched_too(run: pytest.Pytester) -> None:
    """A canary in a file fails the run, wherever it was written; one in a warning does, after the last test too."""
    found, said = outcomes(run, test_files=FILES, test_warnings=WARNINGS)
    assert {"passed": 3, "errors": 1, "warnings": 1} == found
    for told in ("dump", "password, as it is", "elsewhere.csv", "login, in UTF-16"):
        assert told in said
    assert "warning of test_warnings.py::test_warning: password, as it is" in said


def test_a_warning_after_the_last_test_fails_the_run(run: pytest.Pytester) -> None:
    """Where no test can be blamed any more, the run is."""
    run.makepyfile(test_warnings=WARNINGS)
    result = run.runpytest_subprocess("-p", "tests.net", "-p", "no:cacheprovider")
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert {"passed": 1, "warnings": 1} == result.parseoutcomes()
    assert "let out what must not be seen: warning of" in result.stdout.str()
