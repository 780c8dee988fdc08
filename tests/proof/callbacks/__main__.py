"""The long proofs, and one input seen again: ``python -m tests.proof.callbacks fuzz``, ``tamper`` or ``replay``."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING

from tests.proof.callbacks.fuzzing import TARGETS, Failed, Found, fuzz, one_input
from tests.proof.callbacks.tampering import Tampered, believed, meant, one_tampering, tamper

if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNK = 5_000
FORMS = ("form", "parts", "xml", "json")


def main() -> int:
    """Run what the words say; give 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.callbacks", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command")
    fuzzing = commands.add_parser("fuzz", help="look for errors that nobody declared, and for inputs that cost")
    fuzzing.add_argument("--inputs", type=int, default=1_000_000, help="for each target")
    fuzzing.add_argument("--seed", type=int, default=0)
    fuzzing.add_argument("--target", choices=TARGETS, help="this one alone")
    guided = commands.add_parser("guided", help="let atheris look for new ways through the code, where it is installed")
    guided.add_argument("--inputs", type=int, default=1_000_000, help="for each format")
    peers = commands.add_parser("peers", help="give inputs to verifiers of other webhooks too")
    peers.add_argument("--inputs", type=int, default=100_000)
    peers.add_argument("--seed", type=int, default=0)
    tampering = commands.add_parser("tamper", help="look for forgeries")
    tampering.add_argument("--inputs", type=int, default=1_000_000, help="that change what is signed")
    tampering.add_argument("--seed", type=int, default=0)
    again = commands.add_parser("replay", help="see one input again")
    again.add_argument("--target", choices=(*TARGETS, "tamper"), required=True)
    again.add_argument("--seed", type=int, default=0)
    again.add_argument("--number", type=int, required=True)
    words = parser.parse_args()
    try:
        match words.command:
            case "fuzz":
                run_fuzz([words.target] if words.target else list(TARGETS), words.seed, words.inputs)
            case "guided":
                return run_guided(words.inputs)
            case "peers":
                return run_peers(words.seed, words.inputs)
            case "tamper":
                run_tamper(words.seed, words.inputs)
            case _:
                replay(words.target, words.seed, words.number)
    except Failed as failed:
        say("", f"FAILED  {failed}")
        return 1
    return 0


def run_fuzz(targets: Sequence[str], seed: int, inputs: int) -> None:
    """Read inputs, and show what became of them."""
    rows = []
    for target in targets:
        whole = Found(target)
        began = time.monotonic()
        for first in range(0, inputs, CHUNK):
            part = fuzz(target, seed, first, min(CHUNK, inputs - first))
            whole.inputs += part.inputs
            whole.events += part.events
            whole.refused += part.refused
            whole.slowest = max(whole.slowest, part.slowest)
            whole.memory = max(whole.memory, part.memory)
            whole.seconds = time.monotonic() - began
            tell(f"{target}: {whole.inputs:,} inputs, {whole.inputs / whole.seconds:,.0f} a second")
        rows.append(whole.row())
    head = "| read as | inputs | events | refused | other errors | slowest, CPU | memory, at most | took |"
    say("", head, "|---|---:|---:|---:|---:|---:|---:|---:|", *rows)


def run_guided(inputs: int) -> int:
    """Give atheris a process for each format."""
    if find_spec("atheris") is None:
        say("atheris is not installed")
        return 0
    for form in FORMS:
        words = [form, f"-runs={inputs}", "-max_len=4096", "-verbosity=0", "-print_final_stats=1"]
        began = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "tests.proof.callbacks.guided", *words], check=False)
        if done.returncode:
            say("", f"FAILED  {form}: the input is in the file that atheris names")
            return 1
        say(f"| {form} | {inputs:,} | 0 | {time.monotonic() - began:,.0f} s |")
    return 0


def run_peers(seed: int, inputs: int) -> int:
    """Compare."""
    if find_spec("standardwebhooks") is None or find_spec("stripe") is None:
        say("standardwebhooks and stripe are not installed")
        return 0
    from tests.proof.callbacks.peers import compare  # they are not installed everywhere

    rows = [measured.row() for measured in compare(seed, inputs)]
    say(
        "| verifier | inputs | accepted | undeclared exceptions | which | declared |",
        "|---|---:|---:|---:|---|---|",
        *rows,
    )
    return 0


def run_tamper(seed: int, inputs: int) -> None:
    """Tamper until so many inputs have changed what is signed."""
    whole = Tampered()
    for first in count(0, CHUNK):
        whole += tamper(seed, first, CHUNK)
        tell(f"{whole.changed:,} tampered, {whole.changed / whole.seconds:,.0f} a second")
        if whole.changed >= inputs:
            break
    say("", *whole.table(), "", f"{whole.seconds:,.0f} s")


def replay(target: str, seed: int, number: int) -> None:
    """Show one input, and let it fail here."""
    if target == "tamper":
        genuine, body, sort = one_tampering(seed, number)
        say(f"genuine {genuine}", f"tampered {body!r}", sort, f"signed {meant(genuine)}")
        say(f"believed, as it was: {believed(genuine, genuine.body)}", f"believed, tampered: {believed(genuine, body)}")
        tamper(seed, number, 1)
        return
    size, go = one_input(target, seed, number)
    captured = {
        name: cell.cell_contents for name, cell in zip(go.__code__.co_freevars, go.__closure__ or (), strict=True)
    }
    say(f"{size:,} bytes", *(f"{name} = {value!r:.2000}" for name, value in captured.items()))
    fuzz(target, seed, number, 1)


_told = [time.monotonic()]


def tell(text: str) -> None:
    """Show how far it is: one line that is written over; where nobody looks, a line every half minute."""
    live = sys.stderr.isatty()
    if time.monotonic() - _told[0] < (0.5 if live else 30.0):
        return
    _told[0] = time.monotonic()
    sys.stderr.write(f"\r\x1b[K{text}" if live else f"{text}\n")
    sys.stderr.flush()


def say(*lines: str) -> None:
    """Tell whoever asked."""
    sys.stdout.write("\n".join((*lines, "")))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
