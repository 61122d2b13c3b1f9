-- Set how many attempts a page in hand is charged: one less while it only waits. ARGV: id, generation, page, owner,
-- attempts. Returns 1, or 0 when the lease was lost: somebody else reads the page now.
local id, page = ARGV[1], tonumber(ARGV[3])
if state_of(id, ARGV[2]) ~= 'processing' or not owned(unit(id, ARGV[2], 'p' .. page), ARGV[4]) then
  return 0
end
redis.call('SETRANGE', key('attempts', id), page - 1, ARGV[5])
return 1
