-- Take the lease when it is free, and begin a new epoch in the same step.
-- KEYS: lease, epoch. ARGV: holder, term in ms. Gives the epoch, or nil when another holds the lease.
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return redis.call('INCR', KEYS[2])
end
return nil
