// What runs in Redis says what the ledger says, whatever is asked and however its clock goes.
import { expect, test } from 'bun:test';
import { RedisClient } from 'bun';
import fc from 'fast-check';
import { digestOf } from '../../../plugins/ratelimit/digest.ts';
import {
  readReply,
  SCRIPT,
  settleArguments,
  takeArguments,
} from '../../../plugins/ratelimit/redis-script.ts';
import { inScale, tell, view } from '../../../plugins/ratelimit/standing.ts';
import type { Ask, Limit, Settlement } from '../../../plugins/ratelimit/store.ts';
import { redisProgram, startRedis } from '../../fixtures/redis.ts';
import { counting } from './counting.ts';

const limits: readonly Limit[] = [
  { kind: 'rate', units: 7, window: 1_000, burst: 5 },
  { kind: 'rate', units: 100_000, window: 1_000, burst: 300 },
  { kind: 'rate', units: 3, window: 86_400_000, burst: 40 },
  { kind: 'rate', units: 1, window: 1, burst: 1_000_000_000 },
  { kind: 'quota', units: 200, window: 604_800_000 },
  { kind: 'quota', units: 100, window: 3_600_000 },
  { kind: 'quota', units: 1e12, window: 604_800_000 },
  { kind: 'rate', units: 1, window: 604_800_000, burst: 1e9 },
];
const counted = fc.record({ key: fc.constantFrom('a', 'b'), limit: fc.nat(limits.length - 1) });
const named = (one: { key: string; limit: number }) => ({
  key: `${one.key} ${one.limit}`,
  limit: limits[one.limit] as Limit,
});
const cost = fc.oneof(
  fc.nat(8),
  fc.nat(400),
  fc.nat(1_000_000_000),
  fc.double({ min: 0, max: 3, noNaN: true }),
);
const step = fc.oneof(
  fc.record({ take: fc.array(fc.tuple(counted, cost), { minLength: 1, maxLength: 5 }) }),
  fc.record({ settle: fc.tuple(counted, cost, cost, fc.nat(10_000)) }),
  // The clock was put back, or the window of a limit was another one.
  fc.record({ jump: fc.tuple(counted, fc.integer({ min: -5_000_000, max: 90_000_000 }), fc.nat(20)) }),
);

test.skipIf(redisProgram === null)('side by side with the ledger', async () => {
  await using redis = await startRedis();
  const client = new RedisClient(redis.url);
  const run = async (keys: readonly { key: string; limit: Limit }[], args: readonly string[]) => {
    const names = keys.map(digestOf);
    return readReply(
      await client.send('EVAL', [SCRIPT, String(names.length), ...names, ...args]),
      keys.length,
    );
  };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
      await client.send('FLUSHALL', []);
      const { store, clock } = counting();
      for (const each of steps) {
        if ('take' in each) {
          const asks: Ask[] = each.take.map(([one, units]) => ({ ...named(one), cost: units }));
          const reply = await run(asks, takeArguments(asks, []));
          clock.now = reply.now / 1_000;
          const told = asks.map((ask, at) => {
            const found = view(ask.limit, reply.levels[at] ?? Number.NaN, inScale(ask.limit, ask.cost));
            return tell(found, found.level + (reply.isTaken ? found.want : 0), reply.now);
          });
          expect(told).toEqual(store.take(asks));
        } else if ('settle' in each) {
          const [one, taken, came, afterMs] = each.settle;
          const settlement: Settlement = { ...named(one), taken, cost: came, afterMs };
          const reply = await run([settlement], settleArguments([settlement], []));
          clock.now = reply.now / 1_000;
          store.adjust([settlement]);
          const left = tell(
            view(settlement.limit, reply.levels[0] ?? Number.NaN, 0),
            reply.levels[0] ?? 0,
            reply.now,
          );
          expect([left]).toMatchObject(
            store.peek([settlement]).map(({ remaining, resetMs }) => ({ remaining, resetMs })),
          );
        } else {
          const [one, ahead, units] = each.jump;
          const { limit } = named(one);
          const [seconds, micros] = (await client.send('TIME', [])).map(Number);
          const at = seconds * 1_000_000 + micros + ahead * 1_000;
          const state = { at, level: inScale(limit, units), scale: limit.window * 1_000 * (1 + (units % 2)) };
          const digest = digestOf(named(one));
          await client.send('SET', [digest, `${state.at} ${state.level} ${state.scale}`]);
          store.set(digest, state, limit);
        }
      }
    }),
  );
  client.close();
});
