-- Removes entries for good, and their bytes from the sum. Who was faster has removed them already.
--
-- KEYS: stream, state. ARGV: group, and for each entry its id and its bytes.
local ids, bytes = {}, 0
for at = 2, #ARGV, 2 do
    ids[#ids + 1] = ARGV[at]
    if redis.call('XDEL', KEYS[1], ARGV[at]) == 1 then
        bytes = bytes + tonumber(ARGV[at + 1])
    end
end
redis.call('XACK', KEYS[1], ARGV[1], unpack(ids))
if bytes > 0 then
    local left = tonumber(redis.call('HGET', KEYS[2], 'bytes') or 0) - bytes
    redis.call('HSET', KEYS[2], 'bytes', string.format('%.0f', math.max(left, 0)))
end
