"""The script on a server beside the pure policy: the same steps on the same clock, the same answers, the same state."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

from smsc_async.guard import Demand, Identity, Outcome, Reason, Rule
from smsc_async.guard._records import Settings
from smsc_async.guard._redis_script import SCRIPT
from tests.proof.redis.model import GRACE, Model

if TYPE_CHECKING:
    from tests.guard.redis.servers import Server

__all__ = ["CLOCK", "Difference", "compare", "on_a_moved_clock", "without_claims"]

CLOCK = "test:clock"  # where the tests' copy of the script finds the time
BEGIN = 1_000_000.0
BATCH = 250
SETTINGS = Settings(window=60.0, margin=1.5, lateness=5.0, max_concurrency=14)
PAIR = Rule("pair", Reason.IDENTICAL, 2)
SINGLE = Rule("single", Reason.IDENTICAL, 1)
THREE = Rule("three", Reason.IDENTICAL, 3)
ACTION = Rule("action", Reason.ACTION, 5)
MANY = Rule("many", Reason.ACTION, 40)
FILES = Rule("files", Reason.DOWNLOADS, 3, rests=False)
SUBJECT = Rule("subject", Reason.SUBJECT, 1, rests=False)
OUTCOMES = {
    Outcome.ACCEPTED: 30,
    Outcome.PRICED: 5,
    Outcome.ANSWERED: 8,
    Outcome.REFUSED: 8,
    Outcome.UNKNOWN: 10,
    Outcome.UNSENT: 8,
    Outcome.DUPLICATE: 6,
    Outcome.CONCURRENCY: 3,
    Outcome.LOGIN_REFUSED: 2,
    Outcome.ADDRESS_BLOCKED: 1,
}
MILD = {Outcome.ACCEPTED: 60, Outcome.PRICED: 5, Outcome.UNKNOWN: 4, Outcome.UNSENT: 4, Outcome.CONCURRENCY: 1}
REFUSING = {Outcome.REFUSED: 60, Outcome.ANSWERED: 10, Outcome.UNKNOWN: 6, Outcome.ACCEPTED: 2, Outcome.PRICED: 3}


class Difference(AssertionError):
    """The script and the policy did not agree."""


def replaced(script: str, old: str, new: str) -> str:
    """Change one place of the script, which must be there once."""
    assert 1 == script.count(old), old
    return script.replace(old, new)


def on_a_moved_clock(script: str) -> str:
    """Give a copy of the script that reads the time from a key; the script itself has no such switch."""
    return replaced(script, "redis.call('TIME')", f"redis.call('LRANGE', '{CLOCK}', 0, 1)")


def without_claims(script: str) -> str:
    """Give a copy in which nobody stands in line: the policy's own line is empty too."""
    return re.sub(r"(?m)^  bucket\.claims\[#bucket\.claims \+ 1\] = .*\n", "", script)


def demands(chance: random.Random, harsh: bool) -> Demand:
    """Give what a call of some kind asks for."""
    kinds: list[tuple[tuple[Rule, bytes], ...]] = [
        ((PAIR, b"a%d" % chance.randrange(3)),),
        ((SINGLE, b"b"),),
        ((PAIR, b"c%d" % chance.randrange(3)), (ACTION, b"x")),
        ((chance.choice((SINGLE, THREE)), b"d"),),
        ((PAIR, b"e%d" % chance.randrange(2)), (FILES, b"files")),
        ((SUBJECT, b"f"), (PAIR, b"f%d" % chance.randrange(2)), (ACTION, b"x")),
        ((MANY, b"m"),),
        ((MANY, b"m"), (PAIR, b"n%d" % chance.randrange(20))),
    ]
    kind = chance.choices(range(len(kinds)), (3, 2, 3, 2, 2, 1, 4, 6))[0]
    identity = Identity("account", chance.choice(("c0", "c0", "c1")), chance.choice(("g0", "g0", "g0", "g1")))
    lasts = chance.choice((10.0, 30.0, 30.0, 600.0)) if kind == 4 else chance.choice((10.0, 30.0, 30.0))
    may_block = kind in (6, 7) if harsh else kind == 6 and chance.random() < 0.1
    return Demand("call", identity, kinds[kind], may_block=may_block, lasts=lasts)


class Run:
    """One random story, told to both."""

    def __init__(self, server: Server, script: str, seed: int) -> None:
        self.chance = random.Random(seed)
        self.client = server.client()
        self.sha = self.client.script_load(script)
        self.hash = f"{{smsc:{seed}}}"
        self.model = Model(SETTINGS)
        self.schema = "1 60000 1500 5000 14 3 30000 600000"
        self.numbers = 0
        self.members = ("m", "n", "o") if seed % 3 else ("m",)
        self.outcomes = (OUTCOMES, MILD, REFUSING)[seed // 3 % 3]
        self.harsh = self.outcomes is not MILD
        self.pipe = self.client.pipeline(transaction=False)
        self.expected: list[tuple[str, Any, Any]] = []
        self.kinds: dict[str, int] = {}
        self._begin()

    def _begin(self) -> None:
        """Meet the server, and let the first fence pass."""
        self.client.delete(self.hash)
        self._set_clock(BEGIN - 700.0)
        self.pipe.execute()
        first = self.client.evalsha(self.sha, 1, self.hash, *self._words("TAKE", "m.0", _SOME, "0"))
        assert "FENCED" == first[0]
        self.model.move_to(BEGIN)

    def step(self) -> None:
        """Do something at random."""
        chance, model = self.chance, self.model
        kind = chance.random()
        in_time = [flight for flight in model.flights.values() if flight.lease is not None]
        lapsed = [flight for flight in model.flights.values() if flight.lease is None]
        if kind < 0.30:
            self._pass_time()
        elif kind < 0.72 or not model.flights:
            self.numbers += 1
            name = f"{chance.choice(self.members)}.{self.numbers:x}"
            demand = demands(chance, self.harsh)
            self._tell("TAKE", name, demand, "0", model.take(name, demand))
        elif kind < 0.74 and in_time:
            flight = chance.choice(in_time)
            self._tell("TAKE", flight.id, flight.demand, "0", ["GRANT"])
        elif kind < 0.77 and in_time:
            flight = chance.choice(in_time)
            self._tell("PROVE", flight.id, flight.demand, "0", model.prove(flight.id))
        else:
            flight = (
                chance.choice(lapsed) if lapsed and (chance.random() < 0.3 or not in_time) else chance.choice(in_time)
            )
            outcome = chance.choices(list(self.outcomes), list(self.outcomes.values()))[0]
            self._tell("FINISH", flight.id, flight.demand, outcome.name, model.finish(flight.id, outcome))
            if flight.rests_until > model.now and chance.random() < 0.1:  # its answer was lost, and it is told again
                self._tell("FINISH", flight.id, flight.demand, outcome.name, ["AGAIN"])

    def _pass_time(self) -> None:
        chance, model = self.chance, self.model
        moments = sorted(model.moments())
        kind = chance.random()
        if kind < 0.5:
            moment = model.now + chance.randrange(0, 24) / 8
        elif kind < 0.85 and moments:  # to the very moment, or just before
            moment = moments[min(int(chance.expovariate(1.0)), len(moments) - 1)] - chance.choice((0.0, 0.0, 0.125))
        elif kind < 0.98:
            moment = model.now + chance.randrange(0, 400) / 8
        else:
            moment = model.now + chance.randrange(0, 16_000) / 8
        model.move_to(max(moment, model.now))

    def _tell(self, step: str, name: str, demand: Demand, more: str, answer: list[Any]) -> None:
        self.kinds[answer[0]] = self.kinds.get(answer[0], 0) + 1
        self._set_clock(self.model.now)
        self.pipe.evalsha(self.sha, 1, self.hash, *self._words(step, name, demand, more))
        self.pipe.hgetall(self.hash)
        self.expected.append((f"{step} {name} {demand.charges} {more} at {self.model.now}", answer, self.model.state()))
        if len(self.expected) >= BATCH:
            self.look()

    def _set_clock(self, moment: float) -> None:
        seconds, rest = divmod(round(moment * 1000), 1000)
        self.pipe.delete(CLOCK)
        self.pipe.rpush(CLOCK, seconds, rest * 1000)

    def _words(self, step: str, name: str, demand: Demand, more: str) -> list[Any]:
        words: list[Any] = [step, self.schema, name, round(demand.lasts * 1000), 0, 0, 0, more]
        words += [demand.identity.credential, demand.identity.gateway, int(demand.may_block)]
        for rule, key in demand.charges:
            words += [key, rule.n, int(rule.rests)]
        return words

    def look(self) -> None:
        """Compare what was told since the last time."""
        told = self.pipe.execute(raise_on_error=False)
        for (what, answer, state), (_, _, given, dump) in zip(self.expected, _by(told, 4), strict=True):
            if isinstance(given, Exception):
                raise Difference(f"{what}: {given}")
            _, moment, lease = given[:3]
            assert what.split(" ")[1] == lease
            del given[1:3]
            if given[0] == "WAIT":
                del given[7:]
            if answer != given:
                raise Difference(f"{what}: the policy says {answer}, the script {given}")
            found = read_state(dump, moment)
            if state != found:
                wrong = {name for name in state.keys() | found.keys() if state.get(name) != found.get(name)}
                differing = "; ".join(f"{name}: {state.get(name)} is {found.get(name)}" for name in sorted(wrong))
                raise Difference(f"after {what} -> {answer}: {differing}")
        self.expected.clear()


_SOME = Demand("call", Identity("account", "c0", "g0"), ((PAIR, b"a0"),))


def read_state(dump: dict[str, str], now: int) -> dict[str, Any]:
    """Give what the hash says, in the model's form."""
    found: dict[str, Any] = {"late": int(dump.get("late", 0)), "foreign": int(dump.get("foreign", 0))}
    found["cut"] = int(dump.get("cut", 0))
    late, rest = round(SETTINGS.lateness * 1000), round(SETTINGS.rest * 1000)
    seen = {field[2:] for field in dump if field[:2] == "k:"}
    for name in ("c0", "c1"):
        if name in seen:
            found[f"k:{name}"] = _breaker(dump[f"k:{name}"])
    for field, value in dump.items():
        if field[:2] == "g:":
            found[field] = _breaker(value)
        if field != "s" and field[:2] not in {"b:", "p:", "t:", "r:", "a:"}:
            continue
        n, recovery, entries, _ = value.split("|")
        out, homes = 0, []
        for entry in entries.split(";")[:-1]:
            _, release, granted = entry.split(" ")
            beyond = late + {"b": 0 if field in _IDLE else rest, "r": 601_500}.get(field[0], 0)
            if int(release) <= now:
                continue
            if int(granted) and int(release) - beyond > now:
                out += 1
            else:
                homes.append(int(release))
        saved = None
        if recovery:
            blocked, base, rises, strikes = map(int, recovery.split(" "))
            saved = (blocked, base, None if rises == 2**53 - 1 else rises, strikes)
            saved = _alive(field, int(n), saved, now, bool(out or homes))
        if out or homes or saved:
            found[field] = (int(n) if field[0] == "b" else None, out, sorted(homes), saved)
    return found


_IDLE = {"b:files", "b:f"}  # that do not rest


def _alive(field: str, n: int, saved: Any, now: int, used: bool) -> Any:
    """Give a recovery that is not over: whoever reads the bucket next drops it."""
    blocked, base, rises, _ = saved
    step = 60_000 if field == "s" else 61_500
    if now >= blocked:
        risen = 0 if rises is None or now < rises else (now - rises) // step
        if base + risen >= n:
            return None
    if field != "s" and not used and now >= blocked + step:
        return None
    return saved


def _breaker(value: str) -> tuple[Any, ...]:
    proven, *numbers, why = value.split(" ")
    return (proven == "1", *map(int, numbers), why)


def _by(items: list[Any], size: int) -> Any:
    return zip(*[iter(items)] * size, strict=True)


def compare(server: Server, operations: int, script: str = SCRIPT, *, seed: int = 0) -> dict[str, int]:
    """
    Play stories of a few thousand steps until so many are done; give how often each answer was met.

    Raises:
        Difference: They did not agree.
    """
    copy = without_claims(on_a_moved_clock(script))
    met: dict[str, int] = {}
    done = 0
    while done < operations:
        run = Run(server, copy, seed)
        for _ in range(min(2_000, operations - done)):
            run.step()
        run.look()
        run.client.delete(run.hash)
        for kind, times in run.kinds.items():
            met[kind] = met.get(kind, 0) + times
        done += 2_000
        seed += 1
    return met
