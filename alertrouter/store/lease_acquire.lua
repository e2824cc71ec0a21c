-- Take the lease when it is free or already the holder's, and begin a new epoch in the same step.
-- KEYS: lease, epoch, format. ARGV: holder, term in ms, the latest format that the holder knows. Gives the epoch, nil when
-- another holds the lease, or the stamp of a state in a later format: then nothing was touched.
local stamp = redis.call('GET', KEYS[3])
if stamp and (tonumber(string.match(stamp, '^%d+')) or math.huge) > tonumber(ARGV[3]) then
  return stamp
end
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return nil
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return redis.call('INCR', KEYS[2])
