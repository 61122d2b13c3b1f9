-- Take letters that are due in hand. ARGV: limit, lease_seconds: whoever takes longer is held for dead.
-- Returns {name, target, event, tries, takes} each. Of a target that could not be reached, one letter is tried at a
-- time, and none until the target has been left alone for a while; however many are put off so, those behind
-- them are found.
local MOST_PUT_OFF = 5000 -- some 20 ms; the next call puts off more
redis.call('DEL', key('called'))
local limit, lease_seconds = tonumber(ARGV[1]), tonumber(ARGV[2])
local at = now()
local taken, rests, put_off = {}, {}, 0

-- Until when a target is left alone, false for one that is in order.
local function rest_of(digest)
  if rests[digest] == nil then
    rests[digest] = tonumber(redis.call('HGET', key('trouble', digest), 'until') or '') or false
  end
  return rests[digest]
end

local function look_at(name)
  local letter = key('letter', name)
  local _, _, digest = addressed(name)
  local rest = rest_of(digest)
  if rest and rest > at then
    redis.call('ZADD', key('outbox'), rest, name)
    put_off = put_off + 1
    return
  end
  local found = redis.call('HMGET', letter, 'target', 'event')
  if not found[1] then -- part of the state was lost
    redis.call('ZREM', key('outbox'), name)
    return
  end
  if rest then
    rests[digest] = at + lease_seconds
    redis.call('HSET', key('trouble', digest), 'until', rests[digest], 'probe', name)
  end
  redis.call('ZADD', key('outbox'), at + lease_seconds, name)
  local tries, takes = redis.call('HINCRBY', letter, 'tries', 1), redis.call('HINCRBY', letter, 'takes', 1)
  taken[#taken + 1] = {name, found[1], found[2], tries, takes}
end

-- Whoever is looked at is due no more, so each turn finds others.
while #taken < limit and put_off < MOST_PUT_OFF do
  local names = redis.call('ZRANGEBYSCORE', key('outbox'), '-inf', at, 'LIMIT', 0, limit * 10)
  if #names == 0 then
    break
  end
  for _, name in ipairs(names) do
    if #taken < limit then
      look_at(name)
    end
  end
end
return taken
