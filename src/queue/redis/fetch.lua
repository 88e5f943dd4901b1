-- Reads entries that are leased already, until there are enough of them in bytes.
--
-- KEYS: stream. ARGV: group, the most bytes, ids. Returns how many of the ids were looked at, and
-- the entries that are there; what is not there any more is nobody's to hold.
local room = tonumber(ARGV[2])
local looked, found = 0, {}
for id = 3, #ARGV do
    if room <= 0 then
        break
    end
    local entry = redis.call('XRANGE', KEYS[1], ARGV[id], ARGV[id])[1]
    if entry then
        found[#found + 1] = entry
        for value = 2, #entry[2], 2 do
            room = room - #entry[2][value]
        end
    else
        redis.call('XACK', KEYS[1], ARGV[1], ARGV[id])
    end
    looked = looked + 1
end
return {looked, found}
