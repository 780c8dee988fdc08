"""
Forms that differ in nothing but their values: names are escaped, sorted and joined once, and values put in.

What comes out is what `encode_form` and `fingerprint` give, at a fifth of the time; values that need escaping go there.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from smsc_async._wire.form import NOT_COMPARED, begin_digest, encode_form, fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Template"]

_HOLE = "%s"


class Template:
    """
    The form of an endpoint's calls with the same parameters.

    Args:
        account: The account's digest.
        path: The endpoint's.
        fixed: The endpoint's own parameters.
        session: Those that the session sends with every call (``fmt``, ``charset``).
        names: The parameters' names, at least one, in the order in which calls give them.
        not_compared: Those of them that the fingerprint leaves out; at least one must be left.
    """

    __slots__ = (
        "_account",
        "_body",
        "_counted",
        "_fixed",
        "_head",
        "_in_order",
        "_joins",
        "_not_compared",
        "_path",
        "_tail",
    )

    def __init__(
        self,
        account: str,
        path: str,
        *,
        fixed: Mapping[str, str],
        session: Mapping[str, str],
        names: tuple[str, ...],
        not_compared: frozenset[str] = frozenset(),
    ) -> None:
        self._account, self._path = account, path
        self._fixed = {name: value for name, value in fixed.items() if name not in not_compared}
        self._not_compared = not_compared
        # The fixed ones come first: what is cut off behind must not be what makes a price of a message.
        self._head = encode_form(fixed) + b"&" if fixed else b""
        self._tail = b"&" + encode_form(session) if session else b""
        holes = "&".join(f"{_literal(quote_plus(name))}={_HOLE}" for name in names)
        self._body = _literal(self._head.decode()) + holes + _literal(self._tail.decode())
        counted = [_literal(account), _literal(path)]
        compared = sorted({*fixed, *names} - NOT_COMPARED)
        compared = [name for name in compared if name not in not_compared]
        for name in compared:
            counted += (_literal(name), _HOLE if name in names else _literal(fixed[name]))
        self._counted = "\0".join(counted)
        self._joins = self._counted.count("\0") == len(counted) - 1  # else `fingerprint` counts lengths
        self._in_order = itemgetter(*(name for name in compared if name in names))

    def fill(self, params: Mapping[str, str]) -> tuple[bytes, bytes]:
        """
        Give the form and the fingerprint of a call with *params*, which have the template's names in its order.

        Raises:
            InvalidArgument: A value holds half of a surrogate pair.
        """
        values = tuple(params.values())
        for value in values:
            if not (value.isalnum() and value.isascii() and self._joins):
                counted = {name: value for name, value in params.items() if name not in self._not_compared}
                key = fingerprint(self._account, self._path, {**self._fixed, **counted})
                return self._head + encode_form(params) + self._tail, key
        digest = begin_digest()
        digest.update((self._counted % self._in_order(params)).encode())
        return (self._body % values).encode(), digest.digest()


def _literal(text: str) -> str:
    return text.replace("%", "%%")
