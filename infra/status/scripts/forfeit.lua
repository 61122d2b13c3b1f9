-- Let the leases run out that belong to earlier processes of a worker. ARGV: start of the worker's owners, start of
-- the living process's owners. Returns how many.
local count = 0
local owners = redis.call('HGETALL', key('owners'))
for i = 1, #owners, 2 do
  local owner = owners[i + 1]
  if string.sub(owner, 1, #ARGV[1]) == ARGV[1] and string.sub(owner, 1, #ARGV[2]) ~= ARGV[2] then
    redis.call('ZADD', key('leases'), 'XX', FORFEITED, owners[i])
    count = count + 1
  end
end
return count
