-- Hold claimed deliveries for another term, each if the fence is still the worker's.
-- ARGV: when the lease ends, prefixes of rows and due sets; then for each delivery: id, fence, its due set.
-- Gives 1 or 0 for each.
local answer = {}
for at = 4, #ARGV, 3 do
  local kept = redis.call('HMGET', ARGV[2] .. ARGV[at], 'state', 'fence')
  if kept[1] ~= 'claimed' or kept[2] ~= ARGV[at + 1] then
    answer[#answer + 1] = 0
  else
    redis.call('ZADD', ARGV[3] .. ARGV[at + 2], ARGV[1], ARGV[at])
    answer[#answer + 1] = 1
  end
end
return answer
