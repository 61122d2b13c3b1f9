-- Say whether a message to deliver is to be sent: something is due, and none is under way. ARGV: seconds after which
-- one that was sent counts as lost. Returns 1 or 0.
if redis.call('ZCOUNT', key('outbox'), '-inf', now()) == 0 then
  return 0
end
return redis.call('SET', key('called'), '1', 'NX', 'PX', math.floor(tonumber(ARGV[1]) * 1000)) and 1 or 0
