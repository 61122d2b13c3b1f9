-- Put dead letters back into the outbox, due at once. ARGV: a document's id, or '' for all. Returns how many.
local at = now()
local count = 0
for _, name in ipairs(redis.call('ZRANGE', key('dead'), 0, -1)) do
  local id, generation, digest = addressed(name)
  if ARGV[1] == '' or ARGV[1] == id then
    local order, owed = key('order', id .. ':' .. digest), key('owed', id .. ':' .. generation)
    redis.call('ZREM', key('dead'), name)
    redis.call('HSET', key('letter', name), 'posted', at, 'tries', 0)
    redis.call('ZADD', key('outbox'), redis.call('EXISTS', order) == 1 and '+inf' or at, name)
    redis.call('ZADD', order, generation, name)
    redis.call('DEL', key('trouble', digest))
    if redis.call('INCR', owed) == 1 then
      redis.call('PERSIST', owed)
    end
    count = count + 1
  end
end
return count
