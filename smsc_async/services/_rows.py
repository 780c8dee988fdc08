"""Rows of a CSV file whose encoding and delimiter nobody documents."""

from __future__ import annotations

import codecs
import csv
import io
import tempfile
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from anyio import to_thread

from smsc_async import errors
from smsc_async._wire import flag

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from contextlib import AbstractAsyncContextManager

    from smsc_async._calling import ByteStream

__all__ = ["rows_of"]

_ENDPOINT: Final = "downloads.rows"
_BLOCK: Final = 1 << 20  # bytes of the file that are looked at or written at a time
_ROWS: Final = 500  # rows that a thread reads at a time
_SAMPLE: Final = 64 << 10  # characters that tell the delimiter
_SAMPLE_ROWS: Final = 50
_DELIMITERS: Final = (";", ",", "\t")  # in doubt the first: it is what spreadsheets of the region write
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZIP: Final = b"PK\x03\x04"


def rows_of(
    opening: AbstractAsyncContextManager[ByteStream], *, header: bool, encoding: str | None, delimiter: str | None
) -> AsyncGenerator[Any, None]:
    """Give the rows of the file that *opening* opens; the arguments are checked at once."""
    flag("header", header)
    if encoding is not None:
        try:
            "".encode(encoding)
        except (LookupError, TypeError, ValueError):
            raise errors.InvalidArgument("encoding", 'is none that Python knows; try "utf-8" or "cp1251"') from None
    if delimiter is not None:
        _check_delimiter(delimiter)
    return _rows(opening, header=header, encoding=encoding, delimiter=delimiter)


def _check_delimiter(value: object) -> None:
    if not isinstance(value, str):
        raise errors.InvalidArgumentType("delimiter", f"must be a str, not {type(value).__name__}")
    if len(value) != 1 or value in '\r\n"':
        raise errors.InvalidArgument("delimiter", 'must be one character, such as ";"')


async def _rows(
    opening: AbstractAsyncContextManager[ByteStream], *, header: bool, encoding: str | None, delimiter: str | None
) -> AsyncGenerator[Any, None]:
    with tempfile.TemporaryFile() as file:  # it has no name, so nothing is left of it even if the process dies
        async with opening as chunks:
            waiting = bytearray()
            async for chunk in chunks:
                waiting += chunk
                if len(waiting) >= _BLOCK:
                    await to_thread.run_sync(file.write, bytes(waiting))
                    waiting.clear()
            file.write(waiting)
        found, on_error = await to_thread.run_sync(_encoding_of, file)
        if encoding is not None:
            found, on_error = encoding, "strict"
        with io.TextIOWrapper(file, encoding=found, errors=on_error, newline="") as text:
            if delimiter is None:
                delimiter = await to_thread.run_sync(_delimiter_of, text, found)
            rows = _read(text, found, delimiter, header=header)
            while batch := await to_thread.run_sync(_taken, rows):
                for row in batch:
                    yield row


def _taken(rows: Iterator[Any]) -> list[Any]:
    return list(islice(rows, _ROWS))


def _read(text: io.TextIOWrapper, encoding: str, delimiter: str, *, header: bool) -> Iterator[Any]:
    reader = csv.reader(text, delimiter=delimiter)
    names: list[str] | None = None
    try:
        for row in reader:
            if not row:  # a blank line
                continue
            if not header:
                yield row
            elif names is None:
                names = _names(row)
            else:
                yield _named(names, row, reader.line_num)
    except UnicodeError:
        raise _wrong_encoding(encoding) from None
    except csv.Error as problem:
        raise errors.ReplyError(_ENDPOINT, f"the file is no CSV: {problem} (line {reader.line_num})") from None


def _names(row: list[str]) -> list[str]:
    if len(set(row)) != len(row):
        raise errors.ReplyError(_ENDPOINT, "the first row names a column twice; read the rows with header=False")
    return row


def _named(names: list[str], row: list[str], line: int) -> dict[str, str]:
    if any(row[len(names) :]):
        problem = f"line {line} has {len(row)} cells, the first row {len(names)}; read the rows with header=False"
        raise errors.ReplyError(_ENDPOINT, problem)
    return {name: row[column] if column < len(row) else "" for column, name in enumerate(names)}


def _wrong_encoding(encoding: str) -> errors.ReplyError:
    return errors.ReplyError(_ENDPOINT, f"the file is not in {encoding}; leave the encoding out to have it found")


def _encoding_of(file: BinaryIO) -> tuple[str, str]:
    """Give encoding and error handling: that of a mark, else UTF-8 if all of it is, else windows-1251."""
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    if start == _ZIP:
        raise errors.ReplyError(_ENDPOINT, "the file is a ZIP archive, not CSV; save it and unpack it")
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding, "strict"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := file.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1251", "replace"
    else:
        return "utf-8", "strict"
    finally:
        file.seek(0)


def _delimiter_of(text: io.TextIOWrapper, encoding: str) -> str:
    """Give the delimiter that splits the most of the first rows into the same number of cells, more than one."""
    try:
        sample = text.read(_SAMPLE)
        text.seek(0)
    except UnicodeError:
        raise _wrong_encoding(encoding) from None
    if len(sample) == _SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample  # the last line may be cut
    best, best_score = _DELIMITERS[0], (0, 0)
    for delimiter in _DELIMITERS:
        try:
            rows = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
            widths = [len(row) for row in islice(rows, _SAMPLE_ROWS) if row]
        except csv.Error:
            continue
        usual = max(set(widths), key=widths.count, default=1)
        score = (widths.count(usual), usual) if usual > 1 else (0, 0)
        if score > best_score:
            best, best_score = delimiter, score
    return best
