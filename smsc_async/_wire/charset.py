"""Bytes of a reply to text, which never fails."""

from __future__ import annotations

__all__ = ["as_text"]


def as_text(body: bytes) -> str:
    """Decode strictly as UTF-8, which was asked for, then as windows-1251, in which the gateway sometimes answers."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("cp1251", "replace")  # 0x98 stands for nothing there
