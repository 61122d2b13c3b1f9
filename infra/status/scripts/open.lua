-- Make a document known, in `received` or straight in a terminal state; one that is known stays as it is.
-- ARGV: id, state, keep_seconds, keep_recent, then names and values of fields.
-- Returns {1 if it was made known, its state, its generation}.
local id, state = ARGV[1], ARGV[2]
local doc = key('doc', id)
local found = redis.call('HMGET', doc, 'state', 'generation')
if found[1] then
  return {0, found[1], found[2]}
end
local at = now()
redis.call('HSET', doc, 'state', state, 'generation', 1, 'pages', 0, 'done', 0, 'failed', 0, 'ranges', 0,
  'cursor', 0, 'out', 0, 'created', at, 'updated', at)
for i = 5, #ARGV, 2 do
  redis.call('HSET', doc, ARGV[i], ARGV[i + 1])
end
if TERMINAL[state] then
  redis.call('EXPIRE', doc, ARGV[3])
else
  redis.call('ZADD', key('active'), at, id)
end
redis.call('ZADD', key('recent'), at, id)
redis.call('ZREMRANGEBYRANK', key('recent'), 0, -tonumber(ARGV[4]) - 1)
return {1, state, redis.call('HGET', doc, 'generation')}
