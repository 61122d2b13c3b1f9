-- Give a lease on splitting or finalizing back, with the attempt when the fault lay outside.
-- ARGV: id, generation, step, owner, 1 to refund the attempt or 0. Returns 1, or 0 when the lease was lost.
local id, step = ARGV[1], ARGV[3]
local member = unit(id, ARGV[2], step)
if not owned(member, ARGV[4]) then
  return 0
end
unlease(member)
if ARGV[5] == '1' and state_of(id, ARGV[2]) then
  redis.call('HINCRBY', key('doc', id), 'attempts:' .. step, -1)
end
return 1
