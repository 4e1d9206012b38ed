-- Take over states from game-states, and move on from where the judges were in it.
-- KEYS  how far game-states was read, the dead letters, then the hashes of games
-- ARGV  where it was, where it is now; then four a game: version, turn, state, its first ID;
--       then for each dead letter how many words follow, and the words
-- Returns 1, or 0 if somebody else has moved on meanwhile.
if (redis.call('GET', KEYS[1]) or '0-0') ~= ARGV[1] then return 0 end

local now = redis.call('TIME')[1] * 1000 + 1000
local at = 3
for i = 3, #KEYS do
  local version, turn, state = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if tonumber(turn) > tonumber(redis.call('HGET', KEYS[i], 'turn') or 0) then
    local since = ARGV[at + 3]
    if tonumber(string.match(since, '%d+')) > now then since = '0-0' end -- that is no time
    if redis.call('HEXISTS', KEYS[i], 'version') == 0 then
      redis.call('HSET', KEYS[i], 'since', since)
    end
    redis.call('HSET', KEYS[i], 'version', version, 'turn', turn, 'state', state)
    redis.call('PERSIST', KEYS[i])
  end
  at = at + 4
end
while at <= #ARGV do
  local words = tonumber(ARGV[at])
  redis.call('XADD', KEYS[2], '*', unpack(ARGV, at + 1, at + words))
  at = at + 1 + words
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
