-- Run commands, all of them, if nobody has run any since the version that they stand on.
-- KEYS  the hash whose field `version` is the guard, four more keys, and streams
-- ARGV  the version, the version after it; then for each command how many words follow, and the
--       words
-- Returns 1, or 0 if the version is another.
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then return 0 end

for i = 6, #KEYS do -- what fails half-way stays half done: see beforehand
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
