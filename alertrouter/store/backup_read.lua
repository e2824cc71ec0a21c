-- Everything under a prefix at one moment: KEYS[1] is the prefix. Gives, for each key, its name, its type, the moment at which
-- it ends (ms, -1 never) and what it holds, flat.
local found = {}
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local position, names = '0', {}
repeat
    local page = redis.call('SCAN', position, 'MATCH', KEYS[1] .. '*', 'COUNT', 1000)
    position = page[1]
    for _, name in ipairs(page[2]) do names[name] = true end
until position == '0'
for name in pairs(names) do
    local kind = redis.call('TYPE', name).ok
    local left = redis.call('PTTL', name)
    local value
    if kind == 'string' then value = {redis.call('GET', name)}
    elseif kind == 'hash' then value = redis.call('HGETALL', name)
    elseif kind == 'list' then value = redis.call('LRANGE', name, 0, -1)
    elseif kind == 'set' then value = redis.call('SMEMBERS', name)
    elseif kind == 'zset' then value = redis.call('ZRANGE', name, 0, -1, 'WITHSCORES')
    elseif kind == 'stream' then value = redis.call('XRANGE', name, '-', '+')
    else return redis.error_reply(name .. ': a ' .. kind .. ' is none of alertrouter\'s') end
    found[#found + 1] = {name, kind, left < 0 and '-1' or string.format('%.0f', now + left), value}
end
return found
