-- Find documents in which nothing has moved for long, and set them going again. ARGV: seconds, limit.
-- Returns what is to be sent, as `expire` does.
local LOOKED_THROUGH = 5000 -- entries of a line for each document; in a longer one fewer are looked for, in turn
local at = now()
local chance = math.floor(at * 1000)
local sends = {}

-- Every range was released and has ended, and still pages are missing: part of the state was lost. Release
-- each run of pages that nobody holds once more.
local function mend(id, generation)
  local states = redis.call('GET', key('pages', id)) or ''
  local first
  for page = 1, #states + 1 do
    local state = string.sub(states, page, page)
    local open = (state == PENDING or state == RUNNING or state == ASIDE)
      and not leased(unit(id, generation, 'p' .. page), at)
    if open then
      set_page(id, page, PENDING)
      first = first or page
    elseif first then
      local member = released_member(id, generation, first, page - 1, 'normal')
      put_out(id, member, at)
      sends[#sends + 1] = member
      first = nil
    end
  end
end

-- Put a document back into its lane's line if it has got lost from it. Looking costs as much as the line is long, and in
-- a long one whoever is lost has time.
local function line_up_again(id)
  local lane = lane_of(id)
  local line = key('line', lane)
  chance = chance + 1
  if chance % math.ceil((redis.call('LLEN', line) + 1) / LOOKED_THROUGH) == 0 and not redis.call('LPOS', line, id) then
    redis.call('RPUSH', line, id)
    in_use(lane)
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('active'), '-inf', at - tonumber(ARGV[1]), 'LIMIT', 0, ARGV[2])) do
  local found = redis.call('HMGET', key('doc', id), 'state', 'generation', 'cursor', 'ranges', 'out')
  local state, generation = found[1], found[2]
  if not state or TERMINAL[state] then
    redis.call('ZREM', key('active'), id)
  else
    redis.call('ZADD', key('active'), at, id)
    if state == 'processing' then
      if tonumber(found[3]) < tonumber(found[4]) then
        line_up_again(id)
      elseif tonumber(found[5]) <= 0 then
        mend(id, generation)
      end
    else
      local step = state == 'finalizing' and 'finalize' or 'split'
      local lane, member = step_lane(id, step), unit(id, generation, step)
      if redis.call('ZSCORE', key('waiting', lane), member) or redis.call('ZSCORE', key('released', lane), member) then
        in_use(lane) -- what was sent is `overdue`'s to find
      elseif not leased(member, at) then
        put_out_step(id, generation, step, at)
        sends[#sends + 1] = member
      end
    end
  end
end
return sends
