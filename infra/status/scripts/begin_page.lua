-- Take the lease on a page and charge it an attempt. ARGV: id, generation, page, mode, owner, lease_seconds, first
-- and last page of the range.
-- Returns {'go', attempt}; {'settled'}; {'held'} when another process has it or it waits to be read alone;
-- {'gone'} when the document has ended or is of another generation.
local id, generation, page, mode = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
if state_of(id, generation) ~= 'processing' then
  return {'gone', 0}
end
redis.call('HDEL', key('doc', id), openings(ARGV[7], ARGV[8], mode)) -- the document is open
local state = page_state(id, page)
if state ~= PENDING and state ~= RUNNING and state ~= ASIDE then
  return {'settled', 0}
end
if state == RUNNING or (state == ASIDE and mode == 'normal') then
  return {'held', 0}
end
set_page(id, page, RUNNING)
lease(unit(id, generation, 'p' .. page), ARGV[5], now() + tonumber(ARGV[6]))
return {'go', charge(id, page, 1)}
