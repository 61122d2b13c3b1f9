-- Count a try that failed because its host had no room. ARGV: id, generation, the step or the first page of the range.
-- Returns how many there were; 0 for a document that is unknown or of another generation.
local id = ARGV[1]
if not state_of(id, ARGV[2]) then
  return 0
end
return redis.call('HINCRBY', key('doc', id), 'host_failed:' .. ARGV[3], 1)
