-- The many small writes of a commit, in one: lines of stories, deliveries that are owed, and counters.
-- KEYS: counters.
-- ARGV: prefixes of timelines, of deliveries by incident, of rows and of due sets; seconds that an incident's lists are
--       kept, and how many entries; how many lines, how many deliveries; then for each line: incident, packed line;
--       for each delivery: id, incident, destination, channel, rank, its due set, when it is due, packed delivery;
--       for each counter: name, by how much.
local timelines, lists, rows, due_sets = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local most = tonumber(ARGV[6])
local touched = {}

local function push(list, value)
  if redis.call('RPUSH', list, value) > most then
    redis.call('LTRIM', list, -most, -1)
  end
  touched[list] = true
end

local at = 9
for _ = 1, tonumber(ARGV[7]) do
  push(timelines .. ARGV[at], ARGV[at + 1])
  at = at + 2
end
for _ = 1, tonumber(ARGV[8]) do
  local id = ARGV[at]
  redis.call('HSET', rows .. id, 'state', 'pending', 'destination', ARGV[at + 2], 'channel', ARGV[at + 3],
    'rank', ARGV[at + 4], 'delivery', ARGV[at + 7])
  redis.call('ZADD', due_sets .. ARGV[at + 5], ARGV[at + 6], id)
  push(lists .. ARGV[at + 1], id)
  at = at + 8
end
for list in pairs(touched) do
  redis.call('EXPIRE', list, ARGV[5])
end
for counter = at, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[1], ARGV[counter], ARGV[counter + 1])
end
return 1
