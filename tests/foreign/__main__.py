"""Clients that nobody here wrote send, price, and ask for statuses and the balance; as they are."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from smsc_async.simulator import Simulator, serve
from smsc_async.simulator.switches import Switches
from tests.foreign.tunnel import tunnel_to

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE: Final = Path(__file__).parent
LOGIN, PASSWORD, PHONE = "alex", "kept-secret-9", "380671234567"
DUPLICATE: Final = "duplicate request"
WRONG: Final = "authorise error"

Steps = dict[str, dict[str, Any]]


def main() -> int:
    """Run each, and say what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node-modules", type=Path, required=True, help="the folder that node-smsc is installed in")
    options = parser.parse_args()
    problems = [*of_pypi(), *of_npm(options.node_modules)]
    for problem in problems:
        print("PROBLEM:", problem)
    print("both work against the simulator" if not problems else f"{len(problems)} problems")
    return bool(problems)


def of_pypi() -> list[str]:
    """PyPI's `smsc` 0.1.1: GET, JSON, a list for one status, and an address that cannot be set."""
    simulator = Simulator(login=LOGIN, password=PASSWORD)
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(simulator) as url,
        tunnel_to(url, Path(folder)) as (proxy, file),
    ):
        environment = {"HTTPS_PROXY": proxy, "REQUESTS_CA_BUNDLE": str(file), "PYTHONWARNINGS": "ignore"}
        steps = run([sys.executable, str(HERE / "of_pypi.py"), LOGIN, PASSWORD, PHONE], environment)
    return [*judge(simulator, steps, currency=steps["balance"]["currency"]), *differing(steps, "status", status=-1)]


def of_npm(modules: Path) -> list[str]:
    """Npm's `node-smsc` 0.2.3: GET, JSON, a password as its MD5, and an address that can be set."""
    simulator = Simulator(login=LOGIN, password=PASSWORD, switches=Switches(md5_password=True))
    node = shutil.which("node")
    if node is None:
        return ["there is no node"]
    with serve(simulator) as url:
        words = [node, "--no-deprecation", str(HERE / "of_npm.js"), f"{url}/sys/", LOGIN, PASSWORD, PHONE]
        steps = run(words, {"NODE_PATH": str(modules)})
    problems = [*judge(simulator, steps, currency=steps["balance"]["currency"]), *differing(steps, "status", status=-1)]
    if [-1, -1] != [each["status"] for each in steps["statuses"]["list"]]:
        problems.append(f"statuses: {steps['statuses']}")
    if 2 != len(steps["send to two"]["phones"]) or not steps["numbers"]["list"]:
        problems.append(f"details: {steps['send to two']}, numbers: {steps['numbers']}")
    return problems


def run(words: Sequence[str], environment: Mapping[str, str]) -> Steps:
    """Run a client, and give what it printed, by step."""
    done = subprocess.run(
        words, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise SystemExit(f"{words} failed:\n{done.stdout}{done.stderr}")
    found: Steps = {}
    name = next(Path(word).stem for word in words if Path(word).parent == HERE)
    for line in done.stdout.splitlines():
        values = json.loads(line)
        step = values.pop("step")
        found[step] = values
        print(f"{name}: {step}: {values}")
    return found


def judge(simulator: Simulator, steps: Steps, *, currency: str) -> list[str]:
    """Say what of it is not as the simulator has it."""
    sent = list(simulator.messages)
    total = sum(message.cost for message in sent)
    problems = [
        *differing(steps, "price", cost=0.5),
        *differing(steps, "send", cost=0.5, id=sent[0].id if sent else None),
    ]
    if currency != "UAH" or float(steps["balance"]["balance"]) != float(simulator.account.balance + total):
        problems.append(f"balance: {steps['balance']}, and {simulator.account.balance} after {total}")
    if [PHONE, PHONE, "380501112233"] != [message.phone for message in sent]:
        problems.append(f"sent: {sent}")
    if DUPLICATE not in steps["send again"]["error"] or WRONG not in steps["wrong password"]["error"]:
        problems.append(f"refusals: {steps['send again']}, {steps['wrong password']}")
    return problems


def differing(steps: Steps, step: str, **expected: Any) -> list[str]:
    """Name what of a step is not as expected; numbers may be written as strings."""
    found = steps[step]
    return [
        f"{step}: {name} is {found.get(name)!r} and not {value!r}"
        for name, value in expected.items()
        if found.get(name) != value and str(found.get(name)) not in {str(value), f"{value:.2f}"}
    ]


if __name__ == "__main__":
    sys.exit(main())
