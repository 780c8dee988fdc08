"""
Lets atheris look for new ways through the code: it sees the branches that an input takes, and breeds what takes others.

It ends the process itself, so it gets one of its own: ``python -m tests.proof.callbacks.guided json -runs=1000000``.
"""

from __future__ import annotations

import sys
from random import Random
from typing import Final

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

with atheris.instrument_imports(include=["smsc_async.webhooks", "smsc_async._wire"]):
    from smsc_async.errors import WebhookError
    from smsc_async.webhooks import _form, _json, _kinds, _multipart, _xml  # noqa: F401 - loaded here, they are watched

from tests.proof.callbacks.fuzzing import receiver
from tests.proof.callbacks.genuine import CHARSETS, body_of, content_type, digest_of, made_up, signed_pieces
from tests.proof.callbacks.mutating import kind_by

FORMS: Final = ("form", "parts", "xml", "json")


def main(form: str) -> None:
    """Read what atheris breeds; an error that is not declared is a crash, whose input it writes down."""

    def read(data: bytes) -> None:
        if not data:
            return
        charset = CHARSETS[data[0] % (3 if form in {"form", "parts"} else 2)]
        try:
            receiver(form, charset, "sha1").parse(data[1:], content_type=content_type(form))
        except WebhookError:
            return

    def breed(data: bytes, most: int, seed: int) -> bytes:
        """Now and then begin with a genuine one, which no chance would ever sign."""
        random = Random(seed)
        if random.random() < 0.02:
            genuine = made_up(random, form)
            fields = genuine.fields | {random.choice(list(genuine.fields)): data[1:40].decode("latin-1")}
            fields["sha1"] = digest_of(signed_pieces(fields, kind_by(fields), genuine.charset), "sha1")
            data = bytes([CHARSETS.index(genuine.charset)]) + body_of(fields, form, genuine.charset, random)
        return bytes(atheris.Mutate(data, most))

    atheris.Setup([sys.argv[0], *sys.argv[2:]], read, custom_mutator=breed)
    atheris.Fuzz()


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in FORMS:
        sys.exit(f"give one of {', '.join(FORMS)}, and then what libFuzzer takes, such as -runs=1000000")
    main(sys.argv[1])
