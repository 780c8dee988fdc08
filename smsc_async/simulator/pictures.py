"""A picture of digits as PNG (https://www.w3.org/TR/png/), 50 by 18 pixels as the vendor's page has it."""

from __future__ import annotations

import struct
import zlib
from typing import Final

WIDTH: Final = 50
HEIGHT: Final = 18

#: How many digits fit at twice the size of the font.
DIGITS: Final = 4
SCALE: Final = 2

#: Five columns and seven rows a digit, one number a row.
FONT: Final[dict[str, tuple[int, ...]]] = {
    "0": (0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110),
    "1": (0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110),
    "2": (0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111),
    "3": (0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110),
    "4": (0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010),
    "5": (0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110),
    "6": (0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110),
    "7": (0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000),
    "8": (0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110),
    "9": (0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100),
}
COLUMNS: Final = 5
ROWS: Final = 7
PITCH: Final = 12  # pixels from one digit to the next
LEFT: Final = 2
TOP: Final = 2

INK: Final = 40
PAPER: Final = 235


def picture(code: str) -> bytes:
    """Draw *code*, of `DIGITS` digits."""
    rows = [bytearray([PAPER]) * WIDTH for _ in range(HEIGHT)]
    for place, digit in enumerate(code):
        for y in range(ROWS * SCALE):
            for x in range(COLUMNS * SCALE):
                if FONT[digit][y // SCALE] >> (COLUMNS - 1 - x // SCALE) & 1:
                    rows[TOP + y][LEFT + place * PITCH + x] = INK
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)  # eight bits of grey
    lines = b"".join(b"\0" + row for row in rows)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
