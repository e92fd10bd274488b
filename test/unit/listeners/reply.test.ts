// The answer to one POST: JSON or a stream, decided by what comes first.
import { describe, expect, test } from 'bun:test';
import { createEventStream } from '../../../src/listeners/event-stream.ts';
import { createKeepAlive, type Quiet } from '../../../src/listeners/keep-alive.ts';
import { Reply, type ReplyOptions } from '../../../src/listeners/reply.ts';

function make(accepts: Partial<ReplyOptions['accepts']> = {}) {
  const quiet = new Set<Quiet>();
  const keepAlive = {
    add: (each: Quiet) => void quiet.add(each),
    remove: (each: Quiet) => void quiet.delete(each),
    stop() {},
  };
  const reply = new Reply({
    keepAlive,
    open() {
      const stream = createEventStream({ buffer: 1_000, headers: {}, gone() {} });
      const { send, end } = stream;
      const finish = (text: string): void => {
        void send(text);
        end();
      };
      return { ...stream, note: send, finish, open: true };
    },
    accepts: { stream: true, json: true, ...accepts },
    headers: () => ({ 'x-request-id': 'r' }),
  });
  const tick = (): void => {
    for (const each of quiet) each.tick();
  };
  return { reply, quiet, tick };
}

const typeOf = (response: Response) => response.headers.get('content-type');

describe('a result that comes first', () => {
  test('is JSON with its status and headers', async () => {
    const { reply, quiet } = make();
    reply.finish('{"a":1}', 404, { 'retry-after': '1' });
    const response = await reply.response;
    expect([response.status, typeOf(response), await response.text()]).toEqual([
      404,
      'application/json',
      '{"a":1}',
    ]);
    expect([response.headers.get('retry-after'), response.headers.get('x-request-id')]).toEqual(['1', 'r']);
    await reply.done;
    expect(quiet.size).toBe(0);
  });

  test('is JSON although one sign of life was due: a status cannot be taken back', async () => {
    const { reply, tick } = make();
    tick();
    reply.finish('{}', 401);
    expect((await reply.response).status).toBe(401);
  });

  test('is an event for a client that takes nothing else, unless it is no 200', async () => {
    const good = make({ json: false });
    good.reply.finish('{"a":1}', 200);
    expect(await (await good.reply.response).text()).toBe('data: {"a":1}\n\n');
    const bad = make({ json: false });
    bad.reply.finish('{}', 403);
    expect([(await bad.reply.response).status, typeOf(await bad.reply.response)]).toEqual([
      403,
      'application/json',
    ]);
  });

  test('counts once', async () => {
    const { reply } = make();
    reply.finish('1', 200);
    reply.finish('2', 500);
    reply.close();
    expect(reply.send('3')).toBe(false);
    expect(await (await reply.response).text()).toBe('1');
  });
});

describe('a message that comes first', () => {
  test('makes a stream, and the result its last event', async () => {
    const { reply, quiet } = make();
    expect(reply.send('{"n":1}')).toBeUndefined();
    reply.finish('{"r":1}', 404);
    const response = await reply.response;
    expect([response.status, typeOf(response)]).toEqual([200, 'text/event-stream']);
    expect(await response.text()).toBe('data: {"n":1}\n\ndata: {"r":1}\n\n');
    await reply.done;
    expect([quiet.size, reply.canStream]).toEqual([0, false]);
  });

  test('goes nowhere when the client takes no stream', async () => {
    const { reply, tick } = make({ stream: false });
    expect([reply.canStream, reply.send('{}')]).toEqual([false, false]);
    tick();
    tick();
    reply.finish('{"r":1}', 200);
    expect(typeOf(await reply.response)).toBe('application/json');
  });

  test('asks for patience when more waits than the client was to be held for', async () => {
    const { reply } = make();
    expect(reply.send('x'.repeat(500))).toBeUndefined();
    const patience = reply.send('x'.repeat(500));
    expect(patience).toBeInstanceOf(Promise);
    const response = await reply.response;
    const text = response.text();
    await patience;
    reply.close();
    expect((await text).length).toBe(2 * ('data: \n\n'.length + 500));
  });
});

describe('silence', () => {
  test('of two intervals makes a stream with comments', async () => {
    const { reply, tick } = make();
    for (let i = 0; i < 3; i++) tick();
    reply.finish('{"r":1}', 200);
    const text = await (await reply.response).text();
    expect(text).toEndWith('data: {"r":1}\n\n');
    expect(text).toStartWith(':\n');
  });

  test('is broken by nothing after the end', async () => {
    const { reply, tick } = make();
    reply.finish('{}', 200);
    tick();
    tick();
    expect(typeOf(await reply.response)).toBe('application/json');
  });
});

test('a cancelled call ends without a result', async () => {
  const { reply } = make();
  reply.close();
  const response = await reply.response;
  expect([response.status, await response.text()]).toEqual([200, '']);
});

test('a client that is gone gets nothing more', async () => {
  const { reply } = make();
  reply.abandon();
  expect([reply.canStream, reply.send('x')]).toEqual([false, false]);
  reply.finish('{}', 200);
  expect((await reply.response).status).toBe(499);
  await reply.done;
});

test('signs of life come at the interval of the day', async () => {
  let asked = 0;
  const keepAlive = createKeepAlive(() => ++asked);
  const ticks = Promise.withResolvers<void>();
  let left = 3;
  keepAlive.add({
    tick() {
      if (--left === 0) ticks.resolve();
    },
  });
  await ticks.promise;
  keepAlive.stop();
  expect(asked).toBeGreaterThanOrEqual(3);
});
