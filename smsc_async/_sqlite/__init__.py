"""Files of SQLite: private, checked, durable, and worked on from event loops."""

from __future__ import annotations

from smsc_async._sqlite.commits import GroupCommit
from smsc_async._sqlite.file import Layout, SqliteFile, checked_path

__all__ = ["GroupCommit", "Layout", "SqliteFile", "checked_path"]
