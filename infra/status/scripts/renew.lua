-- Renew the leases of one owner. ARGV: owner, lease_seconds, members. Returns those that were lost.
local expiry = now() + tonumber(ARGV[2])
local lost = {}
for i = 3, #ARGV do
  if owned(ARGV[i], ARGV[1]) then
    redis.call('ZADD', key('leases'), 'XX', expiry, ARGV[i])
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
