"""Every await of the client's source, to be compared with those at which the sweep has cancelled a call."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

import smsc_async

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.proof.edges.stepping import Place

__all__ = ["Await", "all_awaits", "missed"]

_PACKAGE = Path(smsc_async.__file__).parent
#: What no call of a session goes through.
_APART = ("simulator", "demo", "testing.py", "_pytest_plugin.py", "webhooks")


@attrs.frozen
class Await:
    """A place in the source where a call may be suspended."""

    file: str
    function: str
    first: int
    last: int
    text: str = attrs.field(eq=False)

    @property
    def short(self) -> str:
        """The file within the package."""
        return Path(self.file).relative_to(_PACKAGE).as_posix()

    def __str__(self) -> str:
        return f"{self.short}: {self.function}: {self.text}"


def all_awaits() -> list[Await]:
    """Give every ``await``, ``async for`` and ``async with`` of the client."""
    files = [path for path in sorted(_PACKAGE.rglob("*.py")) if path.relative_to(_PACKAGE).parts[0] not in _APART]
    return [found for path in files for found in _of(str(path), ast.parse(path.read_text(encoding="utf-8")), "")]


def _of(file: str, node: ast.AST, function: str) -> Iterator[Await]:
    for child in ast.iter_child_nodes(node):
        inner = function
        if isinstance(child, ast.ClassDef):
            inner = f"{function}{child.name}."
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = f"{function}{child.name}.<locals>."
        name = function.removesuffix(".<locals>.")
        if isinstance(child, ast.Await):
            yield Await(file, name, child.lineno, child.end_lineno or child.lineno, ast.unparse(child))
        elif isinstance(child, ast.AsyncFor):
            text = f"async for ... in {ast.unparse(child.iter)}"
            yield Await(file, name, child.lineno, child.iter.end_lineno or child.lineno, text)
        elif isinstance(child, ast.AsyncWith):
            text = f"async with {', '.join(ast.unparse(item) for item in child.items)}"
            last = child.items[-1].context_expr.end_lineno or child.lineno
            yield Await(file, name, child.lineno, last, text)
        elif isinstance(child, ast.comprehension) and child.is_async:
            text = f"async for ... in {ast.unparse(child.iter)}"
            yield Await(file, name, child.iter.lineno, child.iter.end_lineno or child.iter.lineno, text)
        yield from _of(file, child, inner)


def missed(places: Iterable[Place]) -> list[Await]:
    """Give the awaits of the source at which no call was cancelled."""
    reached = {(place.file, place.line) for place in places}
    return [
        found
        for found in all_awaits()
        if not any((found.file, line) in reached for line in range(found.first, found.last + 1))
    ]
