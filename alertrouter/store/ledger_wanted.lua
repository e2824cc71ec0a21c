-- The last look before a claimed delivery leaves: is it still wanted?
-- KEYS: row. ARGV: fence. Gives why it was recalled, '' when it is wanted; nil when the claim is lost.
local row = redis.call('HMGET', KEYS[1], 'state', 'fence', 'recalled')
if row[1] ~= 'claimed' or row[2] ~= ARGV[1] then
  return nil
end
return row[3] or ''
