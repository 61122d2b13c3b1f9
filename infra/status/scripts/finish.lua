-- End a document whose manifest is in storage. ARGV: id, generation, state, reason, keep_seconds, generation of a
-- manifest that was there before or '', then letters as `post` takes them. Returns 'first', 'repeated' when it had ended before, or 'gone'.
local id, generation, to, adopted = ARGV[1], ARGV[2], ARGV[3], ARGV[6]
local state = state_of(id, generation)
if not state then
  return 'gone'
end
if TERMINAL[state] then
  return 'repeated'
end
local at = now()
local doc = key('doc', id)
withdraw(id) -- by the generation it has yet
if adopted == '' then
  move(id, to, at)
else -- Redis was rolled back behind the document's end: storage is the ledger, and no transition stands against it
  redis.call('HSET', doc, 'state', to, 'generation', adopted)
  touch(id, at)
end
redis.call('HSET', doc, 'reason', ARGV[4], 'finished', at)
redis.call('ZREM', key('active'), id)
unlease(unit(id, generation, 'split'))
unlease(unit(id, generation, 'finalize'))
redis.call('DEL', key('attempts', id), key('ranges', id))
for _, name in ipairs({'doc', 'pages', 'reasons'}) do
  redis.call('EXPIRE', key(name, id), ARGV[5])
end
count('documents_total', to)
post(id, adopted == '' and generation or adopted, 7)
return 'first'
