-- Write what was decided about one game, and acknowledge its entries: all of it or nothing.
-- KEYS  the game's hash, make-move, game-states, move-made, move-rejected, how far game-states
--       was read
-- ARGV  the group, the version that the decisions stand on, how many entries to acknowledge,
--       their IDs; then five a decision: request, its stream's place in KEYS, answer, turn, state
-- Returns the game's version, or nil if it is not as it was, or a request was answered meanwhile.
local game, asked, states = KEYS[1], KEYS[2], KEYS[3]
local group, version, acks = ARGV[1], ARGV[2], tonumber(ARGV[3])
local first = 4 + acks

if (redis.call('HGET', game, 'version') or '') ~= version then return false end
for i = first, #ARGV, 5 do
  if redis.call('HEXISTS', game, 'answer:' .. ARGV[i]) == 1 then return false end
end

for i = 2, 5 do -- what fails half-way stays half done: see beforehand
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
    if all_read then redis.call('SET', KEYS[6], version) end -- what we write we need not read
  end
end
for i = 4, first - 1 do redis.call('XACK', asked, group, ARGV[i]) end
if version == '' then redis.call('EXPIRE', game, 86400) end -- there is no such game: a day will do
return version
