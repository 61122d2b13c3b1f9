-- Take the lease on a released range. ARGV: id, generation, first, last, mode, owner, lease_seconds.
-- Returns 'go'; 'exhausted' when whoever began it, time after time, could not even open the document; 'held' while
-- somebody else has it; 'gone' when it is no longer released: the message is old.
local id, generation, first, last, mode = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local at = now()
local range = released_member(id, generation, first, last, mode)
if state_of(id, generation) ~= 'processing' then
  take_in(id, range)
  return 'gone'
end
if not redis.call('ZSCORE', key('released', lane_of(id)), range) then
  return 'gone'
end
local member = unit(id, generation, 'r' .. first .. '-' .. last .. '-' .. mode)
if leased(member, at) then
  return 'held'
end
lease(member, ARGV[6], at + tonumber(ARGV[7]))
if redis.call('HINCRBY', key('doc', id), openings(first, last, mode), 1) > MAX_ATTEMPTS then
  return 'exhausted'
end
return 'go'
