-- Find what was released long ago in a lane and is in nobody's hands. ARGV: lane, seconds, limit.
-- Returns what is to be sent again; what is of documents that are gone is taken out.
local out = key('released', ARGV[1])
local at = now()
local sends = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', out, '-inf', at - tonumber(ARGV[2]), 'LIMIT', 0, ARGV[3])) do
  local id, generation, first, last, mode = string.match(member, '^([^:{]+):(%d+):(%d+):(%d+):([%a_]+)$')
  local of, its, step = string.match(member, '^([^:{]+):(%d+):(%a+)$')
  if of then
    if not fits(state_of(of, its), step) then
      redis.call('ZREM', out, member)
    else
      redis.call('ZADD', out, at, member)
      if not leased(member, at) then
        sends[#sends + 1] = member
      end
    end
  elseif not id then -- an announcement
    redis.call('ZADD', out, at, member)
    sends[#sends + 1] = member
  elseif state_of(id, generation) ~= 'processing' then
    redis.call('ZREM', out, member)
  else
    redis.call('ZADD', out, at, member)
    if not leased(unit(id, generation, 'r' .. first .. '-' .. last .. '-' .. mode), at) then
      sends[#sends + 1] = member
    end
  end
end
return sends
