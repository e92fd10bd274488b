// One subscription over several upstreams.
import { afterEach, describe, expect, jest, test } from 'bun:test';
import { errorResult } from '../../../src/core/errors.ts';
import { GRACEFUL } from '../../../src/core/graceful.ts';
import type { Emit } from '../../../src/core/handler.ts';
import { McpNotification, McpResult } from '../../../src/protocol/message.ts';
import { exchange } from '../../fixtures/exchanges.ts';
import { routerOver, source, type TestSource } from './sources.ts';

afterEach(() => void jest.useRealTimers());

const ACK = 'notifications/subscriptions/acknowledged';
const ack = (notifications: object) => McpNotification.of(ACK, { notifications: { ...notifications } });
const updated = (uri: string) => McpNotification.of('notifications/resources/updated', { uri });

/** An upstream that listens until the caller goes, and lists these resources; the test speaks for it. */
function listening(name: string, capabilities: object = {}, uris: readonly string[] = []) {
  let say: Emit = () => undefined;
  const begun = Promise.withResolvers<void>();
  const filters: unknown[] = [];
  const plain = source(
    name,
    { 'resources/list': { resources: uris.map((uri) => ({ uri })) } },
    { capabilities },
  );
  const handle: TestSource['handle'] = (x, emit) => {
    if (x.request.method !== 'subscriptions/listen') return plain.handle(x, emit);
    filters.push(x.request.raw?.get('notifications'));
    say = emit;
    begun.resolve();
    return new Promise((resolve) =>
      x.signal.addEventListener('abort', () =>
        resolve(x.signal.reason === GRACEFUL ? McpResult.complete({}) : errorResult('CANCELLED')),
      ),
    );
  };
  return {
    source: { ...plain, handle },
    filters,
    say: (note: McpNotification) => say(note),
    begun: begun.promise,
  };
}

function listen(sources: TestSource[], asked: object, emit?: Emit) {
  const abort = new AbortController();
  const notes: string[] = [];
  let woken = Promise.withResolvers<void>();
  const hear: Emit = (note) => {
    notes.push(
      `${note.method.slice('notifications/'.length)} ${note.raw?.string('uri') ?? JSON.stringify(note.raw?.get('notifications'))}`,
    );
    woken.resolve();
    woken = Promise.withResolvers();
    return emit?.(note);
  };
  const over = routerOver(sources).handle(
    exchange('subscriptions/listen', { notifications: asked }, { signal: abort.signal }),
    hear,
  );
  return {
    notes,
    leave(reason?: unknown) {
      abort.abort(reason);
      return over;
    },
    over,
    heard: async (count: number) => {
      while (notes.length < count) await woken.promise;
    },
  };
}

describe('subscriptions/listen', () => {
  test('is acknowledged once, with what any of them honours; events before that come after it, in order', async () => {
    const [a, b] = [listening('a', {}, ['a:1']), listening('b', {}, ['b:1'])];
    const mine = listen([a.source, b.source], {
      toolsListChanged: true,
      resourceSubscriptions: ['a:1', 'b:1'],
    });
    await Promise.all([a.begun, b.begun]);
    a.say(ack({ toolsListChanged: true, resourceSubscriptions: ['a:1'] }));
    for (const uri of ['a:1', 'a:2', 'a:3']) a.say(updated(uri));
    expect(mine.notes).toEqual([]);
    b.say(ack({ promptsListChanged: true, resourceSubscriptions: ['b:1'] }));
    await mine.heard(4);
    expect(mine.notes).toEqual([
      'subscriptions/acknowledged {"toolsListChanged":true,"promptsListChanged":true,"resourceSubscriptions":["a:1","b:1"]}',
      'resources/updated a:1',
      'resources/updated a:2',
      'resources/updated a:3',
    ]);
    b.say(updated('b:1'));
    expect(mine.notes.at(-1)).toBe('resources/updated b:1');
    expect((await mine.leave(GRACEFUL)).kind).toBe('complete');
  });

  test('asks each upstream for its own resources alone; one with nothing of it is not asked, and what nobody has is not watched', async () => {
    const [a, b] = [listening('a', {}, ['a:1', 'both:1']), listening('b', {}, ['b:1', 'both:1'])];
    const mine = listen([a.source, b.source, listening('c').source], {
      resourceSubscriptions: ['a:1', 'b:1', 'both:1', 'nobody:1'],
    });
    await Promise.all([a.begun, b.begun]);
    expect([a.filters, b.filters]).toEqual([
      [{ resourceSubscriptions: ['a:1', 'both:1'] }],
      [{ resourceSubscriptions: ['b:1'] }],
    ]);
    a.say(ack({ resourceSubscriptions: ['a:1', 'both:1'] }));
    b.say(ack({ resourceSubscriptions: ['b:1'] }));
    await mine.heard(1);
    await mine.leave();
    const nobodys = listen([listening('a').source, listening('b').source], {
      resourceSubscriptions: ['nobody:1'],
    });
    await nobodys.heard(1);
    expect(nobodys.notes).toEqual(['subscriptions/acknowledged {}']);
    expect((await nobodys.leave(GRACEFUL)).kind).toBe('complete');
  });

  test('keeps its order while a slow client takes what came first', async () => {
    const a = listening('a');
    const gates: (() => void)[] = [];
    const mine = listen(
      [a.source, source('b', { 'subscriptions/listen': errorResult('METHOD_UNKNOWN') })],
      {},
      () => new Promise((resolve) => gates.push(resolve)),
    );
    await a.begun;
    a.say(updated('a:1'));
    a.say(updated('a:2'));
    a.say(ack({}));
    for (let n = 1; n <= 3; n++) {
      await mine.heard(n);
      if (n === 2) a.say(updated('a:3'));
      gates.shift()?.();
    }
    await mine.heard(4);
    gates.shift()?.();
    expect(mine.notes.slice(1)).toEqual([
      'resources/updated a:1',
      'resources/updated a:2',
      'resources/updated a:3',
    ]);
    await mine.leave();
  });

  test('promises what the gateway itself can tell, and was asked for', async () => {
    const a = listening('a', { tools: {} });
    const mine = listen([a.source, source('b')], { toolsListChanged: true, promptsListChanged: true });
    await a.begun;
    a.say(ack({}));
    await mine.heard(1);
    expect(mine.notes).toEqual(['subscriptions/acknowledged {"toolsListChanged":true}']);
    await mine.leave();
  });

  test('does not wait for one that says nothing; what it says later is heard', async () => {
    const [a, b] = [listening('a'), listening('b', {}, ['b:1'])];
    jest.useFakeTimers();
    const mine = listen([a.source, b.source], { toolsListChanged: true, resourceSubscriptions: ['b:1'] });
    await Promise.all([a.begun, b.begun]);
    a.say(ack({}));
    for (let i = 0; i < 50; i++) await Promise.resolve();
    jest.advanceTimersByTime(5_000);
    await mine.heard(1);
    b.say(ack({ resourceSubscriptions: ['b:1'] }));
    b.say(updated('b:1'));
    await mine.heard(2);
    expect(mine.notes).toEqual(['subscriptions/acknowledged {}', 'resources/updated b:1']);
    await mine.leave();
    expect(jest.getTimerCount()).toBe(0);
  });

  test('waits for one that starts slowly when something of it is to be watched', async () => {
    const a = listening('a', {}, ['a:1']);
    let greetings = 0;
    const slow: TestSource = {
      ...a.source,
      hello: (client) => (greetings++ === 0 ? a.source.hello(client) : new Promise(() => {})),
    };
    const { handle } = routerOver([slow, source('b')]);
    await handle(exchange('server/discover', {}));
    await handle(exchange('resources/list', {}));
    jest.useFakeTimers();
    const abort = new AbortController();
    const notes: unknown[] = [];
    const told = Promise.withResolvers<void>();
    const over = handle(
      exchange(
        'subscriptions/listen',
        { notifications: { resourceSubscriptions: ['a:1'] } },
        { signal: abort.signal },
      ),
      (note) => {
        notes.push(note.raw?.get('notifications'));
        told.resolve();
        return undefined;
      },
    );
    await a.begun;
    // Its greeting is late by now.
    jest.advanceTimersByTime(1_000);
    for (let i = 0; i < 50; i++) await Promise.resolve();
    expect(notes).toEqual([]);
    a.say(ack({ resourceSubscriptions: ['a:1'] }));
    await told.promise;
    expect(notes).toEqual([{ resourceSubscriptions: ['a:1'] }]);
    abort.abort();
    await over;
  });

  test('ends as cancelled when the caller goes, before or after the acknowledgement', async () => {
    const [a, b] = [listening('a'), listening('b')];
    const early = listen([a.source, b.source], {});
    await Promise.all([a.begun, b.begun]);
    expect((await early.leave()).kind).toBe('error');
  });
});

test('what is over hears of no change any more, nor what was over before it began', async () => {
  jest.useFakeTimers();
  for (const signal of [undefined, AbortSignal.abort()]) {
    let say: Emit | undefined;
    const answers = (): Parameters<typeof source>[1] => ({
      'tools/list': { tools: [] },
      'subscriptions/listen': (_, emit) => {
        say = emit;
        return errorResult('UPSTREAM_UNAVAILABLE');
      },
    });
    const { handle } = routerOver([source('a', answers()), source('b', answers())]);
    const options = signal ? { signal } : {};
    await handle(exchange('subscriptions/listen', { notifications: { toolsListChanged: true } }, options));
    void say?.(McpNotification.of('notifications/tools/list_changed', {}));
    expect(jest.getTimerCount()).toBe(0);
  }
});

test('what is told before there is an acknowledgement waits at its server, beyond limits.events', async () => {
  const uris = ['x:1'];
  const [loud, quiet] = [listening('loud', {}, uris), listening('quiet', {}, ['y:1'])];
  const { notes, heard, leave } = listen([loud.source, quiet.source], {
    resourceSubscriptions: ['x:1', 'y:1'],
  });
  await Promise.all([loud.begun, quiet.begun]);
  await loud.say(ack({ resourceSubscriptions: uris }));
  let taken = 0;
  const said = Array.from({ length: 1_000 }, (_, i) =>
    Promise.resolve(loud.say(updated(`x:1/${i}`))).then(() => taken++),
  );
  await Promise.resolve();
  await Promise.resolve();
  expect([notes.length, taken]).toEqual([0, 256]);
  await quiet.say(ack({ resourceSubscriptions: ['y:1'] }));
  await heard(1_001);
  await Promise.all(said);
  expect(notes.slice(1)).toEqual(Array.from({ length: 1_000 }, (_, i) => `resources/updated x:1/${i}`));
  await leave();
});
