// How much is let in, beside what an ideal bucket would let in, while everything asks for more than there is.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { keepStore, type StoreOptions } from '../../plugins/ratelimit/open.ts';
import type { Rate } from '../../plugins/ratelimit/store.ts';
import { Keeper } from '../../src/gateway/keep.ts';
import { bareHost } from '../../test/fixtures/bare-host.ts';
import { startRedis } from '../../test/fixtures/redis.ts';

const TAKER = fileURLToPath(new URL('./taker.ts', import.meta.url));
/** The burst is what comes back during a restart, and some more. */
const RATE: Rate = { kind: 'rate', units: 1_000, window: 1_000, burst: 800 };
const HALF_MS = 2_000;
const COMMON = { keys: 100_000, fail: 'local', deadline: 50 } as const;

export interface Admitted {
  readonly what: string;
  readonly admitted: number;
  readonly ideal: number;
}

/** One taker, from its first line to its last. */
interface Taken {
  readonly from: number;
  readonly to: number;
  readonly admitted: number;
  /** What nobody asked for in the end. */
  readonly left: number;
}

function startTaker(options: StoreOptions): { readonly end: (how: 'orderly' | 'killed') => Promise<Taken> } {
  const child = Bun.spawn([process.execPath, TAKER, JSON.stringify(options), JSON.stringify(RATE)], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const output = child.stdout.text();
  return {
    async end(how) {
      if (how === 'killed') child.kill('SIGKILL');
      else child.stdin.end();
      await child.exited;
      const lines = (await output).trim().split('\n');
      const [from = Number.NaN] = (lines[0] ?? '').split(' ').map(Number);
      const [to = Number.NaN, admitted = Number.NaN, left = 0] = (lines.at(-1) ?? '').split(' ').map(Number);
      return { from, to, admitted, left };
    },
  };
}

function judged(what: string, all: readonly Taken[]): Admitted {
  const spanMs = Math.max(...all.map(({ to }) => to)) - Math.min(...all.map(({ from }) => from));
  const admitted = all.reduce((sum, each) => sum + each.admitted, 0);
  const left = all.toSorted((a, b) => a.to - b.to).at(-1)?.left ?? 0;
  return { what, admitted, ideal: RATE.burst + (spanMs / RATE.window) * RATE.units - left };
}

/** @param between what happens in the middle */
async function together(
  what: string,
  options: readonly StoreOptions[],
  between = async () => {},
): Promise<Admitted> {
  const takers = options.map(startTaker);
  await pause(HALF_MS);
  await between();
  await pause(HALF_MS);
  return judged(what, await Promise.all(takers.map(({ end }) => end('orderly'))));
}

async function restarted(what: string, options: StoreOptions, how: 'orderly' | 'killed'): Promise<Admitted> {
  const first = startTaker(options);
  await pause(HALF_MS);
  const before = await first.end(how);
  const second = startTaker(options);
  await pause(HALF_MS);
  return judged(what, [before, await second.end('orderly')]);
}

/** In this process, from one generation to the next. */
async function reloaded(): Promise<Admitted> {
  const keeper = new Keeper();
  const options: StoreOptions = { kind: 'memory', keys: COMMON.keys };
  let scope = keeper.scope();
  let store = keepStore({ ...bareHost(), keep: scope.keep }, options);
  const from = Date.now();
  let [admitted, reloads] = [0, 0];
  while (Date.now() - from < 2 * HALF_MS) {
    const [told] = await store.take([{ key: 'shared', limit: RATE, cost: 1 }]);
    if (told?.admitted) admitted += 1;
    else await pause(1);
    if (Date.now() - from < reloads * 100) continue;
    reloads += 1;
    const [last, next] = [scope, keeper.scope()];
    store = keepStore({ ...bareHost(), keep: next.keep }, options);
    scope = next;
    await last.release();
  }
  const to = Date.now();
  const [told] = await store.peek([{ key: 'shared', limit: RATE }]);
  await scope.release();
  return judged(`memory, ${reloads} reloads`, [{ from, to, admitted, left: told?.remaining ?? 0 }]);
}

export async function* admissions(): AsyncGenerator<Admitted> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  await using redis = await startRedis();
  const file = (name: string): StoreOptions => ({
    kind: 'sqlite',
    ...COMMON,
    replicas: 3,
    deadline: 250,
    path: join(dir, name),
  });
  const shared = (prefix: string, replicas = 3): StoreOptions => ({
    kind: 'redis',
    ...COMMON,
    replicas,
    url: redis.url,
    prefix,
  });
  const three = (options: StoreOptions): StoreOptions[] => [options, options, options];
  try {
    yield await together('memory, one process', [{ kind: 'memory', keys: COMMON.keys }]);
    yield await reloaded();
    yield await together('sqlite, one process', [file('one.db')]);
    yield await together('sqlite, three processes', three(file('three.db')));
    yield await restarted('sqlite, restarted', file('restarted.db'), 'orderly');
    yield await restarted('sqlite, killed and started', file('killed.db'), 'killed');
    yield await together('redis, one process', [shared('one:', 1)]);
    yield await together('redis, three processes', three(shared('three:')));
    yield await restarted('redis, gateway killed and started', shared('restarted:', 1), 'killed');
    yield await together('redis, three processes, Redis emptied', three(shared('emptied:')), async () => {
      await redis.say('FLUSHALL');
    });
    yield await together(
      'redis, three processes, Redis killed and started',
      three(shared('killed:')),
      async () => {
        await redis.kill();
        await redis.start();
      },
    );
    yield await together(
      'redis, three processes, Redis held for a second',
      three(shared('held:')),
      async () => {
        redis.hold();
        await pause(1_000);
        redis.release();
      },
    );
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
