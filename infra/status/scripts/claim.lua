-- Take the lease on splitting or finalizing a document and charge an attempt.
-- ARGV: id, generation, 'split' or 'finalize', owner, lease_seconds.
-- Returns {'go' | 'exhausted' | 'held' | 'gone', attempts}. With 'exhausted' the lease is taken too: its holder
-- ends the document.
local id, generation, step, owner = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local at = now()
local state = state_of(id, generation)
if not fits(state, step) then
  return {'gone', 0}
end
local member = unit(id, generation, step)
if leased(member, at) then
  return {'held', 0}
end
lease(member, owner, at + tonumber(ARGV[5]))
if state == 'received' then
  move(id, 'splitting', at)
else
  touch(id, at)
end
local attempts = redis.call('HINCRBY', key('doc', id), 'attempts:' .. step, 1)
if attempts > MAX_ATTEMPTS then
  return {'exhausted', attempts}
end
return {'go', attempts}
