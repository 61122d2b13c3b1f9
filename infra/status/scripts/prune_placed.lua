-- Forget where ranges were sent that are no longer released. Returns how many.
local count = 0
for _, member in ipairs(redis.call('HKEYS', key('placed'))) do
  local id = string.match(member, '^([^:]+):')
  if not redis.call('ZSCORE', key('released', lane_of(id)), member) then
    count = count + redis.call('HDEL', key('placed'), member)
  end
end
return count
