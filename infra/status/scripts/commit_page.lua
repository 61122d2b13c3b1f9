-- Settle a page whose record is in storage. The first commit wins and moves the counter; the one that completes
-- the document claims its finalizing. ARGV: id, generation, page, 'd' | 'f', reason.
-- Returns 'first', 'last' (first, and the document is finalizing now), 'repeated' or 'gone'.
local id, generation, page, to = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
unlease(unit(id, generation, 'p' .. page))
if state_of(id, generation) ~= 'processing' then
  return 'gone'
end
local state = page_state(id, page)
if state ~= PENDING and state ~= RUNNING and state ~= ASIDE then
  return 'repeated'
end
local at = now()
local doc = key('doc', id)
set_page(id, page, to)
if to == FAILED then
  redis.call('HSET', key('reasons', id), page, ARGV[5])
  redis.call('HINCRBY', doc, 'failed', 1)
  count('pages_total', 'failed')
else
  redis.call('HDEL', key('reasons', id), page)
  redis.call('HINCRBY', doc, 'done', 1)
  count('pages_total', 'done')
end
local found = redis.call('HMGET', doc, 'pages', 'done', 'failed', 'skipped')
if tonumber(found[2]) + tonumber(found[3]) + (tonumber(found[4]) or 0) == tonumber(found[1]) then
  move(id, 'finalizing', at)
  return 'last'
end
touch(id, at)
return 'first'
