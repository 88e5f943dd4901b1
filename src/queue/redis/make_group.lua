#!lua flags=allow-oom
-- Makes the group that reads a stream, from its beginning: what is in it is not stored. Also where there
-- is no memory left, since reading is what makes room.
--
-- KEYS: stream. ARGV: group.
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if type(made) == 'table' and made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then
    return made
end
return 1
