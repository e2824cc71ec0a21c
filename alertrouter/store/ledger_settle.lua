-- Settle a claimed delivery for good, and tell the journal in the same step. Only with the worker's fence.
-- KEYS: row, due set, journal, counters, latency.
-- ARGV: id, fence, now, outcome, packed event, error, note, reference, counter, seconds to keep the row,
--       latency bucket ('': none), latency in ms, 1 when it is proven that the far side has it once.
-- Gives 1 or 0.
local kept = redis.call('HMGET', KEYS[1], 'state', 'fence')
if kept[1] ~= 'claimed' or kept[2] ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], 'state', ARGV[4], 'settled_at', ARGV[3],
  'error', ARGV[6], 'note', ARGV[7], 'reference', ARGV[8])
if ARGV[13] == '1' then
  redis.call('HDEL', KEYS[1], 'doubtful')
end
redis.call('EXPIRE', KEYS[1], ARGV[10])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[3], '*', 'e', ARGV[5])
redis.call('HINCRBY', KEYS[4], ARGV[9], 1)
if ARGV[11] ~= '' then
  redis.call('HINCRBY', KEYS[5], ARGV[11], 1)
  redis.call('HINCRBY', KEYS[5], 'sum_ms', ARGV[12])
end
return 1
