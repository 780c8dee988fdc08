# Sphinx configuration: furo shows it, MyST reads it, and our own extension draws the tables of limits and errors.
from __future__ import annotations

import sys
from pathlib import Path

from smsc_async import __version__

sys.path.append(str(Path(__file__).parent / "_ext"))

project = "smsc-async"
author = "the smsc_async authors"
copyright = f"2026, {author}"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "attrs_fields",
    "gateway_tables",
]
exclude_patterns = ["_build", "_ext", "examples"]
html_theme = "furo"
html_title = f"smsc-async {release}"
html_show_sourcelink = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
default_role = "py:obj"  # single backticks in docstrings: a link where the name is ours

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90
napoleon_numpy_docstring = False

# With -n every reference must lead somewhere. Names of other packages are not ours to resolve (no network is needed),
# underscored modules have no page, and single backticks in docstrings are also plain code.
nitpick_ignore_regex = [
    (r"py:obj", r".*"),
    (r"py:.*", r"(?!smsc_async\.).*"),
    (r"py:.*", r"smsc_async\.(.*\.)?_.*"),
    (r"py:.*", r"smsc_async\.simulator\.(calls|files|windows)\..*"),  # what the simulator's own rooms share
    (r"py:.*", r"smsc_async\..*\.(T|R|E[12]?)"),  # a type variable
]
