"""Pictures with a code, which keep robots from sending messages by the form of a site."""

from __future__ import annotations

import ipaddress
import secrets
from typing import TYPE_CHECKING, Final

import attrs

from smsc_async._wire import check_text
from smsc_async.errors import InvalidArgument

if TYPE_CHECKING:
    from smsc_async._calling import Caller

__all__ = ["Captcha", "CaptchaPictures"]

_DIGITS: Final = 10**9


@attrs.frozen(kw_only=True)
class Captcha:
    """What a visitor read in the picture, and the address that the visitor's browser came from."""

    code: str
    user_ip: str

    def __attrs_post_init__(self) -> None:
        """Check both."""
        if not check_text("code", self.code).strip():
            raise InvalidArgument("code", "is empty: the visitor has typed nothing")
        try:
            ipaddress.ip_address(check_text("user_ip", self.user_ip))
        except ValueError as problem:
            if isinstance(problem, InvalidArgument):
                raise
            raise InvalidArgument("user_ip", 'is no IP address, such as "203.0.113.5"') from None

    def params(self) -> dict[str, str]:
        """Give what the gateway is told."""
        return {"imgcode": self.code.strip(), "userip": self.user_ip}


class CaptchaPictures:
    """
    The addresses of pictures.

    The gateway gives each address on the internet a picture of its own. So the visitor's browser must fetch it, and
    `Messages.send` is given what the visitor has read together with the visitor's address: ``Captcha(code, user_ip)``.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def image_url(self) -> str:
        """
        Give the address of a picture of 50 by 18 pixels, for the page that a visitor sees.

        Each call gives another address, so that no cache shows an old picture. Nothing is asked of the gateway.

        Source: https://smsc.ua/api/http/miscellaneous/antispam/
        """
        return f"{self._caller.base_url}/sys/imgcode.php?{1 + secrets.randbelow(_DIGITS)}"
