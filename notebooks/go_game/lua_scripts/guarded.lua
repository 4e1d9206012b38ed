-- Run all of some commands if the version that they are based on is still current.
-- KEYS  the hash with the field `version`, four more keys, then streams
-- ARGV  the expected version, the next version; then for each command its number of words and the
--       words
-- Returns 1, or 0 if the version has changed.
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then return 0 end

for i = 6, #KEYS do -- a script that fails half-way is not undone, so check first
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'stream' and kind ~= 'none' then
    return redis.error_reply('ERR ' .. KEYS[i] .. ' is a ' .. kind .. ': it must be a stream')
  end
end

local at = 3
while at <= #ARGV do
  local words = tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, at + words))
  at = at + 1 + words
end
redis.call('HSET', KEYS[1], 'version', ARGV[2])
return 1
