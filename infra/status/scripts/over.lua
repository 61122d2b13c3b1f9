-- Take what is over, or is not to be done, out of its lane's window. ARGV: member, its lane or, for a document's, ''.
local member, lane = ARGV[1], ARGV[2]
local id, step = string.match(member, '^([^:{]+):%d+:(%a+)$')
redis.call('ZREM', key('released', id and step_lane(id, step) or lane), member)
return 1
