-- Keep a message in the inbox, in the place of an earlier one with its id, and drop the oldest beyond the limit.
-- KEYS: inbox, inbox_order. ARGV: id, packed message, its time in ms, limit.
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
local beyond = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[4])
if beyond > 0 then
  local dropped = redis.call('ZPOPMIN', KEYS[2], beyond)
  for at = 1, #dropped, 2 do
    redis.call('HDEL', KEYS[1], dropped[at])
  end
end
return 1
