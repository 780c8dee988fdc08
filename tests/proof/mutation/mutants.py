"""The mutants of a module: where each one is, what it changes, and the tree that comes of it."""

from __future__ import annotations

import ast
import difflib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs

from tests.proof.mutation.operators import replacements

__all__ = ["PACKAGE", "Mutant", "mutants_of", "source_of"]

PACKAGE: Final = Path(__file__).parents[3] / "smsc_async"
# What is never run, or means nothing at run time.
_NO_CODE: Final = frozenset({"annotation", "returns", "type_params"})
_NO_VALUES: Final = frozenset({"__all__", "__slots__"})


@attrs.frozen(eq=False)
class Mutant:
    """
    One change to one module.

    Args:
        room: The module's file, from the package on.
        where: The function or class around it, or nothing.
        line: Where it begins.
        change: What stood there and what stands there now; with `room` and `where`, the mutant's name.
        diff: The statement before and after.
        path: The way from the module to the changed node.
        node: What stands there now.
        source: The module's text.
    """

    room: str
    where: str
    line: int
    change: str
    diff: str = attrs.field(repr=False)
    path: tuple[tuple[str, int | None], ...] = attrs.field(repr=False)
    node: ast.AST = attrs.field(repr=False)
    source: str = attrs.field(repr=False)

    @property
    def name(self) -> str:
        """What it is called in the list of equivalents; line numbers would change with every edit."""
        return f"{self.where or '(module)'}: {self.change}"

    def tree(self) -> ast.Module:
        """Give the changed module."""
        tree = ast.parse(self.source)
        _put(tree, self.path, self.node)
        return ast.fix_missing_locations(tree)


def source_of(room: str) -> str:
    """Give the text of a module."""
    return (PACKAGE / room).read_text(encoding="utf-8")


def mutants_of(room: str, source: str | None = None) -> list[Mutant]:
    """Give every mutant of a module, in the order of its text."""
    source = source_of(room) if source is None else source
    tree = ast.parse(source)
    found: list[Mutant] = []
    seen: set[tuple[object, str]] = set()
    names: Counter[str] = Counter()
    for site in _sites(tree):
        before = ast.unparse(site.statement)
        for node in replacements(site.node, in_function=site.in_function):
            ast.copy_location(node, site.node)
            _put(tree, site.path, node)
            after = ast.unparse(site.statement if site.node is not site.statement else node)
            _put(tree, site.path, site.node)
            if after == before or (id(site.statement), after) in seen:
                continue
            seen.add((id(site.statement), after))
            change = f"{_line(site.node)} -> {_line(node)}"
            if change == f"{_line(site.node)} -> {_line(site.node)}":
                change = "; ".join(_changed_lines(before, after))
            names[f"{site.where}: {change}"] += 1
            nth = names[f"{site.where}: {change}"]
            found.append(
                Mutant(
                    room=room,
                    where=site.where,
                    line=getattr(site.node, "lineno", site.statement.lineno),
                    change=change if nth == 1 else f"{change} (#{nth})",
                    diff="\n".join(_changed_lines(before, after)),
                    path=site.path,
                    node=node,
                    source=source,
                )
            )
    return found


@attrs.frozen(eq=False)
class _Site:
    node: ast.AST
    path: tuple[tuple[str, int | None], ...]
    statement: Any  # the innermost one around the node
    where: str
    in_function: bool


def _sites(tree: ast.Module) -> Iterator[_Site]:
    for index, statement in enumerate(tree.body):
        yield from _below(_Site(statement, (("body", index),), statement, "", in_function=False))


def _below(site: _Site) -> Iterator[_Site]:
    """Give *site* and all sites in it that could be changed."""
    node = site.node
    if _is_no_code(node):
        return
    yield site
    where, in_function = site.where, site.in_function
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        where = f"{where}.{node.name}" if where else node.name
        in_function = not isinstance(node, ast.ClassDef)
    for field, value in ast.iter_fields(node):
        if field in _NO_CODE:
            continue
        for index, part in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(part, ast.AST):
                statement = part if isinstance(part, ast.stmt) else site.statement
                path = (*site.path, (field, index))
                yield from _below(_Site(part, path, statement, where, in_function))


def _is_no_code(node: ast.AST) -> bool:
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Expr(value=ast.Constant()):  # the latter is a docstring
            return True
        case ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar"))):
            return True
        case ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in _NO_VALUES
        case _:
            return False


def _put(tree: ast.AST, path: tuple[tuple[str, int | None], ...], node: ast.AST) -> None:
    at: Any = tree
    for field, index in path[:-1]:
        at = getattr(at, field) if index is None else getattr(at, field)[index]
    field, index = path[-1]
    if index is None:
        setattr(at, field, node)
    else:
        getattr(at, field)[index] = node


def _line(node: ast.AST) -> str:
    """Give the first line of a node's text; the rest of a long statement says nothing of the change."""
    return ast.unparse(node).strip().split("\n")[0]


def _changed_lines(before: str, after: str) -> list[str]:
    compared = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in compared if line.startswith(("- ", "+ "))]
