-- Record what splitting found; the document gets in line, or is finalized at once when no page needs reading. Pages may
-- be settled already: failed ones, and those that an earlier generation has read. Of a document that was cancelled before
-- Redis forgot it, no page is read.
-- ARGV: id, generation, owner, states of all pages (one byte each), first pages of ranges (packed), then names and
-- values of fields. Reasons of failed pages are fields named `reason:PAGE`.
-- Returns the document's new state, or 'lost' when the lease was lost meanwhile.
local id, generation, owner, states, ranges = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local member = unit(id, generation, 'split')
if state_of(id, generation) ~= 'splitting' or not owned(member, owner) then
  return 'lost'
end
local at = now()
local doc = key('doc', id)
local cancelled = redis.call('HEXISTS', doc, 'cancelled') == 1
if cancelled then
  states = string.gsub(states, PENDING, CANCELLED)
end
redis.call('SET', key('pages', id), states)
redis.call('SET', key('attempts', id), string.rep('0', #states))
redis.call('SET', key('ranges', id), ranges)
for i = 6, #ARGV, 2 do
  local page = string.match(ARGV[i], '^reason:(%d+)$')
  if page then
    redis.call('HSET', key('reasons', id), page, ARGV[i + 1])
  else
    redis.call('HSET', doc, ARGV[i], ARGV[i + 1])
  end
end
local _, failed = string.gsub(states, FAILED, '')
local _, done = string.gsub(states, DONE, '')
local _, skipped = string.gsub(states, SKIPPED, '')
redis.call('HSET', doc, 'pages', #states, 'done', done, 'failed', failed, 'skipped', skipped, 'ranges', #ranges / 4,
  'cursor', 0)
redis.call('HSET', key('inflight', redis.call('HGET', doc, 'tenant') or ''), id, #states - skipped)
unlease(member)
if cancelled or done + failed + skipped == #states then
  redis.call('HSET', doc, 'cursor', #ranges / 4) -- nothing is released, nor looked for in a line
  move(id, 'finalizing', at)
  return 'finalizing'
end
move(id, 'processing', at)
local lane = lane_of(id)
redis.call('RPUSH', key('line', lane), id)
in_use(lane)
return 'processing'
