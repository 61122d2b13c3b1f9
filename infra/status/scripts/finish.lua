-- End a document whose manifest is in storage. ARGV: id, generation, state, reason, keep_seconds.
-- Returns 'first', 'repeated' when it had ended before, or 'gone'.
local id, generation, to = ARGV[1], ARGV[2], ARGV[3]
local state = state_of(id, generation)
if not state then
  return 'gone'
end
if TERMINAL[state] then
  return 'repeated'
end
local at = now()
local lane = lane_of(id)
move(id, to, at)
redis.call('HSET', key('doc', id), 'reason', ARGV[4], 'finished', at)
redis.call('ZREM', key('active'), id)
redis.call('LREM', key('line', lane), 0, id)
unlease(unit(id, generation, 'split'))
unlease(unit(id, generation, 'finalize'))
redis.call('DEL', key('attempts', id), key('ranges', id))
for _, name in ipairs({'doc', 'pages', 'reasons'}) do
  redis.call('EXPIRE', key(name, id), ARGV[5])
end
return 'first'
