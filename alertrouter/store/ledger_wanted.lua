-- The last look before claimed deliveries leave: are they still wanted?
-- ARGV: prefix of rows; then for each delivery: id, fence.
-- Gives for each why it was recalled, '' when it is wanted; nil when the claim is lost.
local answer = {}
for at = 2, #ARGV, 2 do
  local row = redis.call('HMGET', ARGV[1] .. ARGV[at], 'state', 'fence', 'recalled')
  if row[1] ~= 'claimed' or row[2] ~= ARGV[at + 1] then
    answer[#answer + 1] = false
  else
    answer[#answer + 1] = row[3] or ''
  end
end
return answer
