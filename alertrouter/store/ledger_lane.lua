-- Tell which lane a destination uses and at which pace, and take a place in it for a claimed delivery.
-- KEYS: row, due set, lanes, lane. ARGV: id, fence, now, destination, lane, ms between two messages of one lane.
-- Gives 1: go on; 0: the lane is blocked or the fence is another's, leave it (a blocked one is put back).
local now, pace = tonumber(ARGV[3]), tonumber(ARGV[6])
redis.call('HSET', KEYS[3], ARGV[4], ARGV[5])
redis.call('HSET', KEYS[4], 'pace', pace)
local row = redis.call('HMGET', KEYS[1], 'state', 'fence')
if row[1] ~= 'claimed' or row[2] ~= ARGV[2] then
  return 0
end
local kept = redis.call('HMGET', KEYS[4], 'tat', 'hold')
local free = math.max(tonumber(kept[1] or 0), tonumber(kept[2] or 0))
if free > now then
  redis.call('HINCRBY', KEYS[1], 'attempts', -1)
  redis.call('HSET', KEYS[1], 'state', 'pending')
  redis.call('ZADD', KEYS[2], free, ARGV[1])
  return 0
end
if pace > 0 then
  redis.call('HSET', KEYS[4], 'tat', now + pace)
end
return 1
