-- Put work out until the windows are full. Lanes whose work the same workers do make up a pool and share its window:
-- the next to be served is the lane of which least is out, of the priority of which least is out; of equals, the one whose last
-- turn is longest ago. A lane of which nothing is out gets one at once, however full the window is, so that nobody
-- waits for what others have in line; and each priority may fill its part of the window.
-- ARGV: window of pools that are not named, quotas as JSON, a kind of device whose lanes are in the pool '' ('' for
-- none), then names of pools and windows. Returns the released members, to be sent.
local STEPS = {ingest = true, split = true, finalize = true}
local quotas = cjson.decode(ARGV[2])
local windows = {}
for i = 4, #ARGV, 2 do
  windows[ARGV[i]] = tonumber(ARGV[i + 1])
end
local at = now()
local turn = at
local sends = {}
local pools = {}

-- Whether a tenant has as much in flight as it may have; then its documents wait as they were received.
local function held(tenant)
  local quota = quotas[tenant] or quotas['*']
  local why
  if quota then
    local count, pages = redis.call('HLEN', key('inflight', tenant)), 0
    if quota.pages > 0 then
      for _, each in ipairs(redis.call('HVALS', key('inflight', tenant))) do
        pages = pages + tonumber(each)
      end
    end
    if quota.documents > 0 and count >= quota.documents then
      why = 'documents:' .. quota.documents
    elseif quota.pages > 0 and pages >= quota.pages then
      why = 'pages:' .. quota.pages
    end
  end
  if why then
    redis.call('HSET', key('held'), tenant, why)
  else
    redis.call('HDEL', key('held'), tenant)
  end
  return why
end

local function next_step(one)
  if one.pool == 'split' and held(one.tenant) then
    return nil
  end
  while true do
    local member = redis.call('ZPOPMIN', key('waiting', one.lane))[1]
    if not member then
      return nil
    end
    if one.pool == 'ingest' then
      redis.call('ZADD', key('released', one.lane), at, member)
      return member
    end
    local id, generation = string.match(member, '^([^:]+):(%d+):')
    if fits(state_of(id, generation), one.pool) then
      put_out_step(id, generation, one.pool, at)
      if one.pool == 'split' then
        redis.call('HSETNX', key('inflight', one.tenant), id, 0)
      end
      return member
    end
  end
end

local function next_range(one)
  local line = key('line', one.lane)
  while true do
    local id = redis.call('LINDEX', line, 0)
    if not id then
      return nil
    end
    local doc = key('doc', id)
    local found = redis.call('HMGET', doc, 'state', 'generation', 'cursor', 'ranges', 'pages')
    local cursor, ranges = tonumber(found[3]) or 0, tonumber(found[4]) or 0
    local member
    if found[1] == 'processing' and cursor < ranges then
      local packed = redis.call('GETRANGE', key('ranges', id), cursor * 4, cursor * 4 + 7)
      local first, last = struct.unpack('>I4', packed), tonumber(found[5])
      if #packed == 8 then
        last = struct.unpack('>I4', packed, 5) - 1
      end
      cursor = cursor + 1
      redis.call('HSET', doc, 'cursor', cursor)
      if string.find(redis.call('GETRANGE', key('pages', id), first - 1, last - 1), PENDING, 1, true) then
        member = released_member(id, found[2], first, last, 'normal')
        put_out(id, member, at)
      end
    end
    if found[1] ~= 'processing' or cursor >= ranges then
      redis.call('LPOP', line)
    end
    if member then
      return member
    end
  end
end

-- What is delayed counts against its own lane alone: it keeps no worker busy.
local function look(lane)
  local tenant, priority, pool = string.match(lane, '^([^:]*):([^:]*):?(.*)$')
  local out = key('released', lane)
  local waiting = STEPS[pool] and redis.call('ZCARD', key('waiting', lane)) or redis.call('LLEN', key('line', lane))
  return {
    lane = lane,
    tenant = tenant,
    priority = priority,
    pool = pool,
    out = redis.call('ZCARD', out),
    sent = redis.call('ZCOUNT', out, '-inf', at),
    waits = waiting > 0,
  }
end

local function add(one)
  local name = one.pool == ARGV[3] and '' or one.pool
  local pool = pools[name] or {window = windows[name] or tonumber(ARGV[1]), sent = 0, lanes = {}, sent_of = {}, parts = 0}
  pools[name] = pool
  if not pool.sent_of[one.priority] then
    pool.sent_of[one.priority] = 0
    pool.parts = pool.parts + 1
  end
  pool.sent = pool.sent + one.sent
  pool.sent_of[one.priority] = pool.sent_of[one.priority] + one.sent
  table.insert(pool.lanes, one)
end

local function serve(pool, one)
  local member
  if STEPS[one.pool] then
    member = next_step(one)
  else
    member = next_range(one)
  end
  if not member then
    one.waits = false
    return
  end
  sends[#sends + 1] = member
  one.out, one.sent, pool.sent = one.out + 1, one.sent + 1, pool.sent + 1
  pool.sent_of[one.priority] = pool.sent_of[one.priority] + 1
  turn = turn + 0.000001
  redis.call('ZADD', key('turns'), turn, one.lane)
end

local function next_of(pool)
  local best, least
  for _, one in ipairs(pool.lanes) do
    local sent = pool.sent_of[one.priority]
    local room = pool.sent < pool.window or sent * pool.parts < pool.window
    if one.waits and room and one.out < pool.window then
      if not best or sent < least or (sent == least and one.sent < best.sent) then
        best, least = one, sent
      end
    end
  end
  return best
end

for _, lane in ipairs(redis.call('ZRANGE', key('turns'), 0, -1)) do
  local one = look(lane)
  if one.waits or one.out > 0 then
    add(one)
  else
    redis.call('ZREM', key('turns'), lane)
  end
end
for _, pool in pairs(pools) do
  for _, one in ipairs(pool.lanes) do
    if one.waits and one.out == 0 then
      serve(pool, one)
    end
  end
  local one = next_of(pool)
  while one do
    serve(pool, one)
    one = next_of(pool)
  end
end
return sends
