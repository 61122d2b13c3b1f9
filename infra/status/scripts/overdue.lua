-- Find ranges of a lane that were released long ago and that nobody holds. ARGV: lane, seconds, limit.
-- Returns the members to be sent again; those of documents that are gone are taken out.
local out = key('released', ARGV[1])
local at = now()
local sends = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', out, '-inf', at - tonumber(ARGV[2]), 'LIMIT', 0, ARGV[3])) do
  local id, generation, first, last, mode = string.match(member, '^([^:]+):(%d+):(%d+):(%d+):([%a_]+)$')
  if state_of(id, generation) ~= 'processing' then
    redis.call('ZREM', out, member)
  else
    redis.call('ZADD', out, at, member)
    if not leased(unit(id, generation, 'r' .. first .. '-' .. last .. '-' .. mode), at) then
      sends[#sends + 1] = member
    end
  end
end
return sends
