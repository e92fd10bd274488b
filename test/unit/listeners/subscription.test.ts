// A subscription over several runs: what ran before goes on until the next one is acknowledged, and nothing is lost.
import { beforeEach, describe, expect, test } from 'bun:test';
import { SILENT } from '../../../src/core/log.ts';
import type { Changed } from '../../../src/listeners/serving.ts';
import { ACKNOWLEDGED, Subscription } from '../../../src/listeners/subscription.ts';
import { McpNotification, McpResult } from '../../../src/protocol/message.ts';
import { settle } from '../../../src/testing/clock.ts';

interface Run {
  readonly signal: AbortSignal;
  emit(method: string, params?: Parameters<typeof McpNotification.of>[1]): void;
  acknowledge(uris?: readonly string[]): void;
  end(result?: McpResult): void;
}

let runs: Run[];
let events: string[];
let acknowledged: string[];
let ended: McpResult[];
let subscription: Subscription;
const run = (i: number): Run => {
  const found = runs[i];
  if (!found) throw new Error(`there is no run ${i}`);
  return found;
};

beforeEach(() => {
  [runs, events, acknowledged, ended] = [[], [], [], []];
  subscription = new Subscription({
    run(signal, emit) {
      const over = Promise.withResolvers<McpResult>();
      const send: Run['emit'] = (method, params = {}) => void emit(McpNotification.of(method, params));
      runs.push({
        signal,
        emit: send,
        acknowledge: (uris = []) =>
          send(ACKNOWLEDGED, { notifications: { toolsListChanged: true, resourceSubscriptions: uris } }),
        end: (result = McpResult.complete({})) => over.resolve(result),
      });
      return over.promise;
    },
    acknowledged: (filter) => void acknowledged.push(filter.text),
    event: (note) => void events.push(note.method),
    ended: (result) => void ended.push(result),
    log: SILENT,
  });
});

const filterOf = async (renewed: Promise<{ text: string }>) => JSON.parse((await renewed).text);
const changed = (...members: ('toolsListChanged' | 'promptsListChanged')[]): Promise<Changed> =>
  Promise.resolve(new Set(members));

describe('a run', () => {
  test('tells what it honours, then its events', async () => {
    const renewed = subscription.renew();
    run(0).acknowledge(['a']);
    run(0).emit('x');
    expect(await filterOf(renewed)).toEqual({ toolsListChanged: true, resourceSubscriptions: ['a'] });
    expect(events).toEqual(['x']);
  });

  test('that ends by itself ends the subscription, acknowledged or not', async () => {
    const renewed = subscription.renew();
    run(0).end();
    expect(await filterOf(renewed)).toEqual({});
    await settle();
    expect([ended.length, subscription.running]).toEqual([1, false]);
    void subscription.renew();
    expect(subscription.running).toBe(true);
  });
});

describe('the next run', () => {
  test('takes over when it is acknowledged, not before', async () => {
    void subscription.renew();
    run(0).acknowledge();
    void subscription.renew();
    run(0).emit('between');
    expect([events, run(0).signal.aborted]).toEqual([['between'], false]);
    run(1).acknowledge();
    expect(run(0).signal.aborted).toBe(true);
    run(0).emit('late');
    run(1).emit('after');
    expect(events).toEqual(['between', 'after']);
    run(0).end();
    await settle();
    expect(ended).toEqual([]);
  });

  test('answers for those it has overtaken', async () => {
    void subscription.renew();
    run(0).acknowledge();
    const second = subscription.renew();
    const third = subscription.renew();
    run(2).acknowledge(['a', 'b']);
    expect([run(0).signal.aborted, run(1).signal.aborted]).toEqual([true, true]);
    // A run that is told to end may still acknowledge a part of what it was asked for.
    run(1).acknowledge(['a']);
    expect(await filterOf(second)).toEqual(await filterOf(third));
    expect(acknowledged.length).toBe(2);
  });

  test('is not stopped by the end of one before it', async () => {
    void subscription.renew();
    run(0).acknowledge();
    void subscription.renew();
    run(0).end();
    await settle();
    expect([ended.length, subscription.running]).toEqual([0, true]);
    run(1).acknowledge();
    run(1).emit('x');
    expect(events).toEqual(['x']);
  });

  test('that ends unacknowledged takes those before it along', async () => {
    void subscription.renew();
    run(0).acknowledge();
    void subscription.renew();
    run(1).end(McpResult.error({ code: 1, message: 'refused' }));
    await settle();
    expect([run(0).signal.aborted, ended.map(({ code }) => code)]).toEqual([true, [1]]);
  });
});

describe('what changed with a reload', () => {
  test('is told once the new run stands, as far as it was asked for', async () => {
    void subscription.renew();
    run(0).acknowledge();
    void subscription.renew(changed('toolsListChanged', 'promptsListChanged'));
    await settle();
    expect(events).toEqual([]);
    run(1).acknowledge();
    await settle();
    expect(events).toEqual(['notifications/tools/list_changed']);
  });

  test('is not lost when the next reload comes first', async () => {
    void subscription.renew();
    run(0).acknowledge();
    void subscription.renew(changed('toolsListChanged'));
    void subscription.renew(changed());
    run(2).acknowledge();
    await settle();
    expect(events).toEqual(['notifications/tools/list_changed']);
  });

  test('is not told twice', async () => {
    void subscription.renew();
    run(0).acknowledge();
    void subscription.renew(changed('toolsListChanged'));
    run(1).acknowledge();
    void subscription.renew();
    run(2).acknowledge();
    await settle();
    expect(events).toEqual(['notifications/tools/list_changed']);
  });
});

describe('stopping', () => {
  test('ends every run, and there are no more', async () => {
    void subscription.renew();
    run(0).acknowledge();
    const pending = subscription.renew(changed('toolsListChanged'));
    subscription.stop();
    expect([run(0).signal.aborted, run(1).signal.aborted, subscription.running]).toEqual([true, true, false]);
    expect(await filterOf(pending)).toEqual({});
    run(1).acknowledge();
    expect(await filterOf(subscription.renew())).toEqual({});
    await settle();
    expect([runs.length, events.length, ended.length]).toEqual([2, 0, 0]);
  });
});
