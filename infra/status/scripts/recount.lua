-- Take documents that have ended, or that are forgotten, out of what tenants have in flight. ARGV: tenants.
-- Returns how many. Of many, some are looked at each time.
local LOOKED_AT = 500
local count = 0
for _, tenant in ipairs(ARGV) do
  local inflight = key('inflight', tenant)
  for _, id in ipairs(redis.call('HRANDFIELD', inflight, LOOKED_AT)) do
    local state = redis.call('HGET', key('doc', id), 'state')
    if not state or TERMINAL[state] then
      count = count + redis.call('HDEL', inflight, id)
    end
  end
end
return count
