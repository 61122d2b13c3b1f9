-- Give the lease on a range back. ARGV: id, generation, first, last, mode, owner, 1 or 0 when a fault of the document or
-- of ours kept it from being opened.
-- Returns the member to be sent again for what is left to read, '' when nothing is, 'lost' when the lease was lost.
-- Pages that somebody else holds, or that wait to be read alone, have a lease or a member of their own. So has the page of
-- a range of one that is no longer released: the sweep has decided already how it goes on.
local id, generation, first, last, mode = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local member = unit(id, generation, 'r' .. first .. '-' .. last .. '-' .. mode)
if not owned(member, ARGV[6]) then
  return 'lost'
end
unlease(member)
local range = released_member(id, generation, first, last, mode)
local decided = not take_in(id, range) and mode ~= 'normal'
if state_of(id, generation) ~= 'processing' then
  return ''
end
local doc = key('doc', id)
local begun = redis.call('HGET', doc, openings(first, last, mode))
redis.call('HDEL', doc, openings(first, last, mode))
if decided then
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
if ARGV[7] == '0' and begun then
  redis.call('HSET', doc, openings(from, to, mode), begun)
end
return range
