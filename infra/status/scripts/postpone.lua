-- Note when something released is to be sent again. ARGV: member, its lane or, for a document's, '', seconds.
local member, lane = ARGV[1], ARGV[2]
local id, name = string.match(member, '^([^:{]+):%d+:(.+)$')
if id then
  lane = (name == 'split' or name == 'finalize') and step_lane(id, name) or lane_of(id)
end
redis.call('ZADD', key('released', lane), 'XX', now() + tonumber(ARGV[3]), member)
return 1
