-- Take letters that are due in hand. ARGV: limit, lease_seconds: whoever takes longer is held for dead.
-- Returns {name, target, event, tries, takes} each. Of a target that could not be reached, one letter is tried at a
-- time, and none until the target has been left alone for a while.
redis.call('DEL', key('called'))
local limit, lease_seconds = tonumber(ARGV[1]), tonumber(ARGV[2])
local at = now()
local taken = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', key('outbox'), '-inf', at, 'LIMIT', 0, limit * 10)) do
  local letter = key('letter', name)
  local found = redis.call('HMGET', letter, 'target', 'event')
  local _, _, digest = addressed(name)
  local trouble = key('trouble', digest)
  local rest = tonumber(redis.call('HGET', trouble, 'until') or '')
  if #taken == limit then
    break
  elseif not found[1] then -- part of the state was lost
    redis.call('ZREM', key('outbox'), name)
  elseif rest and rest > at then
    redis.call('ZADD', key('outbox'), rest, name)
  else
    if rest then
      redis.call('HSET', trouble, 'until', at + lease_seconds, 'probe', name)
    end
    redis.call('ZADD', key('outbox'), at + lease_seconds, name)
    local tries, takes = redis.call('HINCRBY', letter, 'tries', 1), redis.call('HINCRBY', letter, 'takes', 1)
    taken[#taken + 1] = {name, found[1], found[2], tries, takes}
  end
end
return taken
