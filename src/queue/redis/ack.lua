-- Removes entries for good, and their bytes from the sum. Who was faster has removed them already.
--
-- KEYS: stream, state. ARGV: group, and for each entry its id and its bytes.
local ids, all = {}, 0
for at = 2, #ARGV, 2 do
    ids[#ids + 1] = ARGV[at]
    all = all + tonumber(ARGV[at + 1])
end
local bytes = 0
if redis.call('XACK', KEYS[1], ARGV[1], unpack(ids)) == #ids then
    -- All were pending, so nobody else has removed them.
    redis.call('XDEL', KEYS[1], unpack(ids))
    bytes = all
else
    for at = 2, #ARGV, 2 do
        if redis.call('XDEL', KEYS[1], ARGV[at]) == 1 then
            bytes = bytes + tonumber(ARGV[at + 1])
        end
    end
end
if bytes > 0 then
    local left = tonumber(redis.call('HGET', KEYS[2], 'bytes') or 0) - bytes
    redis.call('HSET', KEYS[2], 'bytes', string.format('%.0f', math.max(left, 0)))
end
