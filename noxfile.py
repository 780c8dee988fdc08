"""The workshop: every check is a session here, and `.ci/run` calls them."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import nox

PYTHONS = ("3.11", "3.12", "3.13")
PROJECT = nox.project.load_toml("pyproject.toml")
CORE = "smsc_async/guard/_*.py,smsc_async/_verdict.py,smsc_async/_retry.py,smsc_async/_wire/*.py"  # of it, every branch
# One process more than the build has cores: a third of the time goes by waiting for sockets and short minutes.
PROCESSES = ("--numprocesses", "3", "--dist", "worksteal")
LOWER_BOUND = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w,]+\])?>=(?P<version>[\w.]+)")

nox.needs_version = ">=2025.10"
nox.options.default_venv_backend = "uv|virtualenv"  # uv where it is installed, and nothing breaks where it is not
nox.options.error_on_missing_interpreters = False  # a Python that is not here is skipped, also on CI
nox.options.sessions = ["lint", "types", "rooms", "tests", "docs", "bare"]

# pyenv keeps the interpreters that are not the chosen one off the path.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
for version in PYTHONS:
    os.environ["PATH"] += "".join(f"{os.pathsep}{found}" for found in PYENV.glob(f"versions/{version}.*/bin"))
HERE = [version for version in PYTHONS if shutil.which(f"python{version}")] or PYTHONS


def group(name: str) -> list[str]:
    """Give the requirements of a dependency group of pyproject.toml."""
    return list(nox.project.dependency_groups(PROJECT, name))


@nox.session
def demo(session: nox.Session) -> None:
    """The client does its main job against the simulated gateway, over real HTTP."""
    session.install(".[demo]")
    session.run("python", "-P", "-m", "smsc_async.demo", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests pass on every Python that is here, the proofs on the newest; on the oldest they cover the code."""
    session.install("-e", ".", *group("tests"))
    if session.posargs:
        session.run("python", "-m", "pytest", *session.posargs)
        return
    chosen = () if session.python == HERE[-1] else ("-m", "not once")
    if session.python != HERE[0]:
        session.run("python", "-m", "pytest", *PROCESSES, *chosen)
        return
    data = Path(session.create_tmp(), "coverage")
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    env = {"COVERAGE_FILE": str(data / "data")}
    session.run("python", "-m", "coverage", "run", "-m", "pytest", *PROCESSES, *chosen, env=env)
    session.run("python", "-m", "coverage", "combine", "--quiet", env=env)
    session.run("python", "-m", "coverage", "report", env=env)
    session.run("python", "-m", "coverage", "report", "--include", CORE, "--fail-under", "100", env=env)


@nox.session
def lint(session: nox.Session) -> None:
    """The code is formatted and ruff has nothing to say."""
    session.install(*group("lint"))
    session.run("ruff", "format", "--check", "--diff", ".")
    session.run("ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types hold for mypy and pyright, and everything public has one."""
    session.install("-e", ".[aiohttp,demo,fast,multipart,trio]", *group("types"))
    session.run("mypy")
    session.run("mypy", "noxfile.py", "docs/examples", "tests/workshop/typed_use.py")
    session.run("pyright")
    session.run("pyright", "docs/examples", "tests/workshop/typed_use.py")
    session.run("pyright", "--verifytypes", "smsc_async", "--ignoreexternal")


@nox.session
def rooms(session: nox.Session) -> None:
    """Each room imports only what it may."""
    session.install("-e", ".[aiohttp,demo,fast,multipart,trio]", *group("rooms"))
    session.run("lint-imports", "--no-cache")


@nox.session
def docs(session: nox.Session) -> None:
    """The pages build without a warning, and every reference in them leads somewhere."""
    session.install("-e", ".[aiohttp]", *group("docs"))
    shutil.rmtree("docs/_build", ignore_errors=True)
    session.run("sphinx-build", "-W", "-n", "--keep-going", "-b", "html", "docs", "docs/_build/html")


@nox.session
def lowest(session: nox.Session) -> None:
    """The tests pass with the lowest versions that pyproject.toml admits."""
    needed = [*PROJECT["project"]["dependencies"], *group("tests")]
    bounds = {found["name"].lower(): found["version"] for found in map(LOWER_BOUND.match, needed) if found}
    constraints = Path(session.create_tmp(), "lowest.txt")
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in sorted(bounds.items())))
    session.install("-e", ".", *group("tests"), "--constraint", str(constraints))
    session.run("python", "-m", "pytest", *(session.posargs or PROCESSES))


@nox.session
def bench(session: nox.Session) -> None:
    """The package is measured beside its peers, and the tables of the docs are written anew."""
    session.install(".", *group("bench"))
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def foreign(session: nox.Session) -> None:
    """Clients that nobody here wrote work against the simulator as they are: one of PyPI, and one of npm."""
    session.install(".[simulator]", "trustme", "requests", "furl", "arrow")
    session.install("--no-deps", "smsc==0.1.1")  # it asks for a backport of typing that breaks today's Python
    folder = session.create_tmp()
    session.run("npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "node-smsc@0.2.3", external=True)
    session.run("python", "-m", "tests.foreign", "--node-modules", str(Path(folder, "node_modules")))


@nox.session
def proof(session: nox.Session) -> None:
    """The long proofs hold: hours of schedules, every cut, every slip that could be made in the core."""
    session.install("-e", ".", *group("proof"))
    processes = str(os.cpu_count() or 1)
    for words in (
        ("core", "random", "--operations", "20000000", "--processes", processes),
        ("core", "exhaust", "--states", "2000000"),
        ("client", "--schedules", "10000", "--processes", processes),
        ("edges", "sweep"),
        ("edges", "paid"),
        ("callbacks", "fuzz"),
        ("callbacks", "guided"),
        ("callbacks", "peers"),
        ("callbacks", "tamper"),
        ("deliveries",),
        ("deliveries", "zoo"),
        ("sends",),
        ("sends", "zoo"),
        ("shared", "differential", "--operations", "50000"),
        ("journal",),
        ("journal", "zoo"),
        ("zoo",),
        ("mutation", "--processes", processes),
    ):
        session.log("%s", " ".join(words))
        session.run("python", "-m", f"tests.proof.{words[0]}", *words[1:])


@nox.session
def bare(session: nox.Session) -> None:
    """The package, as it is installed, imports with no extra."""
    session.install(".")
    session.run("python", "-P", "-W", "error", "-c", "import smsc_async, smsc_async.simulator, smsc_async.testing")
