-- Have a document wait for a step, in its tenant's line. ARGV: id, generation, step.
-- Returns the member if it is to be sent at once: it was released before, and nobody has begun it.
local id, generation, step = ARGV[1], ARGV[2], ARGV[3]
local at = now()
local lane, member = step_lane(id, step), unit(id, generation, step)
local released = redis.call('ZSCORE', key('released', lane), member)
if not released then
  redis.call('ZADD', key('waiting', lane), 'NX', at, member)
  in_use(lane)
  return {}
end
if tonumber(released) > at or leased(member, at) then
  return {}
end
redis.call('ZADD', key('released', lane), at, member)
return {member}
