-- Put a page in hand back unread, through no fault of its own. ARGV: id, generation, page, mode, owner, refund (1 | 0).
-- Returns 1, or 0 when the lease was lost.
local id, generation, page = ARGV[1], ARGV[2], tonumber(ARGV[3])
local member = unit(id, generation, 'p' .. page)
if not owned(member, ARGV[5]) then
  return 0
end
unlease(member)
if state_of(id, generation) ~= 'processing' then
  return 0
end
set_page(id, page, ARGV[4] == 'normal' and PENDING or ASIDE)
charge(id, page, -tonumber(ARGV[6]))
return 1
