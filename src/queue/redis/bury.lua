#!lua flags=allow-oom
-- Moves one event to the dead letters, at once and for good; if it is still there. Also where there
-- is no memory left: it makes room for those behind it.
--
-- KEYS: events, dead, state. ARGV: group, id, its bytes, and the dead letter: name, text, …
if #redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) == 0 then
    return 0
end
local kept = redis.call('HMGET', KEYS[3], 'seq', 'bytes')
-- Without a number the time is one that was not given yet, as in write.lua.
local time = redis.call('TIME')
local seq = tonumber(kept[1] or tonumber(time[1]) * 1000000 + tonumber(time[2])) + 1
local left = tonumber(kept[2] or 0) - tonumber(ARGV[3])
-- First what may fail: an error here leaves the event where it is.
redis.call('XADD', KEYS[2], string.format('%.0f-0', seq), unpack(ARGV, 4))
redis.call('HSET', KEYS[3], 'seq', string.format('%.0f', seq), 'bytes', string.format('%.0f', math.max(left, 0)))
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return redis.call('XDEL', KEYS[1], ARGV[2])
