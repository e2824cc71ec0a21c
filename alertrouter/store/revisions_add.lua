-- Keep what happened to a policy, and drop the oldest of what is too much: first what came by itself, then what people did;
-- never how the policy in force was published and came into force, and never what was just added.
-- KEYS: revisions, active.
-- ARGV: packed revision, its name, what happened, whether by itself ('1'); how many are kept.
local added = redis.call('XADD', KEYS[1], '*', 'r', ARGV[1], 'revision', ARGV[2], 'happened', ARGV[3], 'itself', ARGV[4])
local over = redis.call('XLEN', KEYS[1]) - tonumber(ARGV[5])
if over <= 0 then
  return added
end
local active = redis.call('GET', KEYS[2])
local by_itself, by_people, kept = {}, {}, {}
for _, entry in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-')) do
  local one = {}
  for at = 1, #entry[2], 2 do
    one[entry[2][at]] = entry[2][at + 1]
  end
  if one.revision == active and not kept[one.happened] then
    kept[one.happened] = true
  elseif entry[1] ~= added then
    table.insert(one.itself == '1' and by_itself or by_people, 1, entry[1])
  end
end
for _, ids in ipairs({by_itself, by_people}) do
  for _, id in ipairs(ids) do
    if over > 0 then
      over = over - redis.call('XDEL', KEYS[1], id)
    end
  end
end
return added
