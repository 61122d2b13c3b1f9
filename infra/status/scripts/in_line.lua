-- Megapixels of pages that are not released yet, by the kind of device that is wished for. ARGV: how many documents are
-- looked at, shared among the lanes; those behind are taken to be like them. Returns kinds ('' for any) and sizes.
local STEPS = {ingest = true, split = true, finalize = true}
local lanes = {}
for _, lane in ipairs(redis.call('ZRANGE', key('turns'), 0, -1)) do
  local device = string.match(lane, '^[^:]*:[^:]*:?(.*)$')
  local length = redis.call('LLEN', key('line', lane))
  if not STEPS[device] and length > 0 then
    lanes[#lanes + 1] = {name = lane, device = device, length = length}
  end
end
local each = math.max(1, math.floor(tonumber(ARGV[1]) / math.max(1, #lanes)))
local sums = {}
for _, lane in ipairs(lanes) do
  local ids = redis.call('LRANGE', key('line', lane.name), 0, each - 1)
  local sum = 0
  for _, id in ipairs(ids) do
    local found = redis.call('HMGET', key('doc', id), 'megapixels', 'ranges', 'cursor')
    local ranges = tonumber(found[2] or '') or 0
    if ranges > 0 then
      sum = sum + (tonumber(found[1] or '') or 0) * (1 - (tonumber(found[3] or '') or 0) / ranges)
    end
  end
  sums[lane.device] = (sums[lane.device] or 0) + sum * lane.length / math.max(1, #ids)
end
local flat = {}
for device, sum in pairs(sums) do
  flat[#flat + 1] = device
  flat[#flat + 1] = tostring(sum)
end
return flat
