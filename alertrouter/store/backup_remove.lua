-- Remove one entry of the state, if it still is what a backup holds. KEYS: its key. ARGV: the key's type, then
-- hash: field, value; stream: id; list, set: value; row (a hash that is one entry): its fields, flat. Gives 1 or 0.
local key, kind = KEYS[1], ARGV[1]
if kind == 'hash' then
  return redis.call('HGET', key, ARGV[2]) == ARGV[3] and redis.call('HDEL', key, ARGV[2]) or 0
elseif kind == 'stream' then
  return redis.call('XDEL', key, ARGV[2])
elseif kind == 'list' then
  return redis.call('LREM', key, 1, ARGV[2])
elseif kind == 'set' then
  return redis.call('SREM', key, ARGV[2])
end
if redis.call('HLEN', key) * 2 ~= #ARGV - 1 then
  return 0
end
for at = 2, #ARGV, 2 do
  if redis.call('HGET', key, ARGV[at]) ~= ARGV[at + 1] then
    return 0
  end
end
return redis.call('DEL', key)
