-- Delete a consumer, unless it has pending entries: the group would lose them.
-- KEYS  the stream
-- ARGV  the group, the consumer
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
