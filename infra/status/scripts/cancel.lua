-- Cancel a document: what is not settled will not be read, and it is to be finalized as it stands. ARGV: id.
-- Returns {'first' | 'repeated' when it is being finalized or has ended | 'gone', its state, its generation}.
local id = ARGV[1]
local doc = key('doc', id)
local found = redis.call('HMGET', doc, 'state', 'generation')
local state = found[1]
if not state then
  return {'gone', '', '0'}
end
if TERMINAL[state] or state == 'finalizing' then
  return {'repeated', state, found[2]}
end
local pages = redis.call('GET', key('pages', id))
if pages then
  local open = '[' .. PENDING .. RUNNING .. ASIDE .. ']'
  redis.call('SET', key('pages', id), (string.gsub(pages, open, CANCELLED)))
end
withdraw(id)
redis.call('HSET', doc, 'cancelled', 1)
move(id, 'finalizing', now())
return {'first', 'finalizing', found[2]}
