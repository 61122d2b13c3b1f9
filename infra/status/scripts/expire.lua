-- Take back what is in the hands of processes that stopped renewing. ARGV: limit, seconds that a page is put aside (0 not to),
-- seconds without a call after which this server may have been away, seconds that the living then have to renew.
-- Returns what is to be sent: released members, or `id:generation:split` and `id:generation:finalize`.
-- A page that ended its process where another starts in its place, or that has ended two, is sent later: each start is
-- time in which nobody is served, so others have their turn before the page is tried again.
local MOST_PAUSES = 5
local at = now()
local sends = {}

local function expire_page(id, generation, page, expiry)
  if page_state(id, page) ~= RUNNING then
    return
  end
  local mode = NEXT_MODE[attempts_of(id, page)]
  if not mode then -- rendered ahead, but not begun
    set_page(id, page, PENDING)
    if covered(id, generation, page) then
      return
    end
    mode = 'normal'
  else
    set_page(id, page, ASIDE)
    for _, earlier in pairs(NEXT_MODE) do
      take_in(id, released_member(id, generation, page, page, earlier))
    end
  end
  local member = released_member(id, generation, page, page, mode)
  if tonumber(ARGV[2]) > 0 and (mode == 'quarantine' or (mode == 'alone' and expiry == FORFEITED)) then
    local due = at + tonumber(ARGV[2])
    put_out(id, member, due)
    redis.call('HINCRBY', key('counters'), 'pages_returned_total', 1) -- whoever is told of the others counts those
    redis.call('ZADD', key('delayed'), due, string.format('{"tries": 0, "work": "%s"}', member)) -- as `Fleet.delay` does
    return
  end
  put_out(id, member, at)
  sends[#sends + 1] = member
end

local function expire_range(id, generation, first, last, mode)
  local member = released_member(id, generation, first, last, mode)
  if redis.call('ZSCORE', key('released', lane_of(id)), member) then
    put_out(id, member, at)
    sends[#sends + 1] = member
  end
end

-- Time in which nobody could renew says of nobody that he is dead. What is known to be over has an expiry of 0 or less.
-- Where nearly nobody sweeps every call comes after a pause: after some in a row leases do run out.
local function last_expiry()
  local known = redis.call('HMGET', key('swept'), 'at', 'calm', 'pauses')
  local calm, pauses = tonumber(known[2]) or 0, tonumber(known[3]) or 0
  if known[1] and at - tonumber(known[1]) > tonumber(ARGV[3]) then
    pauses = pauses + 1
    calm = pauses <= MOST_PAUSES and at + tonumber(ARGV[4]) or 0
  elseif at >= calm then
    pauses = 0
  end
  calm = math.min(calm, at + tonumber(ARGV[4])) -- the clock may have been set back
  redis.call('HSET', key('swept'), 'at', at, 'calm', calm, 'pauses', pauses)
  return at < calm and 0 or at
end

local over = redis.call('ZRANGEBYSCORE', key('leases'), '-inf', last_expiry(), 'WITHSCORES', 'LIMIT', 0, ARGV[1])
for i = 1, #over, 2 do
  local member, expiry = over[i], tonumber(over[i + 1])
  unlease(member)
  local id, generation, name = string.match(member, '^([^:]+):(%d+):(.+)$')
  local state = state_of(id, generation)
  if state and not TERMINAL[state] then
    local page = string.match(name, '^p(%d+)$')
    local first, last, mode = string.match(name, '^r(%d+)-(%d+)-([%a_]+)$')
    if page and state == 'processing' then
      expire_page(id, generation, tonumber(page), expiry)
    elseif first and state == 'processing' then
      expire_range(id, generation, first, last, mode)
    elseif name == 'split' or name == 'finalize' then
      put_out_step(id, generation, name, at)
      sends[#sends + 1] = member
    end
  end
end
return sends
