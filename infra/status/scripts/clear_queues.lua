-- Drop the messages in the queues of a kind of device that no range was sent to, or all were moved away from.
-- ARGV: kind, names of its queues. Returns 1, or 0 while some range waits for the kind. Where a range is sent is noted
-- before its message is, so none is dropped that counts.
for _, text in ipairs(redis.call('HVALS', key('placed'))) do
  if string.match(text, '^[^:]+') == ARGV[1] then
    return 0
  end
end
for i = 2, #ARGV do
  redis.call('DEL', ARGV[i])
end
return 1
