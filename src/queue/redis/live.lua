#!lua flags=allow-oom
-- Gives a sign of life, also where there is no memory left.
--
-- KEYS: the sign. ARGV: its milliseconds.
redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
