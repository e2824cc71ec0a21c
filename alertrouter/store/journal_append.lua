-- Put events at the journal's end, and add to counters; in one command, for each by itself would cost the door more.
-- KEYS: journal, counters. ARGV: field, number of events, packed events…, then a counter's name and by how much, for each.
-- Gives how many entries the journal has.
local first, events = 3, tonumber(ARGV[2])
for at = first, first + events - 1 do
  redis.call('XADD', KEYS[1], '*', ARGV[1], ARGV[at])
end
for at = first + events, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[2], ARGV[at], ARGV[at + 1])
end
return redis.call('XLEN', KEYS[1])
