-- Store new states from game-states, and advance the judges' position in that stream.
-- KEYS  the key with the position, the dead letters, then the hashes of games
-- ARGV  the expected position, the next position; then four for each game: version, turn, state,
--       the ID of its first state; then for each dead letter its number of words and the words
-- Returns 1, or 0 if another judge has advanced the position.
if (redis.call('GET', KEYS[1]) or '0-0') ~= ARGV[1] then return 0 end

local now = redis.call('TIME')[1] * 1000 + 1000
local at = 3
for i = 3, #KEYS do
  local version, turn, state = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if tonumber(turn) > tonumber(redis.call('HGET', KEYS[i], 'turn') or 0) then
    local since = ARGV[at + 3]
    if tonumber(string.match(since, '%d+')) > now then since = '0-0' end -- not a real time
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
