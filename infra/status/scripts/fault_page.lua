-- Treat a page in hand as if its process had died, and note why. ARGV: id, generation, page, owner, reason.
-- The sweep finds the lease run out and decides how the page goes on. Returns 1, or 0 when the lease was lost.
local id, member = ARGV[1], unit(ARGV[1], ARGV[2], 'p' .. ARGV[3])
if not owned(member, ARGV[4]) then
  return 0
end
if state_of(id, ARGV[2]) ~= 'processing' then -- cancelled, and perhaps ended: nobody reads the page again
  unlease(member)
  return 0
end
redis.call('ZADD', key('leases'), 'XX', 0, member)
redis.call('HSET', key('reasons', id), ARGV[3], ARGV[5])
return 1
