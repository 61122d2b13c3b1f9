-- Become or stay the leader of a rhythm. ARGV: rhythm, candidate, seconds. Returns 1 for the leader, else 0.
local lock = key('lock', ARGV[1])
local leader = redis.call('GET', lock)
if leader and leader ~= ARGV[2] then
  return 0
end
redis.call('SET', lock, ARGV[2], 'PX', math.floor(tonumber(ARGV[3]) * 1000))
return 1
