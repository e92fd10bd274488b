// What runs in Redis: all limits of an ask at once, by the clock of Redis. Says the same as ledger.ts; a test holds the
// two side by side. What it answers are levels: what they mean is worked out here.

import { createHash } from 'node:crypto';
import type { State } from './gcra.ts';
import { capacity, changeOf, inScale, mostOf, scaleOf } from './standing.ts';
import type { Ask, Counted, Limit, Settlement } from './store.ts';

/** What this process knows of a key: it holds where Redis has forgotten, or where it is newer. */
type Known = { readonly state: State; readonly ahead: boolean } | undefined;

/**
 * KEYS: one for each limit. ARGV: what to do, and nine for each key: kind, scale, units, capacity, what is asked for (or
 * changed), how long ago it was taken, how far debts go, the state that is known here, and whether it is ahead.
 * Answers the time, 1 where it was taken, and what was used before for each key.
 */
export const SCRIPT = `
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local WEEK, MONDAY = 604800000000, 345600000000
-- Milliseconds that a key can be told to last: three thousand years.
local LONGEST = 100000000000000
local op, admitted, views, last = ARGV[1], 1, {}, {}

local function level_of(v, at, level, scale)
  if v.kind == 'rate' then
    if scale ~= v.scale then level = math.floor(level * (v.scale / scale) + 0.5) end
    return math.max(0, level - math.max(0, now - at) * v.units)
  end
  if scale ~= v.scale or at < v.start then return 0 end
  return level
end

local function read(v, text)
  local at, level, scale = string.match(text or '', '^(%-?%d+) (%d+) (%d+)$')
  if not at then return nil end
  return level_of(v, tonumber(at), tonumber(level), tonumber(scale)), tonumber(at)
end

local function look(key, a)
  local v = { key = key, kind = ARGV[a], scale = tonumber(ARGV[a + 1]), units = tonumber(ARGV[a + 2]) }
  v.most, v.want = tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4])
  v.ago, v.debt = tonumber(ARGV[a + 5]), tonumber(ARGV[a + 6])
  local first = v.scale % WEEK == 0 and MONDAY or 0
  v.start = math.floor((now - first) / v.scale) * v.scale + first
  v.at = v.kind == 'rate' and now or v.start
  local same = last[key]
  if same then
    v.level, v.dirty = same.level + same.want, false
  else
    local level, at = read(v, redis.call('GET', key))
    local known = read(v, ARGV[a + 7])
    v.dirty = at and at > v.at
    if known and known > 0 and (not level or (ARGV[a + 8] == '1' and known > level)) then
      level, v.dirty = known, true
    end
    v.level = level or 0
  end
  last[key] = v
  return v
end

local function keep(v, level)
  if level == v.level and not v.dirty then return end
  local rest = v.kind == 'rate' and level / v.units or v.start + v.scale - now
  local text = string.format('%.0f %.0f %.0f', v.at, level, v.scale)
  redis.call('SET', v.key, text, 'PX', string.format('%.0f', math.min(math.floor(rest / 1000) + 1, LONGEST)))
end

local function settle(v)
  if v.want > 0 then return math.max(v.level, math.min(v.level + v.want, v.debt)) end
  if v.kind == 'quota' and now - v.ago < v.start then return v.level end
  return math.max(0, v.level + v.want)
end

local answer = {}
for i, key in ipairs(KEYS) do
  local v = look(key, (i - 1) * 9 + 2)
  views[i] = v
  if op == 'settle' then
    local level = settle(v)
    keep(v, level)
    v.level, v.want = level, 0
  elseif v.want > 0 and v.level + v.want > v.most then admitted = 0 end
  answer[i] = string.format('%.0f', v.level)
end
if op == 'take' then
  for _, v in ipairs(views) do keep(v, v.level + admitted * v.want) end
end
return { string.format('%.0f', now), admitted, unpack(answer) }
`;

export const SCRIPT_SHA = createHash('sha1').update(SCRIPT).digest('hex');

export function takeArguments(asks: readonly Ask[], known: readonly Known[]): string[] {
  return ['take', ...asks.flatMap((ask, at) => oneOf(ask.limit, inScale(ask.limit, ask.cost), 0, known[at]))];
}

export function peekArguments(keys: readonly Counted[], known: readonly Known[]): string[] {
  return ['peek', ...keys.flatMap(({ limit }, at) => oneOf(limit, 0, 0, known[at]))];
}

export function settleArguments(settlements: readonly Settlement[], known: readonly Known[]): string[] {
  return [
    'settle',
    ...settlements.flatMap((each, at) => {
      const { change, ago } = changeOf(each);
      return oneOf(each.limit, change, ago, known[at]);
    }),
  ];
}

function oneOf(limit: Limit, want: number, ago: number, known: Known): string[] {
  const { state, ahead = false } = known ?? {};
  return [
    limit.kind,
    String(scaleOf(limit)),
    String(limit.units),
    whole(capacity(limit)),
    whole(want),
    whole(ago),
    whole(mostOf(limit)),
    state ? `${whole(state.at)} ${whole(state.level)} ${whole(state.scale)}` : '',
    ahead ? '1' : '',
  ];
}

/** As digits alone: large numbers would be written with an exponent. */
function whole(value: number): string {
  return Number.isFinite(value) ? BigInt(Math.round(value)).toString() : '1e300';
}

/** What the script answers. */
export interface Reply {
  /** Microseconds since the epoch, of Redis. */
  readonly now: number;
  readonly isTaken: boolean;
  /** What was used before; of a settlement, after. */
  readonly levels: readonly number[];
}

/** @throws Error where it is something else */
export function readReply(value: unknown, keys: number): Reply {
  if (!Array.isArray(value) || value.length !== keys + 2) throw new Error('an answer of another script');
  const [now, isTaken, ...levels] = value.map(Number);
  if (now === undefined || value.some((each) => !Number.isFinite(Number(each))))
    throw new Error('an answer without numbers');
  return { now, isTaken: isTaken === 1, levels };
}
