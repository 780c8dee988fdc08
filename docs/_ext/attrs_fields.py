"""
The fields of attrs classes and the members of enums, with the comments that stand beside them in the source.

Our values say what a field means in a comment at the end of its line; this puts those comments into the API page.
"""

from __future__ import annotations

import ast
import enum
import inspect
import io
import textwrap
import tokenize
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata


def fields(kind: type[Any]) -> Iterator[tuple[str, str]]:
    """Give the names that the body of *kind* defines, with their comments."""
    source = textwrap.dedent(inspect.getsource(kind))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {token.start[0]: token.string.lstrip("#: ") for token in tokens if token.type == tokenize.COMMENT}
    definition = ast.parse(source).body[0]
    for node in definition.body if isinstance(definition, ast.ClassDef) else ():
        if isinstance(node, ast.AnnAssign):
            target = node.target
        elif isinstance(node, ast.Assign) and issubclass(kind, enum.Enum):
            target = node.targets[0]
        else:
            continue
        if isinstance(target, ast.Name) and not target.id.startswith("_"):
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            yield (
                target.id,
                " ".join(comments[line] for line in lines if line in comments and "noqa" not in comments[line]),
            )


def add_fields(app: Sphinx, what: str, name: str, subject: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG001, PLR0917 - Sphinx calls it
    """Append the fields to a class's docstring, unless its text lists arguments already."""
    if what not in {"class", "exception"} or any(line.startswith(":param") for line in lines):
        return
    if not (attrs.has(subject) or (inspect.isclass(subject) and issubclass(subject, enum.Enum))):
        return
    found = list(fields(subject))
    if found:
        lines += ["", *(f":ivar {field}: {comment}" for field, comment in found), ""]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Run after napoleon, so that arguments can be recognised."""
    app.connect("autodoc-process-docstring", add_fields, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
