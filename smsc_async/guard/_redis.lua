-- One step of the guard for many machines, on Redis 7 or Valkey: take, finish, prove, or leave the line.
--
-- This is `_policy.py` with nobody in line, on the server's clock and in whole milliseconds; the differential test
-- compares the two. All that is known of an account stands in one hash, so that it is lost as a whole or not at all:
--
--   schema           the numbers that all processes must share; whoever has others is refused
--   rid              the server's run_id: another one may have forgotten what was granted last
--   last             the latest moment seen; time never goes back
--   fence, far       nothing is granted before `fence`, and no file before `far`
--   step             when a step of the server's clock was found last, and of how many milliseconds
--   cut              when the slots were halved last
--   late, foreign    leases given back too late; refusals for requests that nobody here made
--   k:<credential>   a breaker, and g:<gateway> too: proven, failures, locked at, locked until, tripped until, why
--   s, b:<key>, p:<credential>, t:<gateway>, r:<gateway>, a:<gateway>
--                    buckets: slots; tokens of a key; credentials on probation; trials; refused messages; the gateway
--                    on probation
--
-- A bucket is "n|recovery|entries|claims". An entry is a lease, the moment at which its token comes home, and when it
-- was granted: 0 once it was given back. A lease that nobody gives back ends by itself: its token was charged from the
-- beginning as that of a call without an answer, at the last moment at which its holder may have given up.
--
-- Each answer begins with its kind, the server's time, and the lease that it is about.
--
-- ARGV: the step's name, schema, lease (member.number), how long the exchange may last, the server's time as the client
-- saw it last (0: never), the milliseconds since on the client's own clock, whether it has looked twice (1) at a clock
-- that does not fit; then (TAKE) the milliseconds that the call has waited, or (FINISH) the outcome; credential,
-- gateway, may it block the address (1); then for each charge its key, n, and whether it rests (1).

local FOREVER = 9007199254740991 -- 2^53 - 1: beyond it, doubles are no whole numbers any more
local GRACE = 1000 -- after the end of an exchange, within which its own process gives the lease back
local LINGER = 250
local FIRST_PAUSE, NEXT_PAUSE, STRIKE_MEMORY, REFUSED_MEMORY = 600000, 1800000, 1800000, 601500
local MAX_STRIKES, MAX_REFUSED, MAX_PENALTY = 4, 99, 8
local CLAIM = 2500 -- that a claim counts after the look that it waits for; so long a token may idle for a dead process
local TOLERANCE, DRIFT = 500, 0.001 -- of the two clocks that are compared

local hash, step, schema, lease = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local lasts = tonumber(ARGV[4])
local member = string.match(lease, '^[^.]+')

local function refuse(text)
  return redis.error_reply('SMSC ' .. text)
end

local function whole(number)
  return string.format('%.0f', number)
end

-- The numbers ---------------------------------------------------------------------------------------------------------

local window, margin, lateness, max_slots, max_files, longest, longest_file =
  string.match(schema, '^%d+ (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
window, margin, lateness = tonumber(window), tonumber(margin), tonumber(lateness)
max_slots, max_files, longest, longest_file =
  tonumber(max_slots), tonumber(max_files), tonumber(longest), tonumber(longest_file)
local rest = window + margin

-- What is known -------------------------------------------------------------------------------------------------------

local credential, gateway, may_block = ARGV[9], ARGV[10], ARGV[11] == '1'
local fields = {
  'schema', 'rid', 'last', 'fence', 'far', 'step', 'cut',
  'k:' .. credential, 'g:' .. gateway, 's', 'p:' .. credential, 't:' .. gateway, 'r:' .. gateway, 'a:' .. gateway,
}
local FIRST_CHARGE = #fields + 1
for i = 12, #ARGV, 3 do
  fields[#fields + 1] = 'b:' .. ARGV[i]
end
local known = redis.call('HMGET', hash, unpack(fields))
local changes, gone = {}, {}

local function set(field, value, before)
  if value ~= before then
    changes[#changes + 1] = field
    changes[#changes + 1] = value
  end
end

-- Time, and what makes it doubtful ------------------------------------------------------------------------------------

local clock = redis.call('TIME')
local raw = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local function moment(place)
  return tonumber(string.match(known[place] or '0', '^%d+$'))
end
local last, fence, far, cut = moment(3), moment(4), moment(5), moment(7)
if not (last and fence and far and cut) then
  return refuse('DAMAGED moments')
end
local now = math.max(raw, last)
if known[1] and known[1] ~= schema then
  return refuse('SCHEMA ' .. known[1])
end

-- The buckets ---------------------------------------------------------------------------------------------------------

local damaged

local function capacity(bucket)
  local recovery = bucket.recovery
  if not recovery then
    return bucket.n
  end
  local tokens
  if now < recovery.blocked then
    tokens = 0
  elseif now < recovery.rises then
    tokens = recovery.base
  else
    tokens = recovery.base + math.floor((now - recovery.rises) / (bucket.keeps or rest))
  end
  if tokens < bucket.n then
    return tokens
  end
  bucket.recovery = nil
  return bucket.n
end

local function read_bucket(place, n, rests, keeps)
  local text = known[place]
  local bucket = {
    field = fields[place], text = text, n = n, given = n, rests = rests, keeps = keeps, entries = {}, claims = {},
    after = rests and rest or 0, -- how long a token is kept after the end of a call
  }
  if not text then
    return bucket
  end
  local limit, recovery, entries, claims = string.match(text, '^(%d+)|([^|]*)|([^|]*)|([^|]*)$')
  if not limit then
    damaged = bucket.field
    return bucket
  end
  local size = 0
  for id, release, granted in string.gmatch(entries, '([^ ;]+) (%d+) (%d+);') do
    size = size + #id + #release + #granted + 3
    release = tonumber(release)
    if release > now then
      bucket.entries[#bucket.entries + 1] = {id = id, release = release, granted = tonumber(granted)}
    end
  end
  for whose, since, till in string.gmatch(claims, '([^ ;]+) (%d+) (%d+);') do
    size = size + #whose + #since + #till + 3
    till = tonumber(till)
    if till > now then
      bucket.claims[#bucket.claims + 1] = {member = whose, since = tonumber(since), till = till}
    end
  end
  if recovery ~= '' then
    local blocked, base, rises, strikes = string.match(recovery, '^(%d+) (%d+) (%d+) (%d+)$')
    if blocked then
      bucket.recovery = {
        blocked = tonumber(blocked), base = tonumber(base), rises = tonumber(rises), strikes = tonumber(strikes),
      }
    else
      damaged = bucket.field
    end
  end
  if size ~= #entries + #claims then
    damaged = bucket.field
  end
  -- A probe matters only as long as calls keep coming: a quiet window after the pause ends the matter.
  if #bucket.entries == 0 and rests and bucket.recovery and now >= bucket.recovery.blocked + rest then
    bucket.recovery = nil
  end
  bucket.n = math.min(n, tonumber(limit)) -- two endpoints share the key: the stricter holds
  capacity(bucket) -- a recovery that is over is none
  if #bucket.entries == 0 and not bucket.recovery then
    bucket.n = n
  end
  return bucket
end

local function next_rise(bucket)
  local recovery = bucket.recovery
  if not recovery or recovery.rises == FOREVER and now >= recovery.blocked then
    return FOREVER
  end
  if now < recovery.blocked then
    return recovery.blocked
  end
  local step_of = bucket.keeps or rest
  return recovery.rises + (math.max(math.floor((now - recovery.rises) / step_of), 0) + 1) * step_of
end

local function free(bucket)
  return capacity(bucket) - #bucket.entries
end

local function find(bucket, id)
  for place, entry in ipairs(bucket.entries) do
    if entry.id == id then
      return entry, place
    end
  end
end

-- Whether it is still the lease of somebody: neither given back nor lapsed.
local function flies(bucket, entry)
  return entry.granted > 0 and entry.release - lateness - bucket.after > now
end

local function add(bucket, id, release, granted)
  bucket.entries[#bucket.entries + 1] = {id = id, release = release, granted = granted}
end

local function save(bucket)
  local entries, claims, recovery = {}, {}, ''
  for _, entry in ipairs(bucket.entries) do
    entries[#entries + 1] = entry.id .. ' ' .. whole(entry.release) .. ' ' .. whole(entry.granted) .. ';'
  end
  for _, claim in ipairs(bucket.claims) do
    claims[#claims + 1] = claim.member .. ' ' .. whole(claim.since) .. ' ' .. whole(claim.till) .. ';'
  end
  local r = bucket.recovery
  if r then
    recovery = table.concat({whole(r.blocked), whole(r.base), whole(r.rises), whole(r.strikes)}, ' ')
  end
  if #entries == 0 and #claims == 0 and not r then
    if bucket.text then
      gone[#gone + 1] = bucket.field
    end
  else
    local text = table.concat({whole(bucket.n), recovery, table.concat(entries), table.concat(claims)}, '|')
    set(bucket.field, text, bucket.text)
  end
end

local slots = read_bucket(10, max_slots, false, window)
local probation = read_bucket(11, 1, false)
local trials = read_bucket(12, MAX_STRIKES, false)
local refused = read_bucket(13, MAX_REFUSED, false)
local gateway_probation = read_bucket(14, 1, false)
refused.after = REFUSED_MEMORY
slots.n, probation.n, trials.n, refused.n, gateway_probation.n = max_slots, 1, MAX_STRIKES, MAX_REFUSED, 1
local charges = {}
local grows = false -- by a key that is not there yet
for i = 12, #ARGV, 3 do
  local place = FIRST_CHARGE + #charges
  charges[#charges + 1] = read_bucket(place, tonumber(ARGV[i + 1]), ARGV[i + 2] == '1')
  grows = grows or not known[place]
end

local function read_breaker(place, otherwise)
  local text = known[place] or otherwise
  local is_proven, failures, locked_at, locked, tripped, why =
    string.match(text, '^([01]) (%d+) (%d+) (%d+) (%d+) (%S+)$')
  if not is_proven then
    damaged = fields[place]
    return {}
  end
  return {
    field = fields[place], text = text, proven = is_proven == '1', failures = tonumber(failures), locked_at = tonumber(locked_at),
    locked = tonumber(locked), tripped = tonumber(tripped), why = why,
  }
end

local function save_breaker(breaker)
  set(breaker.field, table.concat({
    breaker.proven and '1' or '0', whole(breaker.failures), whole(breaker.locked_at), whole(breaker.locked),
    whole(breaker.tripped), breaker.why,
  }, ' '), breaker.text)
end

local login = read_breaker(8, '0 0 0 0 0 -')
local address = read_breaker(9, '1 0 0 0 0 -')
if damaged then
  return refuse('DAMAGED ' .. damaged)
end

-- Fences --------------------------------------------------------------------------------------------------------------

local function store()
  set('last', whole(now))
  redis.call('HSET', hash, unpack(changes))
  if #gone > 0 then
    redis.call('HDEL', hash, unpack(gone))
  end
end

-- Files last long, and are few: until the longest that may be under way is over, they are taken to be as many as can be.
local function raise_fence()
  fence = math.max(fence, now + longest + GRACE + lateness + rest)
  far = math.max(far, now + longest_file + GRACE + lateness + rest)
  for place = #slots.entries, 1, -1 do
    if slots.entries[place].id == '?' then
      table.remove(slots.entries, place)
    end
  end
  for _ = 1, max_files do
    add(slots, '?', now + longest_file + GRACE + lateness, 0)
  end
  save(slots)
  set('fence', whole(fence))
  set('far', whole(far))
end

local fenced_now = false
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if known[2] ~= run_id then
  set('schema', schema)
  set('rid', run_id)
  raise_fence()
  fenced_now = true
end

local seen, elapsed = tonumber(ARGV[5]), tonumber(ARGV[6])
local ahead = seen > 0 and raw - seen - elapsed or 0 -- of what the client's own clock says
if ahead > TOLERANCE + DRIFT * elapsed then
  local at, by = string.match(known[6] or '0 0', '^(%d+) (%d+)$')
  local fenced_before = at and seen < tonumber(at) and ahead <= tonumber(by) + TOLERANCE + DRIFT * elapsed
  if not fenced_before then
    if ARGV[7] ~= '1' then -- the request may have been long under way; the client knows when it has the answer
      if fenced_now then
        store()
      end
      return {'LOOK', raw, lease}
    end
    set('step', whole(now) .. ' ' .. whole(ahead))
    raise_fence()
    fenced_now = true
  end
end

-- Waking whoever waits in other processes -----------------------------------------------------------------------------

local function before(one, other)
  return one.since < other.since
end

local function wake(bucket)
  local tokens = #bucket.claims > 0 and free(bucket) or 0
  if tokens > 0 then
    table.sort(bucket.claims, before)
    for place = 1, math.min(tokens, #bucket.claims) do
      redis.call('PUBLISH', hash .. ':' .. bucket.claims[place].member, bucket.field)
    end
  end
end

local function drop_claim(bucket, whose)
  for place = #bucket.claims, 1, -1 do
    if bucket.claims[place].member == whose then
      table.remove(bucket.claims, place)
      return true
    end
  end
end

-- TAKE ----------------------------------------------------------------------------------------------------------------

-- Two keys that were met at random are looked at for each that is new, so that the hash stays small.
local function sweep()
  local met = {}
  for _, field in ipairs(fields) do
    met[field] = true -- of this call
  end
  for _, field in ipairs(redis.call('HRANDFIELD', hash, 2)) do
    local text = not met[field] and string.sub(field, 1, 2) == 'b:' and redis.call('HGET', hash, field)
    if text then
      local idle = not string.find(text, '^%d+|[^|]')
      for moment in string.gmatch(text, '[^ ;|]+ (%d+) %d+;') do
        idle = idle and tonumber(moment) <= now
      end
      for moment in string.gmatch(text, '[^ ;|]+ %d+ (%d+);') do
        idle = idle and tonumber(moment) <= now
      end
      local blocked = string.match(text, '^%d+|(%d+) %d+ %d+ %d+||$')
      if idle or blocked and now >= tonumber(blocked) + rest then
        gone[#gone + 1] = field
      end
    end
  end
end

-- What a process must know to wait without asking: when the tokens of others come home, how many are with them for who
-- knows how long, and what the bucket recovers from.
local function wait(bucket, since)
  local answer = {'WAIT', raw, lease, bucket.field, 0, 0, 0, 0, 0}
  local elsewhere, soonest = math.max(bucket.given - bucket.n, 0), next_rise(bucket)
  for _, entry in ipairs(bucket.entries) do
    local flying = flies(bucket, entry)
    soonest = math.min(soonest, flying and (bucket.rests and now + rest or FOREVER) or entry.release)
    if string.match(entry.id, '^[^.]+') ~= member then
      if flying then
        elsewhere = elsewhere + 1
      else
        answer[#answer + 1] = entry.release - now
      end
    end
  end
  for _, claim in ipairs(bucket.claims) do
    if claim.member ~= member and claim.since < since then
      elsewhere = elsewhere + 1
    end
  end
  answer[5] = elsewhere
  local recovery = bucket.recovery
  if recovery then
    answer[6], answer[7] = math.max(recovery.blocked - now, 0), recovery.base
    answer[8] = recovery.rises == FOREVER and -1 or now - recovery.rises -- how long ago it began to rise
    answer[9] = recovery.strikes
  end
  drop_claim(bucket, member)
  local look = bucket.rests and soonest < FOREVER and soonest or now
  bucket.claims[#bucket.claims + 1] = {member = member, since = since, till = look + CLAIM}
  save(bucket)
  for _, charged in ipairs(charges) do
    if charged ~= bucket then
      save(charged) -- a limit that is stricter than was known holds from now on
    end
  end
  store()
  return answer
end

local function take()
  local files = lasts > longest
  local opens = files and far or fence
  if now < opens then
    store()
    return {'FENCED', raw, lease, opens - now}
  end
  local mine = find(slots, lease)
  if mine then
    return {flies(slots, mine) and 'GRANT' or 'GONE', raw, lease}
  end
  if now < login.locked or now < address.locked then
    local breaker = now < login.locked and login or address
    store()
    return {'LOCKED', raw, lease, breaker.locked - now, breaker.why}
  end
  local buckets = {}
  for _, bucket in ipairs(charges) do
    buckets[#buckets + 1] = bucket
  end
  if may_block then
    buckets[#buckets + 1] = refused
  end
  if not login.proven then
    buckets[#buckets + 1] = probation
    buckets[#buckets + 1] = trials
  end
  if not address.proven then
    buckets[#buckets + 1] = gateway_probation
  end
  buckets[#buckets + 1] = slots
  local since = now - tonumber(ARGV[8])
  for _, bucket in ipairs(buckets) do
    local tokens = free(bucket)
    for _, claim in ipairs(bucket.claims) do
      if claim.member ~= member and claim.since < since then
        tokens = tokens - 1
      end
    end
    if tokens < 1 then
      return wait(bucket, since)
    end
  end
  local ends = now + lasts + GRACE + lateness
  for _, bucket in ipairs(buckets) do
    add(bucket, lease, ends + bucket.after, now)
    drop_claim(bucket, member) -- who waits still, says so again
    save(bucket)
  end
  if grows then
    sweep()
  end
  store()
  return {'GRANT', raw, lease}
end

-- PROVE and FINISH ----------------------------------------------------------------------------------------------------

local function accept(breaker, granted)
  if now < breaker.locked or granted <= breaker.locked_at then
    return -- the answer to a call from before the lock proves nothing
  end
  breaker.failures, breaker.proven = 0, true
end

local function prove(granted)
  if login.proven and address.proven then
    return
  end
  accept(login, granted)
  accept(address, granted)
  local _, place = find(trials, lease)
  if place then -- it was no authorisation error, however long the call goes on
    table.remove(trials.entries, place)
  end
end

local function lock(breaker, till, why)
  breaker.locked_at, breaker.locked, breaker.why, breaker.proven = now, math.max(breaker.locked, till), why, false
end

local function trip(breaker, why)
  if now < breaker.tripped then
    return -- another call of the same burst has tripped it already
  end
  breaker.tripped = now + (breaker.failures > 0 and NEXT_PAUSE or FIRST_PAUSE)
  breaker.failures = breaker.failures + 1
  lock(breaker, breaker.tripped, why)
end

-- The gateway remembers an authorisation error: before one more could block the address, lock until one is forgotten.
local function strike()
  add(trials, '-', now + STRIKE_MEMORY, 0)
  local homes = {}
  for _, entry in ipairs(trials.entries) do
    if not flies(trials, entry) then
      homes[#homes + 1] = entry.release
    end
  end
  if #homes >= MAX_STRIKES then
    table.sort(homes)
    lock(address, homes[#homes - MAX_STRIKES + 1], 'strikes')
  end
end

local function penalise(bucket, granted)
  local recovery = bucket.recovery
  if not recovery then
    bucket.recovery = {blocked = now + rest, base = 1, rises = FOREVER, strikes = 1}
    return
  end
  if granted >= recovery.blocked then -- the probe itself was refused
    recovery.strikes = recovery.strikes + 1
  end
  local pause = math.min(2 ^ math.min(recovery.strikes - 1, 30) * rest, MAX_PENALTY * window)
  recovery.blocked, recovery.rises = math.max(recovery.blocked, now + pause), FOREVER
end

local function halve_slots(granted)
  if granted <= cut and slots.recovery then -- admitted before the halving: the same burst, and once is enough
    slots.recovery.rises = now
    return
  end
  cut = now
  set('cut', whole(cut))
  slots.recovery = {blocked = 0, base = math.max(math.floor(capacity(slots) / 2), 1), rises = now, strikes = 1}
end

-- Forget the refused messages before one that was granted then and was taken: they are no row any more.
local function forgive(granted)
  local since = granted + REFUSED_MEMORY
  for place = #refused.entries, 1, -1 do
    if refused.entries[place].release < since then
      table.remove(refused.entries, place)
    end
  end
end

-- Charge a bucket of the lease: take its token back, and say when it comes home, if it is not at once.
local function charge(bucket, home)
  local _, place = find(bucket, lease)
  if place then
    table.remove(bucket.entries, place)
  end
  if home > now then
    add(bucket, lease, home, 0)
  end
end

local function was_given_back()
  for _, bucket in ipairs(charges) do
    local entry = find(bucket, lease)
    if entry and entry.granted == 0 then
      return true
    end
  end
  return false
end

local function finish()
  local outcome = ARGV[8]
  local slot = find(slots, lease)
  if slot and slot.granted == 0 or not slot and was_given_back() then
    return {'AGAIN', raw, lease}, true
  end
  local good = outcome == 'ACCEPTED' or outcome == 'PRICED'
  local late = not slot or not flies(slots, slot)
  local granted = late and now or slot.granted
  if late then
    if outcome == 'UNSENT' then
      return {'LATE', raw, lease}, true
    end
    redis.call('HINCRBY', hash, 'late', 1)
    if good then
      outcome, good = 'ANSWERED', false -- what it tells of the credentials is old
    end
  end
  if good then
    prove(granted)
  end
  local lingers = outcome == 'CONCURRENCY' or slots.recovery
  local sent = outcome ~= 'UNSENT'
  local ended = outcome == 'UNKNOWN' and now + lateness or now
  local in_row = may_block and (late or find(refused, lease) ~= nil)
  if late then -- its old charge stays as well
    for _, bucket in ipairs(charges) do
      if bucket.rests then
        add(bucket, lease, ended + rest, 0)
      elseif ended > now then
        add(bucket, lease, ended, 0)
      end
    end
    local home = lingers and ended + LINGER or ended
    if home > now then
      add(slots, lease, home, 0)
    end
  else
    for _, bucket in ipairs(charges) do
      charge(bucket, sent and (bucket.rests and ended + rest or ended) or 0)
    end
    charge(slots, sent and (lingers and ended + LINGER or ended) or 0)
    for _, bucket in ipairs({probation, trials, gateway_probation}) do
      if find(bucket, lease) then
        charge(bucket, sent and ended or 0)
      end
    end
    if in_row then
      charge(refused, 0)
    end
  end
  if in_row then
    if outcome == 'REFUSED' or outcome == 'ANSWERED' then -- what cannot be read may be a refusal
      add(refused, lease, now + REFUSED_MEMORY, 0)
    elseif outcome == 'UNKNOWN' then
      add(refused, lease, ended + REFUSED_MEMORY, 0)
    elseif outcome == 'ACCEPTED' then
      forgive(granted)
    end
  end
  if good then
    for _, bucket in ipairs(charges) do
      local recovery = bucket.recovery
      if recovery and bucket.rests and granted >= recovery.blocked then
        recovery.rises = math.min(recovery.rises, now)
      end
    end
  elseif outcome == 'DUPLICATE' then
    redis.call('HINCRBY', hash, 'foreign', 1)
    for _, bucket in ipairs(charges) do
      if bucket.rests then
        penalise(bucket, granted)
      end
    end
  elseif outcome == 'CONCURRENCY' then
    redis.call('HINCRBY', hash, 'foreign', 1)
    halve_slots(granted)
  elseif outcome == 'LOGIN_REFUSED' then
    trip(login, 'login')
    strike()
  elseif outcome == 'ADDRESS_BLOCKED' then
    trip(address, 'address')
  end
  return {late and 'LATE' or 'DONE', raw, lease}
end

local function save_all()
  for _, bucket in ipairs({slots, probation, trials, refused, gateway_probation, unpack(charges)}) do
    wake(bucket)
    save(bucket)
  end
  save_breaker(login)
  save_breaker(address)
  store()
end

if step == 'TAKE' then
  return take()
elseif step == 'FINISH' then
  local answer, changed_nothing = finish()
  if not changed_nothing then
    save_all()
  end
  return answer
elseif step == 'PROVE' then
  local slot = find(slots, lease)
  if slot and flies(slots, slot) then
    prove(slot.granted)
  end
  save_all()
  return {'DONE', raw, lease}
elseif step == 'LEAVE' then -- nobody of this process waits for these any more
  for _, bucket in ipairs({slots, probation, trials, refused, gateway_probation, unpack(charges)}) do
    drop_claim(bucket, member)
  end
  save_all()
  return {'DONE', raw, lease}
end
return refuse('STEP ' .. step)
