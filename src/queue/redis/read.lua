-- Leases new entries until there are enough of them, in number or in bytes.
--
-- KEYS: stream. ARGV: group, consumer, the most entries, the most bytes. Returns whether there may be
-- more, and the entries.
local most, room = tonumber(ARGV[3]), tonumber(ARGV[4])
local more, found = 1, {}
while #found < most and room > 0 do
    -- In small steps, since their size is known only afterwards.
    local step = math.min(most - #found, 20)
    local reply = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', step, 'STREAMS', KEYS[1], '>')
    local entries = reply and reply[1][2] or {}
    for _, entry in ipairs(entries) do
        found[#found + 1] = entry
        for value = 2, #entry[2], 2 do
            room = room - #entry[2][value]
        end
    end
    if #entries < step then
        more = 0
        break
    end
end
return {more, found}
