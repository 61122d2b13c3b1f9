-- Put ranges of the documents first in a lane's line out, until its window is full.
-- ARGV: lane, window. Returns the released members, to be sent.
local lane, window = ARGV[1], tonumber(ARGV[2])
local line, out = key('line', lane), key('released', lane)
local at = now()
local room = window - redis.call('ZCARD', out)
local sends = {}
while room > 0 do
  local id = redis.call('LINDEX', line, 0)
  if not id then
    break
  end
  local doc = key('doc', id)
  local found = redis.call('HMGET', doc, 'state', 'generation', 'cursor', 'ranges', 'pages')
  local cursor, ranges = tonumber(found[3]) or 0, tonumber(found[4]) or 0
  if found[1] == 'processing' and cursor < ranges then
    local packed = redis.call('GETRANGE', key('ranges', id), cursor * 4, cursor * 4 + 7)
    local first, last = struct.unpack('>I4', packed), tonumber(found[5])
    if #packed == 8 then
      last = struct.unpack('>I4', packed, 5) - 1
    end
    cursor = cursor + 1
    redis.call('HSET', doc, 'cursor', cursor)
    if string.find(redis.call('GETRANGE', key('pages', id), first - 1, last - 1), PENDING, 1, true) then
      local member = released_member(id, found[2], first, last, 'normal')
      put_out(id, member, at)
      sends[#sends + 1] = member
      room = room - 1
    end
  end
  if found[1] ~= 'processing' or cursor >= ranges then
    redis.call('LPOP', line)
  end
end
if redis.call('ZCARD', out) == 0 and redis.call('LLEN', line) == 0 then
  redis.call('SREM', key('lanes'), lane)
end
return sends
