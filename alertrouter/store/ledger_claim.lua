-- Claim the most urgent delivery that is due: highest severity first, then the one that waits longest.
-- KEYS: lanes.
-- ARGV: now, lease in ms, worker, how many ranks, prefixes of due sets, rows and lanes; then the channels.
-- Gives {id, fence, attempts, lane, its pace, first_at, error, doubtful, delivery};
--       1 when it only moved blocked rows away and there may be more behind them; nil when nothing is due.
local now, lease, worker, ranks = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local due_prefix, row_prefix, lane_prefix = ARGV[5], ARGV[6], ARGV[7]
local LOOK = 64
local claimable = { pending = true, claimed = true, retry = true, unknown = true }
local behind = {} -- lane → how many rows of it were moved away in this call: they come due one pace apart
local more = nil

local function look_at(lane)
  local kept = redis.call('HMGET', lane_prefix .. lane, 'tat', 'hold', 'pace')
  return math.max(tonumber(kept[1] or 0), tonumber(kept[2] or 0)), tonumber(kept[3] or 0)
end

local function take(due_set, id, row, state, lane, pace)
  if lane and pace > 0 then
    redis.call('HSET', lane_prefix .. lane, 'tat', now + pace)
  end
  if state == 'claimed' then -- its lease ran out: whoever had it may have sent it
    redis.call('HSET', row, 'doubtful', 1)
  end
  redis.call('HSETNX', row, 'first_at', now)
  redis.call('HSET', row, 'state', 'claimed', 'worker', worker, 'claimed_at', now)
  redis.call('ZADD', due_set, now + lease, id)
  local fence, attempts = redis.call('HINCRBY', row, 'fence', 1), redis.call('HINCRBY', row, 'attempts', 1)
  local kept = redis.call('HMGET', row, 'first_at', 'error', 'doubtful', 'delivery')
  return { id, fence, attempts, lane or '', pace, kept[1], kept[2] or '', kept[3] or '0', kept[4] }
end

for rank = ranks - 1, 0, -1 do
  for at = 8, #ARGV do
    local due_set = due_prefix .. ARGV[at] .. ':' .. rank
    local ids = redis.call('ZRANGEBYSCORE', due_set, '-inf', now, 'LIMIT', 0, LOOK)
    for _, id in ipairs(ids) do
      local row = row_prefix .. id
      local kept = redis.call('HMGET', row, 'state', 'destination')
      if not claimable[kept[1] or ''] then
        redis.call('ZREM', due_set, id)
      else
        local lane, free, pace = redis.call('HGET', KEYS[1], kept[2]), 0, 0
        if lane then
          free, pace = look_at(lane)
        end
        if free <= now then
          return take(due_set, id, row, kept[1], lane, pace)
        end
        behind[lane] = behind[lane] or 0
        redis.call('ZADD', due_set, free + behind[lane] * pace, id)
        behind[lane] = behind[lane] + 1
      end
    end
    if #ids == LOOK then
      more = 1
    end
  end
end
return more
