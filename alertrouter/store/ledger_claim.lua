-- Claim the most urgent deliveries that are due: highest severity first, then those that wait longest.
-- KEYS: lanes.
-- ARGV: now, lease in ms, worker, how many ranks, prefixes of due sets, rows and lanes; then channel, room, ….
-- Gives {more, {id, fence, attempts, lane, its pace, first_at, error, doubtful, delivery}, …}; more is 1 when blocked
-- rows were moved away and there may be others behind them.
local now, lease, worker, ranks = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local due_prefix, row_prefix, lane_prefix = ARGV[5], ARGV[6], ARGV[7]
local LOOK = 64
local claimable = { pending = true, claimed = true, retry = true, unknown = true }
local names, lanes = {}, {} -- destination → its lane's name; name → lane: each is looked at once
local answer = { 0 }

-- A lane is free at that moment, and takes one message each `pace`; `behind` counts those that were moved away in this
-- call: they come due one pace apart.
local function lane_of(destination)
  if names[destination] == nil then
    names[destination] = redis.call('HGET', KEYS[1], destination)
  end
  local name = names[destination] or ''
  if not lanes[name] then
    local kept = name == '' and {} or redis.call('HMGET', lane_prefix .. name, 'tat', 'hold', 'pace')
    local free = math.max(tonumber(kept[1] or 0), tonumber(kept[2] or 0))
    lanes[name] = { name = name, free = free, pace = tonumber(kept[3] or 0), behind = 0 }
  end
  return lanes[name]
end

local function take(due_set, id, row, kept, lane)
  if lane.pace > 0 then
    lane.free = now + lane.pace
    redis.call('HSET', lane_prefix .. lane.name, 'tat', lane.free)
  end
  local fence, attempts = tonumber(kept[3] or 0) + 1, tonumber(kept[4] or 0) + 1
  local first_at, doubtful = kept[5] or ARGV[1], kept[7] or '0'
  if kept[1] == 'claimed' then -- its lease ran out: whoever had it may have sent it
    doubtful = '1'
  end
  redis.call('HSET', row, 'state', 'claimed', 'worker', worker, 'claimed_at', now, 'fence', fence,
    'attempts', attempts, 'first_at', first_at, 'doubtful', doubtful)
  redis.call('ZADD', due_set, now + lease, id)
  answer[#answer + 1] = { id, fence, attempts, lane.name, lane.pace, first_at, kept[6] or '', doubtful, kept[8] }
end

local rooms = {}
for at = 8, #ARGV, 2 do
  rooms[#rooms + 1] = { channel = ARGV[at], left = tonumber(ARGV[at + 1]) }
end

local function look_into(room, due_set)
  local ids = redis.call('ZRANGEBYSCORE', due_set, '-inf', now, 'LIMIT', 0, LOOK)
  for _, id in ipairs(ids) do
    if room.left == 0 then
      return
    end
    local row = row_prefix .. id
    local kept = redis.call('HMGET', row, 'state', 'destination', 'fence', 'attempts', 'first_at', 'error', 'doubtful',
      'delivery')
    if not claimable[kept[1] or ''] then
      redis.call('ZREM', due_set, id)
    else
      local lane = lane_of(kept[2])
      if lane.free <= now then
        take(due_set, id, row, kept, lane)
        room.left = room.left - 1
      else
        redis.call('ZADD', due_set, lane.free + lane.behind * lane.pace, id)
        lane.behind = lane.behind + 1
      end
    end
  end
  if #ids == LOOK then
    answer[1] = 1
  end
end

for rank = ranks - 1, 0, -1 do
  for _, room in ipairs(rooms) do
    if room.left > 0 then
      look_into(room, due_prefix .. room.channel .. ':' .. rank)
    end
  end
end
return answer
