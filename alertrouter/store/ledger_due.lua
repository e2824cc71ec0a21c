-- Tell how many deliveries are due, when the next one is, and how many workers wait for a nudge.
-- KEYS: draining. ARGV: now, how many ranks, prefix of due sets, then the channels. Gives {due, earliest, next, draining}, -1 for none.
local due, earliest, later = 0, nil, nil
for rank = 0, tonumber(ARGV[2]) - 1 do
  for at = 4, #ARGV do
    local set = ARGV[3] .. ARGV[at] .. ':' .. rank
    local first = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
    if first then
      earliest = math.min(earliest or math.huge, tonumber(first))
      due = due + redis.call('ZCOUNT', set, '-inf', ARGV[1])
      local coming = redis.call('ZRANGEBYSCORE', set, '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
      if coming then
        later = math.min(later or math.huge, tonumber(coming))
      end
    end
  end
end
return { due, earliest or -1, later or -1, redis.call('ZCOUNT', KEYS[1], ARGV[1], '+inf') }
