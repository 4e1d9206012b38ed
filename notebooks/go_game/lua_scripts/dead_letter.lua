-- Move an entry to the dead letters and acknowledge it, if it is still pending.
-- KEYS  the stream, its dead letters
-- ARGV  the group, the entry's ID, then the dead letter's names and values
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 3))
return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
