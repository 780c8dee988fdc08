"""What a mutant changes: for each kind of node, the nodes that could stand in its place by a slip of the pen."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

__all__ = ["replacements"]

_ARITHMETIC: Final[dict[type[ast.AST], type[ast.AST]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
# The neighbour at the boundary, and the opposite.
_COMPARISONS: Final[dict[type[ast.AST], tuple[type[ast.AST], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_NAMES: Final = {
    "add": "discard",
    "all": "any",
    "any": "all",
    "endswith": "startswith",
    "find": "rfind",
    "fullmatch": "match",
    "lower": "upper",
    "lstrip": "rstrip",
    "match": "search",
    "max": "min",
    "min": "max",
    "partition": "rpartition",
    "popleft": "pop",
    "removeprefix": "removesuffix",
    "removesuffix": "removeprefix",
    "rpartition": "partition",
    "rstrip": "lstrip",
    "search": "match",
    "sorted": "list",
    "startswith": "endswith",
    "strip": "lstrip",
    "upper": "lower",
}
# Texts that are patterns are told by what only patterns hold.
_PATTERN: Final = re.compile(r"\\[sdSDwWbZ.]|\[[^\]]*[\]][*+?{)]|\.\*|[*+?]\)")
_PATTERN_SLIPS: Final[tuple[tuple[str, str], ...]] = (
    (r"(?<!\\)\[\^", "["),
    (r"(?<!\\)\[(?!\^)", "[^"),
    (r"(?<=[)\]*+?}\w.])\+(?![^\[]*\])", "*"),
    (r"(?<=[)\]*+?}\w.])\*(?![^\[]*\])", "+"),
    (r"(?<=[*+?}])\+(?![^\[]*\])", ""),
    (r"(?<=[)\]\w.*+\\ -])\?(?![^\[]*\])", ""),
    (r"\\s", r"\\S"),
    (r"\\d", r"\\D"),
    (r"\\S", r"\\s"),
    (r"\\b|\\Z", ""),
    (r"\(\?!", "(?="),
    (r"\(\?=", "(?!"),
)
_BOUNDS: Final = re.compile(r"\{(\d+),(\d+)\}")


def replacements(node: ast.AST, *, in_function: bool) -> Iterator[ast.AST]:
    """Give what could stand in the place of *node*; *in_function* tells statements that run later from a module's."""
    for operator in _OPERATORS.get(type(node), ()):
        yield from operator(node)
    if in_function:
        for operator in _IN_FUNCTIONS.get(type(node), ()):
            yield from operator(node)


# Expressions ----------------------------------------------------------------------------------------------------------


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, str):
        yield ast.Constant("" if value else "XX")
        for text in _other_patterns(value):
            yield ast.Constant(text)
    elif isinstance(value, bytes):
        yield ast.Constant(b"" if value else b"XX")
        for text in _other_patterns(value.decode("latin-1")):
            yield ast.Constant(text.encode("latin-1"))


def _other_patterns(text: str) -> Iterator[str]:
    """Where *text* is a regular expression, give it with one slip: a quantifier, a bound, a class, an anchor."""
    if not _PATTERN.search(text):
        return
    slips = [(found, found.expand(new)) for old, new in _PATTERN_SLIPS for found in re.finditer(old, text)]
    for bounds in _BOUNDS.finditer(text):
        least, most = int(bounds[1]), int(bounds[2])
        slips += [
            (bounds, f"{{{a},{b}}}")
            for a, b in ((least + 1, most), (least - 1, most), (least, most + 1), (least, most - 1))
            if 0 <= a <= b
        ]
    for found, new in slips:
        other = text[: found.start()] + new + text[found.end() :]
        try:
            re.compile(other)
        except re.error:
            continue
        yield other


def _joined_text(node: ast.JoinedStr) -> Iterator[ast.AST]:
    yield from _each_left_out(node, "values")


def _formatted(node: ast.FormattedValue) -> Iterator[ast.AST]:
    if node.format_spec is not None:
        yield _changed(node, format_spec=None)


def _binary(node: ast.BinOp) -> Iterator[ast.AST]:
    if other := _ARITHMETIC.get(type(node.op)):
        yield _changed(node, op=other())


def _unary(node: ast.UnaryOp) -> Iterator[ast.AST]:
    yield node.operand


def _boolean(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield _changed(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    yield from _each_left_out(node, "values")


def _comparison(node: ast.Compare) -> Iterator[ast.AST]:
    for index, operator in enumerate(node.ops):
        for other in _COMPARISONS[type(operator)]:
            yield _changed(node, ops=[*node.ops[:index], other(), *node.ops[index + 1 :]])


def _conditional(node: ast.IfExp) -> Iterator[ast.AST]:
    yield node.body
    yield node.orelse


def _call(node: ast.Call) -> Iterator[ast.AST]:
    for index, argument in enumerate(node.args):
        if not isinstance(argument, ast.Starred | ast.Constant):
            yield _changed(node, args=[*node.args[:index], ast.Constant(None), *node.args[index + 1 :]])
        if index and not (isinstance(node.func, ast.Name) and node.func.id in {"max", "min"}):  # in any order the same
            swapped = [*node.args[: index - 1], argument, node.args[index - 1], *node.args[index + 1 :]]
            yield _changed(node, args=swapped)
    yield from _each_left_out(node, "keywords")
    for index, keyword in enumerate(node.keywords):
        if keyword.arg is not None and not isinstance(keyword.value, ast.Constant):
            nothing = ast.keyword(keyword.arg, ast.Constant(None))
            yield _changed(node, keywords=[*node.keywords[:index], nothing, *node.keywords[index + 1 :]])
    match node.func:
        case ast.Name(id=name) if name in _NAMES:
            yield _changed(node, func=ast.Name(_NAMES[name], ast.Load()))
        case ast.Attribute(value=value, attr=name) if name in _NAMES:
            yield _changed(node, func=ast.Attribute(value, _NAMES[name], ast.Load()))
        case _:
            pass


def _lambda(node: ast.Lambda) -> Iterator[ast.AST]:
    yield _changed(node, body=ast.Constant(None))


def _comprehension(node: ast.comprehension) -> Iterator[ast.AST]:
    yield from _each_left_out(node, "ifs")
    for index in range(len(node.ifs)):
        yield _changed(node, ifs=[*node.ifs[:index], ast.Constant(False), *node.ifs[index + 1 :]])


def _dict(node: ast.Dict) -> Iterator[ast.AST]:
    for index in range(len(node.keys)):
        yield _changed(
            node,
            keys=node.keys[:index] + node.keys[index + 1 :],
            values=node.values[:index] + node.values[index + 1 :],
        )


def _display(node: ast.List | ast.Tuple | ast.Set) -> Iterator[ast.AST]:
    if isinstance(node, ast.Set) or isinstance(node.ctx, ast.Load):
        yield from (other for other in _each_left_out(node, "elts") if other.elts or not isinstance(node, ast.Set))


def _slice(node: ast.Slice) -> Iterator[ast.AST]:
    for bound in ("lower", "upper", "step"):
        if getattr(node, bound) is not None:
            yield _changed(node, **{bound: None})


def _alternatives(node: ast.MatchOr) -> Iterator[ast.AST]:
    yield from _each_left_out(node, "patterns")


# Statements -----------------------------------------------------------------------------------------------------------


def _without_decorators(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[ast.AST]:
    yield from _each_left_out(node, "decorator_list")


def _condition(node: ast.If) -> Iterator[ast.AST]:
    for always in (True, False):
        yield _changed(node, test=ast.Constant(always))


def _while(node: ast.While) -> Iterator[ast.AST]:
    yield _changed(node, test=ast.Constant(False))


def _for(node: ast.For) -> Iterator[ast.AST]:
    yield _changed(node, iter=ast.Tuple([], ast.Load()))


def _match(node: ast.Match) -> Iterator[ast.AST]:
    if len(node.cases) > 1:
        yield from _each_left_out(node, "cases")


def _handler(node: ast.ExceptHandler) -> Iterator[ast.AST]:
    yield _changed(node, type=ast.Tuple([], ast.Load()))


def _return(node: ast.Return) -> Iterator[ast.AST]:
    if node.value is not None and not isinstance(node.value, ast.Constant):
        yield _changed(node, value=ast.Constant(None))


def _raise(node: ast.Raise) -> Iterator[ast.AST]:
    yield ast.Pass()
    if node.cause is not None:
        yield _changed(node, cause=None)


def _left_out(_: ast.AST) -> Iterator[ast.AST]:
    yield ast.Pass()


def _augmented(node: ast.AugAssign) -> Iterator[ast.AST]:
    yield ast.Pass()
    yield ast.Assign([node.target], node.value)
    if other := _ARITHMETIC.get(type(node.op)):
        yield _changed(node, op=other())


def _assignment(node: ast.Assign | ast.AnnAssign) -> Iterator[ast.AST]:
    if node.value is None:
        return
    is_none = isinstance(node.value, ast.Constant) and node.value.value is None
    if is_none or not isinstance(node.value, ast.Constant):
        yield _changed(node, value=ast.Constant("" if is_none else None))
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if any(isinstance(target, ast.Attribute | ast.Subscript) for target in targets):
        yield ast.Pass()


def _break(_: ast.Break) -> Iterator[ast.AST]:
    yield ast.Continue()


def _continue(_: ast.Continue) -> Iterator[ast.AST]:
    yield ast.Break()


# ----------------------------------------------------------------------------------------------------------------------


def _changed(node: Any, **fields: object) -> Any:
    """Give a copy of *node* with other *fields*."""
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def _each_left_out(node: Any, field: str) -> Iterator[Any]:
    parts = getattr(node, field)
    for index in range(len(parts)):
        rest = [*parts[:index], *parts[index + 1 :]]
        alone = isinstance(node, ast.BoolOp | ast.MatchOr) and len(rest) == 1
        yield rest[0] if alone else _changed(node, **{field: rest})


_Operator = Callable[[Any], Iterator[ast.AST]]
_OPERATORS: Final[dict[type[ast.AST], tuple[_Operator, ...]]] = {
    ast.AsyncFunctionDef: (_without_decorators,),
    ast.AugAssign: (_augmented,),
    ast.BinOp: (_binary,),
    ast.BoolOp: (_boolean,),
    ast.Break: (_break,),
    ast.Call: (_call,),
    ast.ClassDef: (_without_decorators,),
    ast.Compare: (_comparison,),
    ast.Constant: (_constant,),
    ast.Continue: (_continue,),
    ast.Delete: (_left_out,),
    ast.Dict: (_dict,),
    ast.ExceptHandler: (_handler,),
    ast.Expr: (_left_out,),
    ast.For: (_for,),
    ast.FormattedValue: (_formatted,),
    ast.FunctionDef: (_without_decorators,),
    ast.If: (_condition,),
    ast.IfExp: (_conditional,),
    ast.JoinedStr: (_joined_text,),
    ast.Lambda: (_lambda,),
    ast.List: (_display,),
    ast.Match: (_match,),
    ast.MatchOr: (_alternatives,),
    ast.Raise: (_raise,),
    ast.Return: (_return,),
    ast.Set: (_display,),
    ast.Slice: (_slice,),
    ast.Tuple: (_display,),
    ast.UnaryOp: (_unary,),
    ast.While: (_while,),
    ast.comprehension: (_comprehension,),
}
# What a module does when it is imported would only fail to import; its values are changed from inside instead.
_IN_FUNCTIONS: Final[dict[type[ast.AST], tuple[_Operator, ...]]] = {
    ast.AnnAssign: (_assignment,),
    ast.Assign: (_assignment,),
}
