// Who is told that a list has changed: each whose view of it has, once for a burst.
import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test';
import type { Exchange } from '../../../src/core/exchange.ts';
import type { Emit } from '../../../src/core/handler.ts';
import { McpNotification, McpResult } from '../../../src/protocol/message.ts';
import { type ClientOptions, clientOf, exchange } from '../../fixtures/exchanges.ts';
import { down, routerOver, source, type TestSource } from './sources.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const ACK = 'notifications/subscriptions/acknowledged';
const CHANGED = McpNotification.of('notifications/tools/list_changed', {});
const LISTS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
const named = (...names: string[]) => names.map((name) => ({ name }));

type Answer = string[] | 'hangs' | 'down';

/** An upstream whose tools the test changes, by caller, and which says so when it is told to. */
function changing(name: string, tools: (x: Exchange) => Answer, acknowledges = true) {
  const emits = new Set<Emit>();
  const made = source(
    name,
    {
      'tools/list': (x) => {
        const now = tools(x);
        if (now === 'hangs') return new Promise<never>(() => {});
        return now === 'down' ? down : { tools: named(...now) };
      },
      'subscriptions/listen': (x, emit) => {
        emits.add(emit);
        const { promise, resolve } = Promise.withResolvers<McpResult>();
        x.signal.addEventListener('abort', () => resolve(McpResult.complete({})), { once: true });
        if (acknowledges) void emit(McpNotification.of(ACK, { notifications: LISTS }));
        return promise;
      },
    },
    { capabilities: { tools: {}, prompts: {}, resources: {} } },
  );
  const say = (note: McpNotification) => {
    for (const emit of emits) void emit(note);
  };
  return { source: made, say, changed: () => say(CHANGED) };
}

/** Lets everything happen that waits for no clock, then turns it. */
async function turn(ms: number): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve();
  jest.advanceTimersByTime(ms);
  for (let i = 0; i < 100; i++) await Promise.resolve();
}

function start(sources: TestSource[], names: 'prefix' | 'none' = 'prefix') {
  const run = routerOver(sources, names);
  return {
    ...run,
    list: (by: ClientOptions = {}) => run.handle(exchange('tools/list', {}, { client: clientOf(by) })),
    /** Notifications a subscriber has heard since it was asked last. */
    async subscribe(by: ClientOptions = {}, filter: object = LISTS) {
      const abort = new AbortController();
      const heard: string[] = [];
      const x = exchange(
        'subscriptions/listen',
        { notifications: filter },
        { client: clientOf(by), signal: abort.signal },
      );
      const over = run.handle(x, (note) => void (note.method !== ACK && heard.push(note.method)));
      await turn(0);
      return {
        heard: () => heard.splice(0),
        leave() {
          abort.abort();
          return over;
        },
      };
    },
  };
}

const TOLD = ['notifications/tools/list_changed'];

describe('a list that changed', () => {
  test('is told of once, however often its upstream says so, and after the burst', async () => {
    let tools = ['x'];
    const a = changing('a', () => tools);
    const run = start([a.source, changing('b', () => ['y']).source]);
    await run.list();
    const mine = await run.subscribe();
    tools = ['x', 'z'];
    for (let i = 0; i < 20; i++) a.changed();
    await turn(99);
    expect(mine.heard()).toEqual([]);
    await turn(1);
    expect(mine.heard()).toEqual(TOLD);
    await turn(10_000);
    expect(mine.heard()).toEqual([]);
    expect(a.source.asked('tools/list').length).toBe(2);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('is not told of where nothing is another than before', async () => {
    let tools = ['x'];
    const a = changing('a', () => tools);
    const run = start([a.source, changing('b', () => ['y']).source]);
    await run.list();
    const mine = await run.subscribe();
    a.changed();
    await turn(100);
    expect(mine.heard()).toEqual([]);
    tools = [];
    a.changed();
    await turn(100);
    expect(mine.heard()).toEqual(TOLD);
  });

  test('is told of to those alone who see it otherwise', async () => {
    const tools: Record<string, string[]> = { ada: ['x'], eve: ['x'] };
    const a = changing('a', (x) => tools[x.principal.id] ?? []);
    const run = start([a.source, changing('b', () => []).source]);
    for (const principal of ['ada', 'eve']) await run.list({ principal });
    const [ada, eve] = [await run.subscribe({ principal: 'ada' }), await run.subscribe({ principal: 'eve' })];
    tools.ada = ['x', 'secret'];
    a.changed();
    await turn(100);
    expect([ada.heard(), eve.heard()]).toEqual([TOLD, []]);
  });

  test('is told of where nobody knows what was there before, without asking for it', async () => {
    const a = changing('a', () => ['x']);
    const run = start([a.source, changing('b', () => ['y']).source]);
    const mine = await run.subscribe();
    a.changed();
    await turn(100);
    expect(mine.heard()).toEqual(TOLD);
    expect(a.source.asked('tools/list').length).toBe(0);
  });

  test('is told of to whom it was shown before another of its kind had seen the new one', async () => {
    let tools = ['x'];
    const a = changing('a', () => tools);
    const run = start([a.source, changing('b', () => ['y']).source]);
    const early = await run.subscribe();
    await run.list();
    tools = ['z'];
    await run.list();
    a.changed();
    await turn(100);
    expect(early.heard()).toEqual(TOLD);
  });

  test('is not told of to a session that has seen it already', async () => {
    let tools = ['x'];
    const a = changing('a', () => tools);
    const run = start([a.source, changing('b', () => ['y']).source]);
    const session: ClientOptions = { era: '2025', session: 's' };
    const mine = await run.subscribe(session);
    await run.list(session);
    tools = ['z'];
    a.changed();
    await run.list(session);
    await turn(100);
    expect(mine.heard()).toEqual([]);
  });

  test('is told of to whom asked for it', async () => {
    let tools = ['x'];
    const a = changing('a', () => tools);
    const run = start([a.source, changing('b', () => ['y']).source]);
    await run.list();
    const mine = await run.subscribe({}, { promptsListChanged: true });
    tools = [];
    a.changed();
    await turn(100);
    expect(mine.heard()).toEqual([]);
  });
});

describe('an upstream', () => {
  test('that comes late is told of when its list comes', async () => {
    let tools: Answer = 'hangs';
    const a = changing('a', () => tools, false);
    const run = start([a.source, changing('b', () => ['y']).source]);
    const [mine] = [await run.subscribe()];
    await turn(5_000);
    const first = run.list();
    await turn(5_000);
    expect((await first).value._meta).toHaveProperty(['dev.sluice/missing']);
    expect(mine.heard()).toEqual([]);
    tools = ['x'];
    a.say(McpNotification.of(ACK, { notifications: LISTS }));
    await turn(100);
    expect(mine.heard()).toContain(TOLD[0] ?? '');
    expect((await run.list()).value.tools).toEqual(named('a__x', 'b__y'));
  });

  test('whose list comes behind an answer from before is told of if it is another', async () => {
    const gates: PromiseWithResolvers<string[]>[] = [];
    let slow = false;
    const b = changing('b', () => ['y']);
    const a = source('a', {
      'tools/list': async () => {
        if (!slow) return { tools: named('old') };
        const gate = Promise.withResolvers<string[]>();
        gates.push(gate);
        return { tools: named(...(await gate.promise)) };
      },
    });
    const run = start([a, b.source]);
    await run.list();
    const mine = await run.subscribe();
    slow = true;
    const list = run.list();
    await turn(300);
    expect((await list).value.tools).toEqual(named('a__old', 'b__y'));
    gates[0]?.resolve(['new']);
    await turn(0);
    await turn(100);
    expect(mine.heard()).toEqual(TOLD);
  });

  test('that stays away is told of when the time of grace is over', async () => {
    let tools: Answer = ['x'];
    const a = changing('a', () => tools);
    const run = start([a.source, changing('b', () => ['y']).source]);
    await run.list();
    const mine = await run.subscribe();
    tools = 'down';
    await run.list();
    await turn(100);
    expect(mine.heard()).toEqual([]);
    run.host.turn(600_000);
    await turn(600_000);
    await turn(100);
    expect(mine.heard()).toEqual(TOLD);
  });

  test('that failed is asked again while somebody listens, and told of when it has come back', async () => {
    let tools: Answer = 'down';
    const a = changing('a', () => tools);
    const run = start([a.source, changing('b', () => ['y']).source]);
    const mine = await run.subscribe();
    await run.list();
    for (let i = 0; i < 3; i++) {
      run.host.turn(10_000);
      await turn(10_000);
    }
    expect(a.source.asked('tools/list').length).toBe(4);
    tools = ['x'];
    run.host.turn(10_000);
    await turn(10_000);
    await turn(100);
    expect(mine.heard()).toEqual(TOLD);
    run.host.turn(60_000);
    await turn(60_000);
    expect([a.source.asked('tools/list').length, mine.heard(), jest.getTimerCount()]).toEqual([5, [], 0]);
  });

  test('that is alone under its own names is passed on, once for a burst', async () => {
    const a = changing('a', () => ['x']);
    const run = start([a.source], 'none');
    const mine = await run.subscribe();
    for (let i = 0; i < 20; i++) a.changed();
    a.say(McpNotification.of('notifications/resources/updated', { uri: 'a:1' }));
    expect(mine.heard()).toEqual(['notifications/resources/updated']);
    await turn(100);
    expect(mine.heard()).toEqual(TOLD);
    expect(a.source.asked('tools/list').length).toBe(0);
  });
});

test('who leaves is told nothing, and leaves nothing behind', async () => {
  let tools = ['x'];
  const a = changing('a', () => tools);
  const run = start([a.source, changing('b', () => ['y']).source]);
  await run.list();
  const mine = await run.subscribe();
  tools = [];
  a.changed();
  await mine.leave();
  await turn(100);
  expect([mine.heard(), jest.getTimerCount()]).toEqual([[], 0]);
});

test('what changed just before a subscription begins anew is told of by the new one', async () => {
  let tools = ['x'];
  const a = changing('a', () => tools);
  const run = start([a.source, changing('b', () => ['y']).source]);
  await run.list();
  const before = await run.subscribe();
  tools = [];
  a.changed();
  const after = await run.subscribe();
  await before.leave();
  await turn(100);
  expect(after.heard()).toEqual(TOLD);
});
