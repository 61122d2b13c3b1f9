-- Make a generation of a document known, in `received` or straight in a terminal state. A document that is known in
-- this generation or a later one stays as it is; of an earlier one, nothing stays.
-- ARGV: id, state, generation, keep_seconds, keep_recent, then names and values of fields.
-- Returns {1 if it was made known, its state, its generation}.
local id, state, generation = ARGV[1], ARGV[2], ARGV[3]
local doc = key('doc', id)
local found = redis.call('HMGET', doc, 'state', 'generation')
if found[1] and tonumber(found[2]) >= tonumber(generation) then
  return {0, found[1], found[2]}
end
if found[1] then
  withdraw(id)
  redis.call('DEL', doc, key('pages', id), key('attempts', id), key('ranges', id), key('reasons', id))
end
local at = now()
redis.call('HSET', doc, 'state', state, 'generation', generation, 'pages', 0, 'done', 0, 'failed', 0, 'ranges', 0,
  'cursor', 0, 'out', 0, 'created', at, 'updated', at)
for i = 6, #ARGV, 2 do
  redis.call('HSET', doc, ARGV[i], ARGV[i + 1])
end
if TERMINAL[state] then
  redis.call('EXPIRE', doc, ARGV[4])
  redis.call('ZREM', key('active'), id)
else
  redis.call('ZADD', key('active'), at, id)
end
redis.call('ZADD', key('recent'), at, id)
redis.call('ZREMRANGEBYRANK', key('recent'), 0, -tonumber(ARGV[5]) - 1)
return {1, state, generation}
