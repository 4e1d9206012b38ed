-- Write the decisions about one game and acknowledge its entries: all of it or nothing.
-- KEYS  the game's hash, make-move, game-states, move-made, move-rejected, the key with the ID up
--       to which game-states was read
-- ARGV  the group, the version that the decisions are based on, the number of entries to
--       acknowledge, their IDs; then five for each decision: request, the index of its answer's
--       stream in KEYS, answer, turn, state
-- Returns the game's new version, or nil if the game has changed or a request has an answer.
local game, moves, states = KEYS[1], KEYS[2], KEYS[3]
local group, version, acks = ARGV[1], ARGV[2], tonumber(ARGV[3])
local first = 4 + acks

if (redis.call('HGET', game, 'version') or '') ~= version then return false end
for i = first, #ARGV, 5 do
  if redis.call('HEXISTS', game, 'answer:' .. ARGV[i]) == 1 then return false end
end

for i = 2, 5 do -- a script that fails half-way is not undone, so check first
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'stream' and kind ~= 'none' then
    return redis.error_reply('ERR ' .. KEYS[i] .. ' is a ' .. kind .. ': it must be a stream')
  end
end

local last = redis.call('XREVRANGE', states, '+', '-', 'COUNT', 1)[1]
local all_read = (last and last[1] or '0-0') == (redis.call('GET', KEYS[6]) or '0-0')

for i = first, #ARGV, 5 do
  local stream, turn, state = KEYS[tonumber(ARGV[i + 1])], ARGV[i + 3], ARGV[i + 4]
  local id = redis.call('XADD', stream, '*', 'data', ARGV[i + 2])
  redis.call('HSET', game, 'answer:' .. ARGV[i], stream .. ' ' .. id)
  if state ~= '' then
    version = redis.call('XADD', states, '*', 'data', state)
    redis.call('HSET', game, 'version', version, 'turn', turn, 'state', state)
    if all_read then redis.call('SET', KEYS[6], version) end -- no need to read our own state
  end
end
for i = 4, first - 1 do redis.call('XACK', moves, group, ARGV[i]) end
if version == '' then redis.call('EXPIRE', game, 86400) end -- no such game: keep it for a day
return version
