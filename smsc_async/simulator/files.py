"""The files of deferred tasks: CSV of any size, made as it is read, the same each time."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
from collections.abc import Iterator
from typing import Final

import attrs

#: Columns of a package of sent messages. The vendor shows no sample; these are our own (facts sheet, 8.3).
COLUMNS: Final = ("id", "phone", "status", "time", "cost", "sender", "message")

#: Texts that a careless reader trips over: delimiters, quotes, line breaks, Cyrillic, and a formula.
TEXTS: Final = (
    "Ваш код 1234",
    'Знижка; до -50%, "тільки сьогодні"',
    "Hello, world",
    "два\nрядки",
    "Їжак і ґанок: є!",
    "=1+1",
)

CHUNK_ROWS: Final = 500


@attrs.frozen(kw_only=True)
class CsvStyle:
    """How a file is written: charset, delimiter, header line."""

    charset: str = "windows-1251"
    delimiter: str = ";"
    header: bool = True


@attrs.frozen
class BytesFile:
    """A file with the given bytes."""

    data: bytes = attrs.field(repr=False)

    def chunks(self, style: CsvStyle) -> Iterator[bytes]:  # noqa: ARG002 - the bytes are what they are
        """Give the bytes in one piece."""
        yield self.data

    def length(self, style: CsvStyle) -> int:  # noqa: ARG002 - likewise
        """Give the number of bytes."""
        return len(self.data)


@attrs.frozen
class CsvFile:
    """
    A CSV of *rows* messages, told apart by *seed*; made as it is read, a few hundred rows at a time.

    Rows differ in their numbers, which have a fixed width, and take their texts in turn, so that the length follows
    from arithmetic and a file of a gigabyte costs nothing until somebody reads it.
    """

    rows: int
    seed: int = 0

    def chunks(self, style: CsvStyle) -> Iterator[bytes]:
        """Give the header line, then some hundred rows at a time."""
        head, tails = _parts(style)
        if head:
            yield head
        first_id = 1_000_000_000 + self.seed % 1_000 * 1_000_000  # ten digits, whatever the seed
        delimiter = style.delimiter.encode(style.charset.removesuffix("-sig"))
        for start in range(0, self.rows, CHUNK_ROWS):
            yield b"".join(
                b"%d%b3806%08d%b"
                % (first_id + row, delimiter, (self.seed + row * 7919) % 100_000_000, tails[row % len(tails)])
                for row in range(start, min(start + CHUNK_ROWS, self.rows))
            )

    def length(self, style: CsvStyle) -> int:
        """Give the number of bytes without making them."""
        head, tails = _parts(style)
        numbers = 10 + len(style.delimiter.encode(style.charset.removesuffix("-sig"))) + 12
        turns, rest = divmod(self.rows, len(tails))
        sizes = [len(tail) for tail in tails]
        return len(head) + self.rows * numbers + turns * sum(sizes) + sum(sizes[:rest])


#: What a task's file may be.
FileContent = CsvFile | BytesFile


@functools.lru_cache(maxsize=32)
def sha256(content: FileContent, style: CsvStyle) -> str:
    """Give the digest of the file that a client should end up with."""
    digest = hashlib.sha256()
    for chunk in content.chunks(style):
        digest.update(chunk)
    return digest.hexdigest()


@functools.lru_cache(maxsize=32)
def _parts(style: CsvStyle) -> tuple[bytes, tuple[bytes, ...]]:
    """Give the header line (with the byte order mark, where the charset has one) and what follows the two numbers."""
    charset = style.charset.removesuffix("-sig")
    head = b"\xef\xbb\xbf" if style.charset.endswith("-sig") else b""
    if style.header:
        head += _row(COLUMNS, style.delimiter).encode(charset)
    tails = tuple(
        (style.delimiter + _row(("1", "01.11.2026 12:00:00", "0.50", "SMSC", text), style.delimiter)).encode(
            charset, "replace"
        )
        for text in TEXTS
    )
    return head, tails


def _row(values: tuple[str, ...], delimiter: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerow(values)
    return text.getvalue()
