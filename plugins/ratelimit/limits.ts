// The limits of an entry, ready to be asked: from options to what is counted, for whom, and at what cost.

import { anyGlob, type Exchange } from '../../src/plugin.ts';
import { perText } from './amounts.ts';
import { costAfterOf, costOf, type Ending } from './costs.ts';
import { type Keys, keysOf } from './keys.ts';
import type { LimitOptions } from './options.ts';
import { dimensionsOf } from './rules.ts';
import type { Failing, Limit } from './store.ts';
import type { Subject } from './subject.ts';

interface Common {
  readonly name: string;
  /** For people: `60 per minute`. */
  readonly text: string;
  readonly keys: Keys;
  /** What it is counted by, for `sluice limits`. */
  readonly per: readonly string[];
  readonly shadow: boolean;
  /** Whether it is about this message. */
  applies(subject: Subject): boolean;
  cost(subject: Subject): number;
}

/** So many in a time. */
export interface CountedLimit extends Common {
  readonly limit: Limit;
  readonly most: number;
  readonly fail: Failing | undefined;
  readonly counts: 'all' | 'failures';
  readonly after: ((subject: Subject, cost: number, ending: Ending) => number) | undefined;
}

/** So many at once. */
export interface HeldLimit extends Common {
  readonly of: NonNullable<LimitOptions['of']>;
  readonly most: number;
  readonly queue: { readonly length: number; readonly timeout: number } | undefined;
  /** Most that one tenant has. */
  readonly share: number;
}

export interface Limits {
  readonly counted: readonly CountedLimit[];
  /** Those of `counted` that are known before anybody is let in. */
  readonly atDoor: readonly CountedLimit[];
  /** Those that count callers who were not let in. */
  readonly failures: readonly CountedLimit[];
  readonly held: readonly HeldLimit[];
  /** Whether every key of the store belongs to one tenant. */
  readonly hasTenant: boolean;
}

/** What is no call of anybody, unless a limit names it: signs of life, what is no request, the end of a session. */
const FREE = ['ping', 'GET', 'DELETE', 'POST'];
const ONE = { calls: 'call', streams: 'stream', sessions: 'session' } as const;
const STREAMS = ['subscriptions/listen', 'GET'];

export function limitsOf(all: readonly LimitOptions[]): Limits {
  const counted = all.flatMap((each) => countedOf(each) ?? []);
  const forAll = counted.filter(({ counts }) => counts === 'all');
  return {
    counted: forAll,
    atDoor: forAll.filter(({ keys }) => keys.isAtDoor),
    failures: counted.filter(({ counts }) => counts === 'failures'),
    held: all.flatMap((each) => heldOf(each) ?? []),
    hasTenant: counted.every(({ keys }) => keys.hasTenant),
  };
}

function countedOf(options: LimitOptions): CountedLimit | undefined {
  const limit = storeLimit(options);
  if (!limit) return undefined;
  const { burst, rate, quota, count = 'all', fail, cost_after } = options;
  const amount = rate ?? quota;
  return {
    ...commonOf(options, amount ? perText(amount) : ''),
    limit,
    most: rate ? (burst ?? rate.units) : limit.units,
    fail,
    counts: count,
    after: costAfterOf(cost_after),
  };
}

function storeLimit({ rate, quota, burst }: LimitOptions): Limit | undefined {
  if (rate) return { kind: 'rate', ...rate, burst: burst ?? rate.units };
  return quota && { kind: 'quota', ...quota };
}

function heldOf(options: LimitOptions): HeldLimit | undefined {
  const { concurrency: most, of = 'calls', queue, share = 1 } = options;
  if (most === undefined) return undefined;
  const text = `${most} ${most === 1 ? ONE[of] : of} ${of === 'calls' ? 'at once' : 'open'}`;
  return { ...commonOf(options, text), of, most, queue, share: Math.max(1, Math.floor(most * share)) };
}

function commonOf(options: LimitOptions, text: string): Common {
  const { name, when = {}, cost, shadow = false, of = 'calls' } = options;
  const per = dimensionsOf(options.per);
  const methods = when.methods && anyGlob(when.methods);
  const tools = when.tools && anyGlob(when.tools);
  const upstreams = when.upstreams && anyGlob(when.upstreams);
  const keys = keysOf(per);
  const free = keys.isAtDoor ? [] : FREE;
  const meant = (method: string): boolean => {
    if (of === 'sessions') return true;
    if (of === 'streams') return STREAMS.includes(method);
    if (options.concurrency !== undefined && STREAMS.includes(method)) return false;
    return methods ? methods(method) : !free.includes(method);
  };
  return {
    name,
    text,
    keys,
    per,
    shadow,
    applies: (subject) =>
      meant(subject.method) &&
      (!tools || subject.tools.some(tools)) &&
      (!upstreams || upstreams(subject.upstream)),
    cost: costOf(cost),
  };
}

/** Whether anybody has sent it as a call of its own. */
export function isCharged({ isOwn, round }: Exchange): boolean {
  return !isOwn && round === 1;
}
