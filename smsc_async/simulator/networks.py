"""Whose number a phone is: country, operator, region, codes; made up but for the prefixes of Ukraine's operators."""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class Network:
    """A mobile network."""

    country: str
    operator: str
    mcc: str
    mnc: str
    region: str = ""

    @property
    def mccmnc(self) -> str:
        """Both codes in one."""
        return self.mcc + self.mnc


VODAFONE: Final = Network("Україна", "Vodafone", "255", "01")
KYIVSTAR: Final = Network("Україна", "Київстар", "255", "03")
LIFECELL: Final = Network("Україна", "lifecell", "255", "06")
NOWHERE: Final = Network("", "", "", "")

NETWORKS: Final[dict[str, Network]] = {
    **dict.fromkeys(("38050", "38066", "38095", "38099"), VODAFONE),
    **dict.fromkeys(("38067", "38068", "38096", "38097", "38098"), KYIVSTAR),
    **dict.fromkeys(("38063", "38073", "38093"), LIFECELL),
    "77": Network("Казахстан", "K'cell", "401", "02"),
    "79": Network("Росія", "МегаФон", "250", "02", "Москва"),
    "48": Network("Польща", "Orange", "260", "03"),
}
LENGTHS: Final = sorted({len(prefix) for prefix in NETWORKS}, reverse=True)


def network(phone: str) -> Network:
    """Give the network of *phone*."""
    for length in LENGTHS:
        found = NETWORKS.get(phone[:length])
        if found is not None:
            return found
    return NOWHERE


def hlr(phone: str) -> dict[str, str]:
    """Give what an HLR request finds out about *phone*, in the order of the vendor's table."""
    home = network(phone)
    return {
        "imsi": f"{home.mccmnc}{phone[-9:]:0>10}" if home.mcc else "",
        "msc": f"{phone[:5]}0000900",
        "mcc": home.mcc,
        "mnc": home.mnc,
        "cn": home.country,
        "net": home.operator,
        "rcn": "",
        "rnet": "",
    }
