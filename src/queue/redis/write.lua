-- Carries out a group of requests at once: nobody sees half of it, and a crash keeps all or none.
--
-- KEYS: events, refused, state. ARGV: the most events, the most bytes, the most refused events, a
-- name for a new generation, the group that reads refused events, and then for each request
--   events  COUNT BYTES and a value for each event
--   refused COUNT and for each one the number of its texts, and those: name, value, …
--   probe
-- Returns the generation, how many refused events were removed, and for each request the number
-- of its first event, 0, or a text that says what is full.
local events, refused, state = KEYS[1], KEYS[2], KEYS[3]
local max_events, max_bytes, max_refused = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local kept = redis.call('HMGET', state, 'generation', 'seq', 'bytes')
local generation, seq, bytes = kept[1], tonumber(kept[2]), tonumber(kept[3] or 0)
if not generation then
    generation = ARGV[4]
    redis.call('HSET', state, 'generation', generation)
end
if not seq then
    -- The time, so that numbers of a queue that was emptied are not given again.
    local time = redis.call('TIME')
    seq = tonumber(time[1]) * 1000000 + tonumber(time[2])
    for _, stream in ipairs({events, refused}) do
        local info = redis.pcall('XINFO', 'STREAM', stream)
        for field = 1, #info, 2 do
            if info[field] == 'last-generated-id' then
                seq = math.max(seq, tonumber(string.match(info[field + 1], '^%d+')))
            end
        end
    end
end
local held = redis.call('XLEN', events)
if held == 0 then
    -- Also after somebody removed entries, or all of them, by hand.
    bytes = 0
end

local function full(count, size)
    if held + count > max_events then
        return string.format('it holds %d events', held)
    end
    if bytes + size > max_bytes then
        return string.format('it holds %.0f bytes', bytes)
    end
end

local function number()
    seq = seq + 1
    return string.format('%.0f-0', seq)
end

local answers = {}
local at = 6
while at <= #ARGV do
    local request = ARGV[at]
    local answer = 0
    if request == 'events' then
        local count, size = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
        local what = full(count, size)
        if what then
            answer = what
        else
            answer = seq + 1
            for event = at + 3, at + 2 + count do
                redis.call('XADD', events, number(), 'event', ARGV[event])
            end
            held, bytes = held + count, bytes + size
        end
        at = at + 3 + count
    elseif request == 'refused' then
        local count = tonumber(ARGV[at + 1])
        at = at + 2
        for _ = 1, count do
            local texts = tonumber(ARGV[at])
            redis.call('XADD', refused, number(), unpack(ARGV, at + 1, at + texts))
            at = at + 1 + texts
        end
    else
        answer = full(1, 1) or 0
        at = at + 1
    end
    answers[#answers + 1] = answer
end
-- Written even when nothing changed: a probe has to reach the disk.
redis.call('HSET', state, 'seq', string.format('%.0f', seq), 'bytes', string.format('%.0f', bytes))

-- The oldest refused events make room; what a worker has is on its way to the store, and stays.
local removed, excess = 0, redis.call('XLEN', refused) - max_refused
if excess > 0 then
    local from = '-'
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', refused)) do
        local is = {}
        for field = 1, #group, 2 do
            is[group[field]] = group[field + 1]
        end
        if is['name'] == ARGV[5] then
            from = '(' .. is['last-delivered-id']
        end
    end
    while removed < excess do
        local oldest = redis.call('XRANGE', refused, from, '+', 'COUNT', math.min(excess - removed, 16))
        if #oldest == 0 then
            break
        end
        for _, entry in ipairs(oldest) do
            removed = removed + redis.call('XDEL', refused, entry[1])
        end
    end
end

return {generation, removed, answers}
