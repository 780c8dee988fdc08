"""Which modules are mutated, and which tests are asked whether they notice: the quickest to notice come first."""

from __future__ import annotations

from typing import Final

__all__ = ["FLOOR", "ROOMS"]

FLOOR: Final = 0.90  # of the mutants of each module; those that change nothing count as not noticed

_READERS: Final = ("tests/wire/test_samples.py", "tests/wire/test_refusals.py", "tests/wire/test_anything.py")

_GUARD: Final = (
    "tests/guard/test_policy.py",
    "tests/guard/test_lines.py",
    "tests/guard/test_alarms.py",
    "tests/guard/test_fewer.py",
    "tests/proof/core/test_random.py",
    "tests/guard/test_edges.py",
)

ROOMS: Final[dict[str, tuple[str, ...]]] = {
    "_wire/arguments.py": ("tests/wire/test_arguments.py",),
    "_wire/charset.py": ("tests/wire/test_text.py", "tests/wire/test_refusals.py"),
    "_wire/form.py": ("tests/wire/test_form.py",),
    "_wire/json_form.py": ("tests/wire/test_json.py", *_READERS),
    "_wire/nesting.py": ("tests/wire/test_json.py", *_READERS),
    "_wire/outcome.py": ("tests/wire/test_refusals.py",),
    "_wire/reply.py": ("tests/wire/test_files.py", *_READERS, "tests/wire/test_text.py"),
    "_wire/shape.py": (
        "tests/wire/test_shape.py",
        "tests/wire/test_anything.py",
        "tests/wire/test_text.py",
        "tests/wire/test_samples.py",
    ),
    "_wire/template.py": ("tests/wire/test_template.py",),
    "_wire/text_form.py": ("tests/wire/test_text.py", *_READERS),
    "_wire/xml_form.py": ("tests/wire/test_xml.py", *_READERS),
    "_wire/xml_tree.py": ("tests/wire/test_xml.py", *_READERS),
    "_verdict.py": ("tests/retry/test_verdict.py",),
    "_retry.py": ("tests/retry/test_retry.py", "tests/retry/test_cancelled.py"),
    "_answer.py": ("tests/session/test_answer.py",),
    "guard/_account.py": ("tests/guard/test_account.py", "tests/guard/test_breaker.py", *_GUARD),
    "guard/_breaker.py": ("tests/guard/test_breaker.py", *_GUARD),
    "guard/_bucket.py": ("tests/guard/test_bucket.py", *_GUARD),
    "guard/_lines.py": ("tests/guard/test_lines.py", "tests/guard/test_alarms.py", *_GUARD[:1], *_GUARD[3:]),
    "guard/_policy.py": _GUARD,
    "guard/_records.py": ("tests/guard/test_breaker.py", *_GUARD),
}
