-- Settle claimed deliveries, each only with the worker's fence: for good, which the journal is told in the same step, or
-- for now, to be due again.
-- KEYS: journal, counters, latency.
-- ARGV: seconds to keep a row, prefixes of rows, due sets and lanes; then for each delivery: id, fence, its due set,
--       state, moment in ms (when it ended, or is due again), error, note, reference, packed event ('': not for good),
--       counter, latency bucket ('': none), latency in ms, lane that is held until it is due ('': none), 1 when it is
--       proven that the far side has it once.
-- Gives 1 or 0 for each.
local FIELDS = 14
local counts, latencies, answer = {}, {}, {}

local function add(sums, name, by)
  sums[name] = (sums[name] or 0) + by
end

local function for_good(row, due_set, at)
  redis.call('HSET', row, 'state', ARGV[at + 3], 'settled_at', ARGV[at + 4], 'error', ARGV[at + 5],
    'note', ARGV[at + 6], 'reference', ARGV[at + 7])
  if ARGV[at + 13] == '1' then
    redis.call('HDEL', row, 'doubtful')
  end
  redis.call('EXPIRE', row, ARGV[1])
  redis.call('ZREM', due_set, ARGV[at])
  redis.call('XADD', KEYS[1], '*', 'e', ARGV[at + 8])
  if ARGV[at + 10] ~= '' then
    add(latencies, ARGV[at + 10], 1)
    add(latencies, 'sum_ms', tonumber(ARGV[at + 11]))
  end
end

local function for_now(row, due_set, at)
  redis.call('HSET', row, 'state', ARGV[at + 3], 'error', ARGV[at + 5])
  if ARGV[at + 3] == 'unknown' then
    redis.call('HSET', row, 'doubtful', 1)
  end
  redis.call('ZADD', due_set, ARGV[at + 4], ARGV[at])
  if ARGV[at + 12] ~= '' then
    local lane = ARGV[4] .. ARGV[at + 12]
    if tonumber(ARGV[at + 4]) > tonumber(redis.call('HGET', lane, 'hold') or 0) then
      redis.call('HSET', lane, 'hold', ARGV[at + 4])
    end
  end
end

for at = 5, #ARGV, FIELDS do
  local row, due_set = ARGV[2] .. ARGV[at], ARGV[3] .. ARGV[at + 2]
  local kept = redis.call('HMGET', row, 'state', 'fence')
  if kept[1] ~= 'claimed' or kept[2] ~= ARGV[at + 1] then
    answer[#answer + 1] = 0
  else
    if ARGV[at + 8] ~= '' then
      for_good(row, due_set, at)
    else
      for_now(row, due_set, at)
    end
    add(counts, ARGV[at + 9], 1)
    answer[#answer + 1] = 1
  end
end
for name, by in pairs(counts) do
  redis.call('HINCRBY', KEYS[2], name, by)
end
for name, by in pairs(latencies) do
  redis.call('HINCRBY', KEYS[3], name, by)
end
return answer
