"""Pictures with a code for forms on web sites: `imgcode.php` (https://smsc.ua/api/http/miscellaneous/antispam/)."""

from __future__ import annotations

from random import Random

from smsc_async.simulator.nouns import Call, Plain
from smsc_async.simulator.pictures import DIGITS, picture
from smsc_async.simulator.replies import Picture
from smsc_async.simulator.request import Request
from smsc_async.simulator.windows import Limit


class Captcha(Plain):
    """Which address was last shown which code. Anybody may ask for a picture."""

    path = "imgcode.php"
    public = True

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}
        self._random = Random(0)

    def __repr__(self) -> str:
        return f"<Captcha, {len(self._codes)} codes>"

    @property
    def codes(self) -> dict[str, str]:
        """The codes that are good now, by the address that was shown them."""
        return dict(self._codes)

    def code(self, address: str = "127.0.0.1") -> str | None:
        """Give what a person at *address* reads in the picture; None where there is none, or it was used."""
        return self._codes.get(address)

    def passes(self, address: str, code: str, *, use: bool) -> bool:
        """Tell whether *code* is that of the picture shown to *address*; where it is *used*, not again."""
        good = bool(code) and self._codes.get(address.strip()) == code.strip()
        if good and use:
            del self._codes[address.strip()]
        return good

    def action(self, request: Request) -> str:  # noqa: ARG002 - there is one action
        """Name the only action."""
        return "imgcode"

    def limits(self, action: str) -> tuple[Limit, ...]:  # noqa: ARG002 - likewise
        """Tell that there is none."""
        return ()

    def pays(self, action: str) -> bool:  # noqa: ARG002 - likewise
        """Tell that pictures are free."""
        return False

    def act(self, call: Call) -> Picture:
        """Draw a picture for the address that asks; its code takes the place of the one before."""
        request = call.request
        forwarded = call.switches.picture_address == "forwarded"
        address = request.forwarded if forwarded and request.forwarded else request.client
        code = f"{self._random.randrange(10**DIGITS):0{DIGITS}}"
        self._codes[address] = code
        return Picture(picture(code))
