"""Scripts that break a promise each: tests that let one of them pass prove nothing."""

from __future__ import annotations

import os

from smsc_async.guard._redis_script import SCRIPT

__all__ = ["VARIABLE", "WRONG", "chosen"]

VARIABLE = "SMSC_WRONG_SCRIPT"  # names the one that the tests are asked about

# What is wrong, the place in the script, and what is made of it.
WRONG: dict[str, tuple[str, str]] = {
    "a new account is not fenced": ("if known[2] ~= run_id then", "if known[2] and known[2] ~= run_id then"),
    "another server is not fenced": ("if known[2] ~= run_id then", "if not known[2] then"),
    "files are fenced as briefly as all else": ("local opens = files and far or fence", "local opens = fence"),
    "files hold no slots behind the fence": ("  for _ = 1, max_files do", "  for _ = 1, 0 do"),
    "time may go back": ("local now = math.max(raw, last)", "local now = raw"),
    "a clock set forward is not found": ("if ahead > TOLERANCE + DRIFT * elapsed then", "if false then"),
    "a step of the clock is found by each": ("if not fenced_before then", "if true then"),
    "other numbers take part": ("if known[1] and known[1] ~= schema then", "if false then"),
    "garbage is skipped": ("if size ~= #entries + #claims then", "if false then"),
    "a lease asked again is taken again": ("  if mine then\n", "  if mine and false then\n"),
    "a dead process holds its slots for ever": (
        "local ends = now + lasts + GRACE + lateness",
        "local ends = now + 1000 * lasts",
    ),
    "a lease ends with its exchange": ("local ends = now + lasts + GRACE + lateness", "local ends = now + lasts"),
    "a late lease is forgiven": ("  if late then -- its old charge stays as well", "  if late then return {'LATE', raw, lease} end\n  if late then"),
    "given back twice, charged twice": ("if slot and slot.granted == 0 or not slot and was_given_back() then", "if false then"),
    "whoever asks first goes first": ("      if claim.member ~= member and claim.since < since then\n        tokens", "      if false then\n        tokens"),
    "claims never end": ("    if till > now then\n      bucket.claims", "    if true then\n      bucket.claims"),
    "nobody is told": ("  if tokens > 0 then\n    table.sort", "  if false then\n    table.sort"),
    "the youngest is told": ("return one.since < other.since", "return one.since > other.since"),
    "moments are rounded": ("return string.format('%.0f', number)", "return tostring(number)"),
    "no key is forgotten": ("  if grows then\n", "  if false then\n"),
    "a key is forgotten in use": ("      local idle = not string.find(text, '^%d+|[^|]')", "      local idle = true\n      moment = nil\n      text = ''"),
    "one slot too many": ("slots.n, probation.n, trials.n, refused.n, gateway_probation.n = max_slots,", "slots.n, probation.n, trials.n, refused.n, gateway_probation.n = max_slots + 1,"),
    "no margin": ("local rest = window + margin", "local rest = window"),
    "a lost call is answered": ("local ended = outcome == 'UNKNOWN' and now + lateness or now", "local ended = now"),
    "a hundred refused messages": ("MAX_STRIKES, MAX_REFUSED, MAX_PENALTY = 4, 99, 8", "MAX_STRIKES, MAX_REFUSED, MAX_PENALTY = 4, 100, 8"),
    "five refused logins": ("MAX_STRIKES, MAX_REFUSED, MAX_PENALTY = 4, 99, 8", "MAX_STRIKES, MAX_REFUSED, MAX_PENALTY = 5, 99, 8"),
}


def chosen() -> str:
    """Give the script, or the wrong one that the tests are asked about."""
    name = os.environ.get(VARIABLE)
    if name is None:
        return SCRIPT
    old, new = WRONG[name]
    assert 1 == SCRIPT.count(old), f"{name}: lost its place"
    return SCRIPT.replace(old, new)
