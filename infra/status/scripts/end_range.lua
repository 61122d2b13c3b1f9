-- Give the lease on a range back. ARGV: id, generation, first, last, mode, owner.
-- Returns the member to be sent again for what is left to read, '' when nothing is, 'lost' when the lease was lost.
-- Pages that somebody else holds, or that wait to be read alone, have a lease or a member of their own.
local id, generation, first, last, mode = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local member = unit(id, generation, 'r' .. first .. '-' .. last .. '-' .. mode)
if not owned(member, ARGV[6]) then
  return 'lost'
end
unlease(member)
local range = released_member(id, generation, first, last, mode)
take_in(id, range)
if state_of(id, generation) ~= 'processing' then
  return ''
end
local from, to
local states = redis.call('GETRANGE', key('pages', id), first - 1, last - 1)
for i = 1, #states do
  local state = string.sub(states, i, i)
  if state == PENDING or (state == ASIDE and mode ~= 'normal') then
    from = from or first + i - 1
    to = first + i - 1
  end
end
if not from then
  return ''
end
range = released_member(id, generation, from, to, mode)
put_out(id, range, now())
return range
