-- Say what became of a letter in hand. ARGV: name, takes (as it was taken), 'delivered' | 'again' | 'dead', reason,
-- 1 when the target could not be reached, retry_seconds, retry_limit_seconds, a factor for delays, give_up_seconds,
-- keep_dead, keep_seconds. Returns {'lost' when somebody else has taken it since | what became of it, how many letters
-- about that end are still to be delivered}.
local name, outcome, reason = ARGV[1], ARGV[3], ARGV[4]
local letter = key('letter', name)
local found = redis.call('HMGET', letter, 'takes', 'tries', 'posted')
if found[1] ~= ARGV[2] or redis.call('ZSCORE', key('dead'), name) then
  return {'lost', -1}
end
local at = now()
local id, generation, digest = addressed(name)

local function delay(failures)
  return math.min(tonumber(ARGV[7]), tonumber(ARGV[6]) * 2 ^ math.min(failures, 32)) * tonumber(ARGV[8])
end

-- Letters that failed together count as one failure of their target.
local trouble = key('trouble', digest)
if ARGV[5] == '1' then
  local known = redis.call('HMGET', trouble, 'until', 'probe')
  if not known[1] or tonumber(known[1]) <= at or known[2] == name then
    local failures = redis.call('HINCRBY', trouble, 'failures', 1)
    redis.call('HSET', trouble, 'until', at + delay(failures - 1), 'probe', '')
    redis.call('EXPIRE', trouble, math.ceil(tonumber(ARGV[7]) * 2) + 60)
  end
else
  redis.call('DEL', trouble)
end

local due = at + delay(tonumber(found[2]) - 1)
if outcome == 'again' and due <= tonumber(found[3]) + tonumber(ARGV[9]) then
  redis.call('HSET', letter, 'reason', reason)
  redis.call('ZADD', key('outbox'), due, name)
  return {'again', -1}
end
local order = key('order', id .. ':' .. digest)
redis.call('ZREM', key('outbox'), name)
redis.call('ZREM', order, name)
local behind = redis.call('ZRANGE', order, 0, 0)[1]
if behind and redis.call('ZSCORE', key('outbox'), behind) == 'inf' then
  redis.call('ZADD', key('outbox'), at, behind)
end
if outcome == 'delivered' then
  redis.call('DEL', letter)
else
  outcome = 'dead'
  redis.call('HSET', letter, 'reason', reason)
  redis.call('ZADD', key('dead'), at, name)
  for _ = 1, redis.call('ZCARD', key('dead')) - tonumber(ARGV[10]) do
    redis.call('DEL', key('letter', redis.call('ZPOPMIN', key('dead'))[1]))
  end
end
local owed = key('owed', id .. ':' .. generation)
local left = redis.call('DECR', owed)
if left <= 0 then
  redis.call('EXPIRE', owed, ARGV[11])
end
return {outcome, left}
