"""
Tables of the gateway's limits and error numbers, drawn from the `Endpoint` values when the docs are built.

Two directives without content: ``endpoint-table`` (what is sent where, how often, what a repeat would do) and
``refusal-table`` (which number becomes which error, at which endpoint). A new endpoint appears by itself.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.addnodes import pending_xref

import smsc_async.services
from smsc_async._endpoint import Endpoint, Limit, Scope
from smsc_async.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

Cell = list[nodes.Node]


def endpoints() -> list[Endpoint[Any]]:
    """Find every endpoint that a module of the services holds, in the order of their names."""
    found: dict[str, Endpoint[Any]] = {}
    for module in pkgutil.walk_packages(smsc_async.services.__path__, "smsc_async.services."):
        for value in vars(importlib.import_module(module.name)).values():
            for each in value.values() if isinstance(value, Mapping) else (value,):
                if isinstance(each, Endpoint):
                    found[each.name] = each
    return [found[name] for name in sorted(found)]


def limit_text(limit: Limit) -> str:
    """Say a limit as the vendor would."""
    what = "identical requests" if limit.scope is Scope.IDENTICAL else "requests of any kind"
    return f"{limit.n} {what} a minute"


def request_text(endpoint: Endpoint[Any]) -> str:
    """Give the path with the parameters that name the action."""
    fixed = "&".join(f"{name}={value}" for name, value in endpoint.fixed.items())
    return f"{endpoint.path}?{fixed}" if fixed else endpoint.path


def text(content: str) -> Cell:
    """Make a cell of plain text."""
    return [nodes.paragraph("", content)]


def code(*contents: str) -> Cell:
    """Make a cell of code, one line for each."""
    return [nodes.paragraph("", "", nodes.literal("", content)) for content in contents]


def link(title: str, url: str) -> Cell:
    """Make a cell that leads to another site."""
    return [nodes.paragraph("", "", nodes.reference("", title, refuri=url))]


def error(kind: type[Exception]) -> Cell:
    """Make a cell that leads to an error's place in the API page."""
    target = f"{kind.__module__}.{kind.__qualname__}"
    reference = pending_xref("", refdomain="py", reftype="class", reftarget=target, refexplicit=True, refwarn=True)
    reference += nodes.literal("", kind.__name__)
    return [nodes.paragraph("", "", reference)]


def table(titles: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[Cell]]) -> nodes.table:
    """Lay out a table."""

    def row(cells: Sequence[Cell]) -> nodes.row:
        return nodes.row("", *(nodes.entry("", *cell) for cell in cells))

    group = nodes.tgroup("", cols=len(titles))
    group += [nodes.colspec("", colwidth=width) for width in widths]
    group += nodes.thead("", row([text(title) for title in titles]))
    group += nodes.tbody("", *(row(cells) for cells in rows))
    return nodes.table("", group, classes=["colwidths-given"])


class EndpointTable(Directive):
    """What each endpoint is."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Draw one row for each endpoint."""
        rows = (
            [
                code(endpoint.name),
                code(request_text(endpoint)),
                [paragraph for limit in endpoint.limits for paragraph in text(limit_text(limit))],
                text(endpoint.replay.value),
                link("vendor", endpoint.source),
            ]
            for endpoint in endpoints()
        )
        return [table(["call", "request", "limit", "the call", "source"], [22, 32, 26, 15, 8], rows)]


class RefusalTable(Directive):
    """What each error number means."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Draw one row for each pair of number and error, with the endpoints where it holds."""
        places: dict[tuple[int, type[GatewayError]], list[str]] = {}
        for endpoint in endpoints():
            for number, kind in endpoint.refusals.items():
                places.setdefault((number, kind), []).append(endpoint.name)
        everywhere = len(endpoints())
        rows = (
            [
                text(str(number)),
                error(kind),
                text((inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")),
                text("all") if len(names) == everywhere else code(*names),
            ]
            for (number, kind), names in sorted(places.items(), key=lambda item: (item[0][0], item[0][1].__name__))
        )
        return [table(["number", "error", "meaning", "at"], [8, 22, 45, 22], rows)]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Tell Sphinx of the directives."""
    app.add_directive("endpoint-table", EndpointTable)
    app.add_directive("refusal-table", RefusalTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
