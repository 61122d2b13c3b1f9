-- In front of every script. The loader puts KEY (names of keys), ALLOWED (transitions), TERMINAL, NEXT_MODE,
-- MAX_ATTEMPTS and REMEMBERED_SECONDS above it, so that each is written down once, in Python.

local FORFEITED = -1 -- a lease's expiry, when the process that follows its holder says that it died
local PENDING, RUNNING, ASIDE, DONE, FAILED, CANCELLED, SKIPPED = 'p', 'r', 'a', 'd', 'f', 'c', 's'

local function key(name, ...)
  return string.format(KEY[name], ...)
end

-- The server's clock is the only one: hosts may disagree.
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1000000
end

local function touch(id, at)
  redis.call('HSET', key('doc', id), 'updated', at)
  redis.call('ZADD', key('active'), 'XX', at, id)
end

local function move(id, to, at)
  local from = redis.call('HGET', key('doc', id), 'state')
  if not (ALLOWED[from] and ALLOWED[from][to]) then
    error({err = 'TRANSITION ' .. tostring(from) .. ' to ' .. to .. ' is not allowed, document ' .. id})
  end
  redis.call('HSET', key('doc', id), 'state', to)
  touch(id, at)
end

-- The state of a document, or nil when it is unknown or of another generation: then the message is old.
local function state_of(id, generation)
  local found = redis.call('HMGET', key('doc', id), 'state', 'generation')
  if found[1] and found[2] == generation then
    return found[1]
  end
  return nil
end

local function lane_of(id)
  local found = redis.call('HMGET', key('doc', id), 'tenant', 'priority', 'device')
  local lane = (found[1] or '') .. ':' .. (found[2] or '')
  if found[3] and found[3] ~= '' then
    lane = lane .. ':' .. found[3]
  end
  return lane
end

-- The lane in which a document waits for one of the steps that control workers do.
local function step_lane(id, step)
  local found = redis.call('HMGET', key('doc', id), 'tenant', 'priority')
  return (found[1] or '') .. ':' .. (found[2] or '') .. ':' .. step
end

local function in_use(lane)
  redis.call('ZADD', key('turns'), 'NX', 0, lane)
end

-- Add one to a counter that operators see, a field as `infra.telemetry.meter` names it.
local function count(name, label)
  redis.call('HINCRBY', key('counters'), name .. '|' .. label, 1)
end

local function unit(id, generation, name)
  return id .. ':' .. generation .. ':' .. name
end

-- One that ran out counts while the sweep takes none: this server may have been away, and its holder may live.
local function leased(member, at)
  local expiry = tonumber(redis.call('ZSCORE', key('leases'), member) or 0)
  return expiry > at or (expiry > 0 and at < (tonumber(redis.call('HGET', key('swept'), 'calm')) or 0))
end

local function lease(member, owner, expiry)
  redis.call('ZADD', key('leases'), expiry, member)
  redis.call('HSET', key('owners'), member, owner)
end

local function unlease(member)
  redis.call('ZREM', key('leases'), member)
  redis.call('HDEL', key('owners'), member)
end

local function owned(member, owner)
  return redis.call('HGET', key('owners'), member) == owner
end

local function page_state(id, page)
  return redis.call('GETRANGE', key('pages', id), page - 1, page - 1)
end

local function set_page(id, page, state)
  redis.call('SETRANGE', key('pages', id), page - 1, state)
end

local function attempts_of(id, page)
  return tonumber(redis.call('GETRANGE', key('attempts', id), page - 1, page - 1)) or 0
end

local function charge(id, page, delta)
  local attempts = math.max(0, math.min(MAX_ATTEMPTS, attempts_of(id, page) + delta))
  redis.call('SETRANGE', key('attempts', id), page - 1, tostring(attempts))
  return attempts
end

local function released_member(id, generation, first, last, mode)
  return table.concat({id, generation, first, last, mode}, ':')
end

-- Released ranges make up the window; `out` counts a document's own, so that one without any is noticed.
local function put_out(id, member, at)
  local lane = lane_of(id)
  in_use(lane)
  if redis.call('ZADD', key('released', lane), at, member) == 1 then
    redis.call('HINCRBY', key('doc', id), 'out', 1)
  end
end

-- Says whether it was out.
local function take_in(id, member)
  redis.call('HDEL', key('placed'), member)
  local was = redis.call('ZREM', key('released', lane_of(id)), member) == 1
  if was then
    redis.call('HINCRBY', key('doc', id), 'out', -1)
  end
  return was
end

-- Whether a document is where a step can be done.
local function fits(state, step)
  if step == 'split' then
    return state == 'received' or state == 'splitting'
  end
  return step == 'finalize' and state == 'finalizing'
end

-- A step that is released counts in its lane's window until it is over.
local function put_out_step(id, generation, step, at)
  local lane = step_lane(id, step)
  in_use(lane)
  redis.call('ZADD', key('released', lane), at, unit(id, generation, step))
end

-- Take a document out of its lanes: out of the lines, and in whatever is released of it. It is in flight no longer.
local function withdraw(id)
  local found = redis.call('HMGET', key('doc', id), 'tenant', 'generation', 'cursor', 'ranges')
  redis.call('HDEL', key('inflight', found[1] or ''), id)
  for _, step in ipairs({'split', 'finalize'}) do
    local its, member = step_lane(id, step), unit(id, found[2] or '', step)
    redis.call('ZREM', key('waiting', its), member)
    redis.call('ZREM', key('released', its), member)
  end
  local lane, start = lane_of(id), id .. ':'
  if (tonumber(found[3]) or 0) < (tonumber(found[4]) or 0) then -- else it is in no line: a long one is not to be searched
    redis.call('LREM', key('line', lane), 0, id)
  end
  for _, member in ipairs(redis.call('ZRANGE', key('released', lane), 0, -1)) do
    if string.sub(member, 1, #start) == start then
      redis.call('ZREM', key('released', lane), member)
      redis.call('HDEL', key('placed'), member)
    end
  end
  redis.call('HSET', key('doc', id), 'out', 0)
end

-- How often a range was begun since the document could last be opened for it, a field of the document.
local function openings(first, last, mode)
  return 'openings:' .. first .. '-' .. last .. '-' .. mode
end

-- Whether a released range of the normal mode holds this page.
local function covered(id, generation, page)
  local start = id .. ':' .. generation .. ':'
  for _, member in ipairs(redis.call('ZRANGE', key('released', lane_of(id)), 0, -1)) do
    if string.sub(member, 1, #start) == start then
      local first, last, mode = string.match(member, ':(%d+):(%d+):([%a_]+)$')
      if mode == 'normal' and tonumber(first) <= page and page <= tonumber(last) then
        return true
      end
    end
  end
  return false
end

-- Put letters about the end of a document's generation into the outbox: once, as long as that is remembered. They are
-- ARGV from `first` on: a short name for the target, the target, the event. Of the letters to one target about one
-- document only the first is due; the others wait for it. Returns how many are still to be delivered.
local function post(id, generation, first)
  local owed = key('owed', id .. ':' .. generation)
  local known = redis.call('GET', owed)
  if known then
    return tonumber(known)
  end
  if #ARGV < first then
    return 0
  end
  local at = now()
  for i = first, #ARGV, 3 do
    local name = unit(id, generation, ARGV[i])
    local order = key('order', id .. ':' .. ARGV[i])
    redis.call('HSET', key('letter', name), 'target', ARGV[i + 1], 'event', ARGV[i + 2], 'posted', at, 'tries', 0,
      'takes', 0)
    redis.call('ZADD', key('outbox'), redis.call('EXISTS', order) == 1 and '+inf' or at, name)
    redis.call('ZADD', order, generation, name)
    redis.call('INCR', owed)
  end
  return tonumber(redis.call('GET', owed))
end

-- The document, the generation and the target's short name in a letter's name.
local function addressed(name)
  return string.match(name, '^([^:]+):(%d+):([^:]+)$')
end
