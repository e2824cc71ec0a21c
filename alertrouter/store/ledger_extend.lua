-- Hold a claimed delivery for another term, if the fence is still the worker's.
-- KEYS: row, due set. ARGV: id, fence, when the lease ends. Gives 1 or 0.
local kept = redis.call('HMGET', KEYS[1], 'state', 'fence')
if kept[1] ~= 'claimed' or kept[2] ~= ARGV[2] then
  return 0
end
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
return 1
