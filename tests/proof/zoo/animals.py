"""What an animal is: one realistic mistake in the package, and the tests that must notice it."""

from __future__ import annotations

import builtins
import dis
import re
from collections import defaultdict
from pathlib import Path
from textwrap import dedent
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CLIENT", "CORE", "PACKAGE", "Animal", "Lost", "change"]

PACKAGE: Final = Path(__file__).parents[3] / "smsc_async"

# The proofs, as far as they go for one animal.
CORE: Final = "tests/proof/zoo/proofs.py::test_core"
CLIENT: Final = "tests/proof/zoo/proofs.py::test_client"


class Lost(AssertionError):
    """An animal has no place any more: the code that it changes was itself changed."""


@attrs.frozen
class Change:
    """
    One text of one module, which stands there exactly once, and what the mistake makes of it.

    A text with a line break is whole lines, wherever they are indented to; one without is a part of a line.
    """

    module: str  # the file, from the package on
    old: str
    new: str

    def made(self, source: str) -> tuple[str, int]:
        """Give the text with the mistake made, and how many places there were for it."""
        if "\n" not in self.old:
            return source.replace(self.old, self.new), source.count(self.old)
        first, *others = (f"{re.escape(line)}\n" for line in _lines(self.old))
        rest = "".join(rf"\1{line}" if line.strip() else line for line in others)
        new = _lines(self.new)
        return re.compile(f"^( *){first}{rest}", re.MULTILINE).subn(
            lambda found: "".join(f"{found[1]}{line}\n" if line else "\n" for line in new), source
        )


def _lines(block: str) -> list[str]:
    return dedent(block).strip("\n").splitlines()


#: Read as a sentence: in this module, change this text to that one.
change = Change


@attrs.frozen
class Animal:
    """
    A wrong version of the package.

    Args:
        name: What it is called.
        wrong: What is wrong with it, in a sentence.
        breaks: The promises (P1 to P10) and the rows of the catalogue of faults that it breaks.
        changes: What was changed.
        found_by: The tests that notice it, each of them: files, functions, or single cases, as pytest names them.
        fails_with: Errors, other than those of the package and of assertions, in which the mistake shows.
    """

    name: str
    wrong: str
    breaks: tuple[str, ...]
    changes: tuple[Change, ...] = attrs.field(repr=False)
    found_by: tuple[str, ...] = attrs.field(repr=False)
    fails_with: tuple[str, ...] = attrs.field(default=(), repr=False)

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Animal:
        """Make one of what `attrs.asdict` makes of it, in JSON."""
        return cls(
            name=fields["name"],
            wrong=fields["wrong"],
            breaks=tuple(fields["breaks"]),
            changes=tuple(Change(**one) for one in fields["changes"]),
            found_by=tuple(fields["found_by"]),
            fails_with=tuple(fields["fails_with"]),
        )

    def sources(self) -> dict[str, str]:
        """
        Give the changed modules' texts.

        Raises:
            Lost: A text that is to be changed does not stand there exactly once.
        """
        changes: dict[str, list[Change]] = defaultdict(list)
        for one in self.changes:
            changes[one.module].append(one)
        return {module: self._changed(module, todo) for module, todo in changes.items()}

    def _changed(self, module: str, changes: list[Change]) -> str:
        path = PACKAGE / module
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        for one in changes:
            source, times = one.made(source)
            if times != 1:
                text = "\n".join(_lines(one.old))
                raise Lost(f"{self.name!r} lost its place: smsc_async/{module} holds {times} times\n{text}")
        return source

    def codes(self) -> dict[str, CodeType]:
        """
        Give the changed modules, compiled.

        Raises:
            Lost: As in `sources`; also where a name in the changed text means nothing.
        """
        codes: dict[str, CodeType] = {}
        for module, source in self.sources().items():
            code = compile(source, str(PACKAGE / module), "exec", dont_inherit=True)
            if unknown := _unknown_names(code):
                raise Lost(f"{self.name!r}: nobody has defined {', '.join(sorted(unknown))} in smsc_async/{module}")
            codes[module] = code
        return codes


def _unknown_names(code: CodeType) -> set[str]:
    """A slip in an animal's own text would make every test fail, and prove nothing."""
    defined = {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_NAME"}
    used: set[str] = set()
    for part in _parts(code):
        steps = list(dis.get_instructions(part))
        defined |= {step.argval for step in steps if step.opname == "STORE_GLOBAL"}
        used |= {step.argval for step in steps if step.opname == "LOAD_GLOBAL"}
    return used - defined - set(vars(builtins)) - {"__name__", "__file__"}


def _parts(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)
