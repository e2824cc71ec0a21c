-- Take the lease when it is free or already the holder's, and begin a new epoch in the same step.
-- KEYS: lease, epoch. ARGV: holder, term in ms. Gives the epoch, or nil when another holds the lease.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return nil
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return redis.call('INCR', KEYS[2])
