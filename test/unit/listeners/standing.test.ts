// What a session watches: asked for in portions, told once, told again after a gap.
import { beforeEach, describe, expect, test } from 'bun:test';
import { Standing } from '../../../src/listeners/standing.ts';
import { ACKNOWLEDGED } from '../../../src/listeners/subscription.ts';
import { McpNotification, McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { settle } from '../../../src/testing/clock.ts';
import { type TestHost, testHost } from '../../fixtures/exchanges.ts';
import { longAfter } from '../../fixtures/long-after.ts';

interface Run {
  readonly uris: readonly string[];
  readonly lists: boolean;
  readonly signal: AbortSignal;
  acknowledge(): void;
  tell(method: string, params?: Parameters<typeof McpNotification.of>[1]): void;
}

const UPDATED = 'notifications/resources/updated';
const TOOLS = 'notifications/tools/list_changed';

let runs: Run[];
let heard: string[];
let refuses: (uri: string) => boolean;
/** Whether runs are acknowledged as they begin. */
let prompt: boolean;
let standing: Standing;
let host: TestHost;

beforeEach(() => {
  [runs, heard, refuses, prompt] = [[], [], () => false, true];
  host = testHost();
  standing = new Standing({
    host,
    limits: () => ({ events: 256, streamBuffer: 1_000_000, subscribeTimeout: 5_000 }),
    run(filter, signal, emit) {
      const asked = filter.get('resourceSubscriptions');
      const uris = Array.isArray(asked) ? asked.map(String) : [];
      const run: Run = {
        uris,
        lists: filter.get('toolsListChanged') === true,
        signal,
        acknowledge() {
          const honoured = uris.filter((uri) => !refuses(uri));
          const notifications = filter.with({ resourceSubscriptions: honoured });
          emit(new McpNotification(ACKNOWLEDGED, RawObject.of({}).with({ notifications })));
        },
        tell: (method, params = {}) => emit(McpNotification.of(method, params)),
      };
      runs.push(run);
      if (prompt) run.acknowledge();
      const { promise, resolve } = Promise.withResolvers<McpResult>();
      signal.addEventListener('abort', () => resolve(McpResult.complete({})));
      return promise;
    },
  });
});

const sink = (text: string): undefined => {
  const { method, params } = JSON.parse(text);
  heard.push(`${method.split('/').slice(1).join('/')} ${params?.uri ?? ''}`.trim());
};
const uri = (i: number) => `test://${i}`;
const live = () => runs.filter(({ signal }) => !signal.aborted);
const all = (count: number) => [...Array(count).keys()].map(uri);

describe('many resources', () => {
  test('asked for one after the other cost no more each than the first ones', async () => {
    for (const each of all(500)) expect(await standing.subscribe(each)).toBe(true);
    expect(runs.length).toBe(500);
    expect(Math.max(...runs.map(({ uris }) => uris.length))).toBe(64);
    expect(live().flatMap(({ uris }) => uris)).toEqual(all(500));
    expect(live().filter(({ lists }) => lists).length).toBe(1);
  });

  test('asked for at once are asked for together', async () => {
    expect(await Promise.all(all(200).map((each) => standing.subscribe(each)))).toEqual(
      Array(200).fill(true),
    );
    expect(runs.length).toBe(4);
  });

  test('asked for while the upstream takes its time wait for it together', async () => {
    prompt = false;
    const first = standing.subscribe(uri(0));
    await settle();
    const others = [1, 2, 3].map((i) => standing.subscribe(uri(i)));
    await settle();
    expect(runs.map(({ uris }) => uris.length)).toEqual([1]);
    runs[0]?.acknowledge();
    expect(await first).toBe(true);
    await settle();
    expect(runs.map(({ uris }) => uris.length)).toEqual([1, 4]);
    runs[1]?.acknowledge();
    expect(await Promise.all(others)).toEqual([true, true, true]);
  });

  test('an upstream that takes longer than limits.subscribe_timeout is taken to watch, and that is counted', async () => {
    prompt = false;
    expect(await longAfter(() => standing.subscribe(uri(0)), settle)).toBe(true);
    expect([standing.has(uri(0)), await host.figure('timeouts', { kind: 'subscribe' })]).toEqual([true, 1]);
  });

  test('given up leave nothing behind but the lists', async () => {
    await Promise.all(all(130).map((each) => standing.subscribe(each)));
    await Promise.all(all(130).map((each) => standing.unsubscribe(each)));
    expect([standing.size, live().map(({ uris, lists }) => [uris.length, lists])]).toEqual([0, [[0, true]]]);
  });
});

test('one that the upstream does not watch is not watched, and not asked for again', async () => {
  refuses = (each) => each === uri(1);
  expect(await standing.subscribe(uri(0))).toBe(true);
  expect(await standing.subscribe(uri(1))).toBe(false);
  expect([standing.has(uri(1)), standing.size]).toEqual([false, 1]);
  expect(await standing.subscribe(uri(2))).toBe(true);
  expect(live()[0]?.uris).toEqual([uri(0), uri(2)]);
});

test('each portion tells of its own resources, the first of everything else', async () => {
  standing.attach(sink);
  await Promise.all(all(70).map((each) => standing.subscribe(each)));
  const [first, second] = live();
  for (const run of [first, second]) {
    run?.tell(TOOLS);
    run?.tell('notifications/message', { level: 'info', data: 'x' });
    run?.tell(UPDATED, { uri: uri(3) });
    run?.tell(UPDATED, { uri: 'test://other' });
  }
  expect(heard).toEqual([
    'tools/list_changed',
    'message',
    `resources/updated ${uri(3)}`,
    `resources/updated ${uri(3)}`,
  ]);
});

test('without a stream the latest of each waits: lists as one, and every resource', async () => {
  await Promise.all(all(600).map((each) => standing.subscribe(each)));
  for (let i = 0; i < 3; i++)
    for (const run of live()) {
      if (run.lists) run.tell(TOOLS);
      for (const each of run.uris) run.tell(UPDATED, { uri: each });
    }
  standing.attach(sink);
  expect(heard.length).toBe(601);
  expect(new Set(heard).size).toBe(601);
});

describe('a session that comes back', () => {
  test('watches what it watched, and hears once that it may have changed', async () => {
    standing.restore(all(70));
    expect(live().map(({ uris }) => uris.length)).toEqual([64, 6]);
    standing.attach(sink);
    const lists = ['tools', 'prompts', 'resources'].map((each) => `${each}/list_changed`);
    expect(heard.toSorted()).toEqual(
      [...lists, ...all(70).map((each) => `resources/updated ${each}`)].toSorted(),
    );
    heard.length = 0;
    standing.renew();
    expect(await standing.subscribe(uri(0))).toBe(true);
    expect([heard, standing.size]).toEqual([[], 70]);
  });

  test('that watched nothing hears of lists when it listens, and not before', () => {
    standing.restore([]);
    expect(runs).toEqual([]);
    standing.attach(sink);
    expect(heard.toSorted()).toEqual([
      'prompts/list_changed',
      'resources/list_changed',
      'tools/list_changed',
    ]);
  });

  test('is not told of a session that is new', () => {
    standing.attach(sink);
    expect([runs.length, heard]).toEqual([1, []]);
  });
});

test('another generation renews what runs, and nothing else', async () => {
  standing.renew();
  expect(runs).toEqual([]);
  await Promise.all(all(70).map((each) => standing.subscribe(each)));
  runs.length = 0;
  standing.renew();
  expect(runs.map(({ uris }) => uris.length)).toEqual([64, 6]);
});
