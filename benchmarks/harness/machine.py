"""Where it was measured: the processor, the system, and the version of everything that took part."""

from __future__ import annotations

import os
import platform
import time
from importlib import metadata
from pathlib import Path

__all__ = ["describe", "load", "today"]

PACKAGES = (
    "smsc-async",
    "httpx",
    "httpcore",
    "h11",
    "anyio",
    "attrs",
    "cattrs",
    "tenacity",
    "certifi",
    "orjson",
    "httpx2",
    "httpx-aiohttp",
    "aiohttp",
    "uvloop",
    "aiolimiter",
    "pyrate-limiter",
    "throttled-py",
    "limits",
    "uvicorn",
)


def today() -> str:
    """Give the date of a measurement."""
    return time.strftime("%Y-%m-%d")


def load() -> str:
    """Tell how many processes there are to run, on average of the last minutes, and for how many cores."""
    if not hasattr(os, "getloadavg"):
        return "an unknown number of processes"
    return f"{os.getloadavg()[1]:.1f} processes on {os.cpu_count()} cores"


def describe() -> dict[str, str]:
    """Describe the machine, and name the versions; what is not installed took no part."""
    cores = os.cpu_count() or 0
    return {
        "processor": f"{_processor()}, {cores} core{'s' if cores != 1 else ''}",
        "system": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        **{name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
