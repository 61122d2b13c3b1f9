-- In front of every script. The loader puts KEY (names of keys), ALLOWED (transitions), TERMINAL, NEXT_MODE
-- and MAX_ATTEMPTS above it, so that each is written down once, in Python.

local PENDING, RUNNING, ASIDE, DONE, FAILED = 'p', 'r', 'a', 'd', 'f'

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

local function unit(id, generation, name)
  return id .. ':' .. generation .. ':' .. name
end

local function leased(member, at)
  local expiry = redis.call('ZSCORE', key('leases'), member)
  return expiry and tonumber(expiry) > at
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
  redis.call('SADD', key('lanes'), lane)
  if redis.call('ZADD', key('released', lane), at, member) == 1 then
    redis.call('HINCRBY', key('doc', id), 'out', 1)
  end
end

local function take_in(id, member)
  if redis.call('ZREM', key('released', lane_of(id)), member) == 1 then
    redis.call('HINCRBY', key('doc', id), 'out', -1)
  end
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
