-- Hold the lease for another term, if it is still the holder's.
-- KEYS: lease. ARGV: holder, term in ms. Gives 1 or 0.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
