-- Forget a document that has ended; one that is at work stays. ARGV: id. Returns 1 if nothing is known of it now.
local id = ARGV[1]
local state = redis.call('HGET', key('doc', id), 'state')
if state and not TERMINAL[state] then
  return 0
end
redis.call('DEL', key('doc', id), key('pages', id), key('attempts', id), key('ranges', id), key('reasons', id))
redis.call('ZREM', key('recent'), id)
redis.call('ZREM', key('active'), id)
return 1
