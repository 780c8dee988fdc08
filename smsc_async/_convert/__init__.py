"""Plain data to values."""

from __future__ import annotations

from smsc_async._convert.records import structure

__all__ = ["structure"]
