-- Settle a claimed delivery for now: it is due again later. Only with the worker's fence.
-- KEYS: row, due set, lane, counters.
-- ARGV: id, fence, state (retry or unknown), when it is due, error, until when the lane is held (0: isn't), counter.
-- Gives 1 or 0.
local kept = redis.call('HMGET', KEYS[1], 'state', 'fence')
if kept[1] ~= 'claimed' or kept[2] ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], 'state', ARGV[3], 'error', ARGV[5])
if ARGV[3] == 'unknown' then
  redis.call('HSET', KEYS[1], 'doubtful', 1)
end
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
local hold = tonumber(ARGV[6])
if hold > tonumber(redis.call('HGET', KEYS[3], 'hold') or 0) then
  redis.call('HSET', KEYS[3], 'hold', ARGV[6])
end
redis.call('HINCRBY', KEYS[4], ARGV[7], 1)
return 1
