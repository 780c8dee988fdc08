"""Credentials made up anew for each run of the tests, and the ways to find them again wherever they turn up."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from typing import Any, Final

__all__ = ["RUN", "Canaries"]

NAMES: Final = ("login", "password", "apikey", "callback", "token")
#: The processes of one run share their canaries by this variable, which holds none of them.
VARIABLE: Final = "SMSC_TESTS_SEED"


class Canaries:
    """
    A login, a password, a key, and a secret and a token for callbacks, that occur nowhere else.

    Each holds a mark of 16 hexadecimal digits, which every escaping leaves as it is: percent signs, JSON, ``repr``,
    another charset. The letters around it are such that each of those ways of writing changes them, but for callbacks:
    the gateway takes plain letters only.
    """

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self._marks = {name: _digest(f"{seed} {name}")[:16] for name in NAMES}
        self.login: str = f"al ex{self._marks['login']}"
        self.password: str = f'p&w=Їжак+"{self._marks["password"]}'
        self.apikey: str = f"k/е{self._marks['apikey']}"
        self.callback: str = f"callback_{self._marks['callback']}"
        self.token: str = f"token-{self._marks['token']}"
        self._spellings = {name: self._spelled(name, mark) for name, mark in self._marks.items()}
        self._encoded = [
            (f"{name}, {how}", form.encode()) for name, forms in self._spellings.items() for how, form in forms.items()
        ] + [(f"{name}, in UTF-16", mark.encode("utf-16-le")) for name, mark in self._marks.items()]

    @property
    def marks(self) -> tuple[str, str, str]:
        """The marks of login, password and key."""
        return self._marks["login"], self._marks["password"], self._marks["apikey"]

    @property
    def pair(self) -> dict[str, Any]:
        """The arguments of a session that uses login and password."""
        return {"login": self.login, "password": self.password}

    @property
    def key(self) -> dict[str, Any]:
        """The argument of a session that uses the key."""
        return {"apikey": self.apikey}

    def in_text(self, text: str) -> list[str]:
        """Say which credentials *text* holds, and in which spelling; never themselves."""
        return [
            f"{name}, {how}" for name, forms in self._spellings.items() for how, form in forms.items() if form in text
        ]

    def in_bytes(self, data: bytes) -> list[str]:
        """Say the same of bytes in any charset."""
        return [name for name, form in self._encoded if form in data]

    def _spelled(self, name: str, mark: str) -> dict[str, str]:
        forms = {"as it is": mark, "in capitals": mark.upper(), "in hexadecimal": mark.encode().hex()}
        forms["in capital hexadecimal"] = mark.encode().hex().upper()
        for shift in range(3):  # where in a group of three bytes it begins depends on what stands before it
            encoded = base64.b64encode(b"\0" * shift + mark.encode()).decode()
            forms[f"in base64, shifted by {shift}"] = encoded[4 if shift else 0 : -4]
        whole: str = getattr(self, name)
        # The gateway takes the MD5 digest of a password in its place: https://smsc.ua/api/http/ (psw).
        forms["as its MD5 digest"] = hashlib.md5(whole.encode(), usedforsecurity=False).hexdigest()
        return forms


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


RUN: Final = Canaries(os.environ.setdefault(VARIABLE, secrets.token_hex(8)))
