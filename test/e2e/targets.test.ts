// One upstream in two places, or in one that fails: a whole gateway, real servers, and calls that go on and on.
import { afterEach, describe, expect, test } from 'bun:test';
import { call, openSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import {
  answer,
  type Behaviour,
  json,
  type Rogue,
  type RogueOptions,
  startRogue,
  status,
} from '../fixtures/rogue.ts';
import { until } from '../fixtures/until.ts';
import type { Answer } from '../fixtures/wire.ts';

type Era = '2025' | '2026';
const ERAS: readonly Era[] = ['2025', '2026'];
const CALLS = 200;
const AT_ONCE = 8;

const rogues: Rogue[] = [];
afterEach(async () => {
  await Promise.all(rogues.splice(0).map((rogue) => rogue.stop()));
});

/** A server that says its name, or does what it is told to do instead. */
async function replica(name: string, era: Era, options: RogueOptions = {}) {
  const state: { instead: Behaviour | undefined } = { instead: undefined };
  const rogue = await startRogue((hit, res) => json(res, answer(hit, name)), {
    era,
    before: (hit, res, self) => (state.instead ? state.instead(hit, res, self) : false),
    ...options,
  });
  rogues.push(rogue);
  return Object.assign(rogue, {
    instead(behave: Behaviour | undefined) {
      state.instead = behave;
    },
  });
}

interface Told {
  readonly text: string | undefined;
  readonly status: number;
  readonly retryAfter: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: whatever came
  readonly error: any;
}

async function toldOf(got: Answer): Promise<Told> {
  const { result, error } = (await got.messages()).at(-1);
  const retryAfter = got.headers['retry-after'];
  return {
    text: result?.content?.[0]?.text,
    status: got.status,
    retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
    error,
  };
}

/** Makes calls; of a client of 2025 all are of one session. */
async function client({ url }: InProcess, era: Era): Promise<(tool?: string) => Promise<Told>> {
  if (era === '2026') return async (tool = 'tool') => toldOf(await call(url, tool));
  const session = await openSession(url);
  return async (tool = 'tool') => toldOf(await session.call(tool));
}

/** Calls by several clients, each after its last one, as long as they are wanted. */
async function load(callers: readonly (() => Promise<Told>)[], goesOn: (calls: number) => boolean) {
  const told: Told[] = [];
  let begun = 0;
  const work = async (one: () => Promise<Told>): Promise<void> => {
    while (goesOn(begun++)) told.push(await one());
  };
  await Promise.all(callers.map(work));
  return told;
}

const times =
  (calls: number) =>
  (begun: number): boolean =>
    begun < calls;

const stateOf = ({ gateway }: InProcess, index = 0) => gateway.report().upstreams[0]?.targets[index]?.state;

/** Nobody waits for long; the answers of servers that work take far less. */
const HASTE = { timeouts: { first_byte: '500ms', start: '500ms' }, health: { timeout: '500ms' } };

const ways: [string, (hit: Parameters<Behaviour>[0], res: Parameters<Behaviour>[1]) => unknown][] = [
  ['is gone', (_, res) => res.socket?.destroy()],
  ['answers 500', (_, res) => status(res, 500)],
  ['hangs', () => {}],
];

for (const era of ERAS) {
  describe(`two places, ${era}`, () => {
    test.each(ways)(
      'one %s under load: once it is passed over every call succeeds, and healed it gets calls',
      async (what, way) => {
        const [one, two] = [await replica('one', era), await replica('two', era)];
        const upstream = {
          urls: [one.url, two.url],
          balance: 'round_robin',
          ...(what === 'hangs' ? HASTE : {}),
        };
        await using gateway = await startInProcess(configOf({ up: upstream }));
        const callers = await Promise.all(Array.from({ length: AT_ONCE }, () => client(gateway, era)));
        const before = await load(callers, times(AT_ONCE * 4));
        expect(new Set(before.map(({ text }) => text))).toEqual(new Set(['one', 'two']));
        one.instead(way);
        const unknown = await load(callers, () => stateOf(gateway) === 'closed');
        // A handful, beside those at work at once.
        expect(unknown.filter(({ error }) => error).length).toBeLessThanOrEqual(5 + AT_ONCE);
        const away = await load(callers, times(CALLS));
        expect(away.filter(({ text }) => text !== 'two')).toEqual([]);
        one.instead(undefined);
        // Sessions of 2025 stay where they went; a new one may go to either.
        await until(async () => (await (await client(gateway, era))()).text === 'one');
        expect(stateOf(gateway)).toBe('closed');
      },
    );

    test('both gone: refused with the reason, and found again', async () => {
      const both = [await replica('one', era), await replica('two', era)];
      await using gateway = await startInProcess(configOf({ up: { urls: both.map(({ url }) => url) } }));
      const one = await client(gateway, era);
      expect((await one()).error).toBeUndefined();
      for (const each of both) each.instead((_, res) => res.socket?.destroy());
      await until(async () => (await one()).retryAfter !== undefined);
      const { status: code, retryAfter, error } = await one();
      expect([code, retryAfter]).toEqual([503, '1']);
      expect(error.data).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', upstream: 'up' });
      expect(error.message).toContain('calls in a row failed');
      for (const each of both) each.instead(undefined);
      await until(async () => (await one()).error === undefined);
    });
  });

  describe(`one place, ${era}`, () => {
    test('half of its calls fail: nothing is sent that no client sent, and it gets better', async () => {
      const up = await replica('one', era);
      await using gateway = await startInProcess(configOf({ up: { url: up.url } }));
      const one = await client(gateway, era);
      expect((await one()).text).toBe('one');
      let count = 0;
      up.instead((hit, res) =>
        hit.message.method === 'tools/call' && count++ % 2 === 0 ? status(res, 500) : false,
      );
      const sent = up.of('tools/call').length;
      const results = await load([one, one, one, one], times(CALLS));
      expect(up.of('tools/call').length - sent).toBeLessThanOrEqual(CALLS * 1.2);
      expect(results.some(({ text }) => text === 'one')).toBe(true);
      up.instead(undefined);
      await until(async () => (await one()).error === undefined);
      const after = await load([one], times(20));
      expect(after.filter(({ error }) => error)).toEqual([]);
    });

    test('five failures, and its calls are not sent; the upstream beside does not notice', async () => {
      const [bad, good] = [await replica('bad', era), await replica('good', era)];
      await using gateway = await startInProcess(
        configOf({ bad: { url: bad.url }, good: { url: good.url } }),
      );
      const one = await client(gateway, era);
      await one('bad__tool');
      bad.instead((hit, res) => (hit.message.method === 'tools/call' ? status(res, 500) : status(res, 503)));
      for (let n = 0; n < 5; n++) expect((await one('bad__tool')).error.message).toContain('answered 500');
      const sent = bad.of('tools/call').length;
      const [refused, fine] = await Promise.all([
        load(
          [one, one, one, one].map((each) => () => each('bad__tool')),
          times(CALLS),
        ),
        load(
          [one, one, one, one].map((each) => () => each('good__tool')),
          times(CALLS),
        ),
      ]);
      expect(refused.filter(({ status: code }) => code !== 503)).toEqual([]);
      expect(fine.filter(({ text }) => text !== 'good')).toEqual([]);
      expect(bad.of('tools/call').length).toBe(sent);
      expect(await gateway.figure('upstreamTrips', { upstream: 'bad' })).toBe(1);
      expect(await gateway.figure('upstreamTrips', { upstream: 'good' })).toBe(0);
    });
  });
}

test('a reload keeps what is known of an upstream that did not change', async () => {
  const up = await replica('one', '2026');
  const upstreams = { up: { url: up.url, breaker: { open: '1h', open_max: '1h' } } };
  await using gateway = await startInProcess(configOf(upstreams));
  const one = await client(gateway, '2026');
  up.instead((_, res) => status(res, 500));
  await until(async () => (await one()).status === 503);
  gateway.configure(configOf(upstreams, { drain: '4s' }));
  expect(await gateway.reload()).toMatchObject({ ok: true });
  expect(stateOf(gateway)).toBe('open');
  up.instead(undefined);
  expect((await one()).status).toBe(503);
  // One that changed is another upstream.
  gateway.configure(configOf({ up: { url: up.url } }));
  expect(await gateway.reload()).toMatchObject({ ok: true });
  expect((await one()).text).toBe('one');
});

test('a place that was killed and comes back on its port is found', async () => {
  const one = await replica('one', '2026');
  const two = await replica('two', '2026');
  await using gateway = await startInProcess(
    configOf({ up: { urls: [one.url, two.url], balance: 'first' } }),
  );
  const ask = await client(gateway, '2026');
  expect((await ask()).text).toBe('one');
  await one.stop();
  await until(async () => (await ask()).text === 'two' && stateOf(gateway) === 'open');
  await replica('three', '2026', { port: Number(new URL(one.url).port) });
  await until(async () => (await ask()).text === 'three');
});
