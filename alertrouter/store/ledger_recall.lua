-- Take back a delivery that need not leave any more, and tell the journal in the same step. One that a worker holds, or
-- of which an earlier try may have arrived, is marked: the worker looks once more before it sends.
-- KEYS: row, journal, counters. ARGV: id, why, packed event, now, seconds to keep the row, prefix of due sets, how many
--       ranks, prefix of counters.
-- Gives 1 when it was in time, 0 when it has left or may be leaving.
local row = redis.call('HMGET', KEYS[1], 'state', 'channel', 'rank', 'doubtful')
if row[1] == 'pending' or (row[1] == 'retry' and row[4] ~= '1') then
  redis.call('HSET', KEYS[1], 'state', 'cancelled', 'settled_at', ARGV[4], 'error', ARGV[2])
  redis.call('EXPIRE', KEYS[1], ARGV[5])
  redis.call('ZREM', ARGV[6] .. row[2] .. ':' .. math.min(row[3], ARGV[7] - 1), ARGV[1])
  redis.call('XADD', KEYS[2], '*', 'e', ARGV[3])
  redis.call('HINCRBY', KEYS[3], ARGV[8] .. row[2] .. ':cancelled', 1)
  return 1
end
if row[1] == 'claimed' or row[1] == 'unknown' or row[1] == 'retry' then
  redis.call('HSET', KEYS[1], 'recalled', ARGV[2])
end
return 0
