-- Takes over what a dead worker holds, and forgets the worker once it holds nothing.
--
-- KEYS: stream, the sign of life of that worker. ARGV: group, its consumer, ours. Returns how many
-- entries are ours now.
if redis.call('EXISTS', KEYS[2]) == 1 then
    return 0
end
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1000, ARGV[2])
if #pending == 0 then
    -- Not before: what a consumer holds would be forgotten with it.
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
    return 0
end
local ids = {}
for at, entry in ipairs(pending) do
    ids[at] = entry[1]
end
ids[#ids + 1] = 'JUSTID'
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, unpack(ids))
return #pending
