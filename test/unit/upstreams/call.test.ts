// One call: its notifications in order and bounded, its end after them, and its rest while it is parked.
import { describe, expect, test } from 'bun:test';
import { McpNotification } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { Call, type Settled } from '../../../src/upstreams/call.ts';
import { collector, nobody, toolCall } from '../../fixtures/exchanges.ts';

const many = () => ({ count: 1_024, characters: 1_000_000 });
const note = (n: number) => McpNotification.of('notifications/message', { n });
const progress = (n: number) =>
  McpNotification.of('notifications/progress', { progressToken: 'old', progress: n });
const result = (n = 0): Settled => ({ kind: 'result', raw: RawObject.of({ n }) });
const numbers = (notes: readonly McpNotification[]) => notes.map(({ params }) => params.n ?? params.progress);

/** A client that takes one notification at a time, when it is let. */
function slowClient() {
  const begun: McpNotification[] = [];
  const gates: (() => void)[] = [];
  return {
    begun,
    emit(one: McpNotification): Promise<void> {
      begun.push(one);
      return new Promise((resolve) => gates.push(resolve));
    },
    async take(): Promise<void> {
      gates.shift()?.();
      // Two turns of the queue: the wait ends, the next one begins.
      for (let i = 0; i < 5; i++) await Promise.resolve();
    },
  };
}

/** What a promise is by now: everything that waits for nothing from outside has happened. */
async function stateOf(promise: Promise<unknown>): Promise<'pending' | 'settled'> {
  let state: 'pending' | 'settled' = 'pending';
  void promise.then(() => (state = 'settled'));
  await new Promise((resolve) => setImmediate(resolve));
  return state;
}

describe('a slow client', () => {
  test('gets one notification after the other, and the end last', async () => {
    const client = slowClient();
    const call = new Call(1, toolCall('a'), client.emit, many);
    for (const n of [1, 2, 3]) call.deliver(note(n));
    call.settle(result());
    expect(numbers(client.begun)).toEqual([1]);
    for (let i = 0; i < 2; i++) {
      await client.take();
      expect(await stateOf(call.settled)).toBe('pending');
    }
    expect(numbers(client.begun)).toEqual([1, 2, 3]);
    await client.take();
    expect(await stateOf(call.settled)).toBe('settled');
  });

  test('holds back whoever waits for what deliver returns', async () => {
    const client = slowClient();
    const call = new Call(1, toolCall('a'), client.emit, many);
    const sent = call.deliver(note(1));
    expect(sent).toBeInstanceOf(Promise);
    expect(await stateOf(sent as Promise<void>)).toBe('pending');
    await client.take();
    expect(await stateOf(sent as Promise<void>)).toBe('settled');
  });

  test('has no more wait than its characters allow, whatever their number', async () => {
    const client = slowClient();
    const call = new Call(1, toolCall('a'), client.emit, () => ({ count: 1_024, characters: 1_000 }));
    const large = (n: number) => McpNotification.of('notifications/message', { n, data: 'x'.repeat(400) });
    const taken = Array.from({ length: 5 }, (_, n) => call.deliver(large(n)) !== false);
    expect(taken).toEqual([true, true, false, false, false]);
    await client.take();
    expect(call.deliver(large(5))).not.toBe(false);
    expect(call.deliver(large(6))).toBe(false);
    call.settle(result());
  });

  test('has at most 1024 notifications wait; more are dropped, the end is not', async () => {
    const client = slowClient();
    const call = new Call(1, toolCall('a'), client.emit, many);
    const taken = Array.from({ length: 1_100 }, (_, n) => call.deliver(note(n))).filter(
      (sent) => sent !== false,
    );
    expect(taken.length).toBe(1_024);
    call.settle(result());
    for (let n = 0; n < 1_024; n++) await client.take();
    await call.settled;
    expect(numbers(client.begun)).toEqual(Array.from({ length: 1_024 }, (_, n) => n));
  });

  test('that is lost does not keep the others from their turn', async () => {
    const seen: unknown[] = [];
    const call = new Call(
      1,
      toolCall('a'),
      ({ params }) => {
        seen.push(params.n);
        return Promise.reject(new Error('gone'));
      },
      many,
    );
    for (const n of [1, 2, 3]) call.deliver(note(n));
    call.settle(result());
    await call.settled;
    expect(seen).toEqual([1, 2, 3]);
  });
});

describe('a fast client', () => {
  test('costs no waiting, and nothing follows the end', async () => {
    const { notes, emit } = collector();
    const call = new Call(1, toolCall('a'), emit, many);
    expect(call.deliver(note(1))).toBeUndefined();
    call.settle(result(1));
    call.settle(result(2));
    expect(call.deliver(note(2))).toBe(false);
    expect(numbers(notes)).toEqual([1]);
    expect(await call.settled).toMatchObject({ raw: { text: '{"n":1}' } });
  });

  test('every delivery is a sign of life', () => {
    const call = new Call(1, toolCall('a'), nobody, many);
    let signs = 0;
    call.onActivity = () => void signs++;
    for (const n of [1, 2]) call.deliver(note(n));
    call.settle(result());
    call.deliver(note(3));
    expect(signs).toBe(2);
  });
});

describe('a parked call', () => {
  test('keeps what comes, in order, for the exchange that takes it over', async () => {
    const [first, second] = [collector(), collector()];
    const call = new Call(1, toolCall('a'), first.emit, many);
    call.deliver(note(1));
    call.detach();
    for (const n of [2, 3]) call.deliver(note(n));
    expect(numbers(first.notes)).toEqual([1]);
    call.attach(toolCall('a'), second.emit);
    call.deliver(note(4));
    expect(numbers(first.notes)).toEqual([1]);
    expect(numbers(second.notes)).toEqual([2, 3, 4]);
  });

  test('ends for the next exchange, after what came before the end', async () => {
    const client = slowClient();
    const call = new Call(1, toolCall('a'), nobody, many);
    call.detach();
    for (const n of [1, 2]) call.deliver(note(n));
    call.settle(result());
    expect(call.deliver(note(3))).toBe(false);
    expect(await stateOf(call.settled)).toBe('pending');
    call.attach(toolCall('a'), client.emit);
    await client.take();
    expect(await stateOf(call.settled)).toBe('pending');
    await client.take();
    await call.settled;
    expect(numbers(client.begun)).toEqual([1, 2]);
  });

  test('gives progress the token of the new exchange, or drops it', () => {
    const [wants, wantsNone] = [collector(), collector()];
    for (const [collects, token] of [
      [wants, '9007199254740993'],
      [wantsNone, undefined],
    ] as const) {
      const call = new Call(1, toolCall('a', {}, { token: '"old"' }), nobody, many);
      call.detach();
      call.deliver(progress(1));
      call.deliver(note(2));
      call.attach(toolCall('a', {}, token === undefined ? {} : { token }), collects.emit);
    }
    expect(numbers(wants.notes)).toEqual([1, 2]);
    expect(wants.notes[0]?.raw?.raw('progressToken')).toBe('9007199254740993');
    expect(numbers(wantsNone.notes)).toEqual([2]);
  });

  test('keeps at most 1024', () => {
    const { notes, emit } = collector();
    const call = new Call(1, toolCall('a'), nobody, many);
    call.detach();
    const kept = Array.from({ length: 1_100 }, (_, n) => call.deliver(note(n))).filter(
      (sent) => sent !== false,
    );
    call.attach(toolCall('a'), emit);
    expect([kept.length, notes.length]).toEqual([1_024, 1_024]);
  });

  test('is asked again by what was not taken', async () => {
    const call = new Call(1, toolCall('a'), nobody, many);
    const question = (id: string) => ({ id: { text: id, key: id }, method: 'roots/list', params: undefined });
    call.ask(question('1'));
    call.ask(question('2'));
    await call.asked;
    expect(call.takeQuestions().map(({ id }) => id.text)).toEqual(['1', '2']);
    expect(await stateOf(call.asked)).toBe('pending');
    call.ask(question('3'));
    await call.asked;
    expect(call.takeQuestions().map(({ id }) => id.text)).toEqual(['3']);
  });
});
