// Questions that nobody needs an answer to any more: the server takes them back, or ends the call; or the client does.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ACCEPT, type AskingServer, FORM, startAskingServer } from '../fixtures/asker.ts';
import { ask, openSession, type RawSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { until } from '../fixtures/until.ts';

const capabilities = { elicitation: {} };
const OTHER = { ...FORM, params: { ...FORM.params, message: 'Who else?' } };

let server: AskingServer;
let gateway: InProcess;
beforeAll(async () => {
  server = startAskingServer();
  gateway = await startInProcess(configOf({ up: { url: server.url } }));
});
afterAll(async () => {
  await gateway.stop();
  await server.stop();
});

const state = () => gateway.gateway.report().upstreams[0];
/** The number the next call will have at the server. */
const next = () => server.calls + 1;
const nothingLeft = async () => {
  await until(() => gateway.gateway.report().inFlight === 0 && state()?.calls === 0);
  expect(state()).toMatchObject({ parked: 0, tokens: 0 });
};

describe('a client of 2025', () => {
  let session: RawSession;
  beforeAll(async () => {
    session = await openSession(gateway.url, { capabilities });
  });

  for (const name of ['pull', 'hasty']) {
    test(`hears that its questions are off, and has the result at once: ${name}`, async () => {
      const n = next();
      const stream = await session.call(name, { questions: [FORM, OTHER] });
      const asked = [await stream.message(), await stream.message()];
      server.release(n);
      const messages = await stream.messages();
      const cancelled = messages.slice(0, -1);
      expect(cancelled.map(({ method }) => method)).toEqual([
        'notifications/cancelled',
        'notifications/cancelled',
      ]);
      expect(cancelled.map(({ params }) => params.requestId).toSorted()).toEqual(
        asked.map(({ id }) => id).toSorted(),
      );
      expect(messages.at(-1)).toMatchObject({ id: 7, result: { content: [{ text: `"${name}"` }] } });
      // Too late, and harmless.
      expect(await session.tell({ id: asked[0].id, result: ACCEPT })).toBe(202);
      await nothingLeft();
    });
  }

  test('is asked what the server asks instead', async () => {
    const n = next();
    const stream = await session.call('swap', { questions: [OTHER] });
    const first = await stream.message();
    server.release(n);
    expect(await stream.message()).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: first.id },
    });
    const second = await stream.message();
    expect(second).toMatchObject({ method: 'elicitation/create', params: { message: 'Who?' } });
    await session.tell({ id: second.id, result: ACCEPT });
    expect((await stream.message()).result.content[0].text).toBe(JSON.stringify(ACCEPT));
    await nothingLeft();
  });

  test('that cancels its call while it is asked takes the call away from the server', async () => {
    const n = next();
    const stream = await session.call('ask', {}, { id: 'mine' });
    const question = await stream.message();
    await session.tell({ method: 'notifications/cancelled', params: { requestId: 'mine' } });
    expect(await stream.messages()).toMatchObject([
      { method: 'notifications/cancelled', params: { requestId: question.id } },
    ]);
    const sent = server.seen.filter(({ message }) => message.method === 'tools/call')[n - 1];
    await until(() =>
      server.seen.some(
        ({ message }) =>
          message.method === 'notifications/cancelled' && message.params.requestId === sent?.message.id,
      ),
    );
    await nothingLeft();
  });

  test('that wants progress is told that its answer is waited for, and nothing goes back', async () => {
    const stream = await session.call('ask', { questions: [FORM] }, { token: 'mine' });
    const before = await stream.message();
    const [question, waiting] = [await stream.message(), await stream.message()];
    await session.tell({ id: question.id, result: ACCEPT });
    const after = await stream.message();
    expect([before, waiting, after].map(({ params }) => [params.progressToken, params.message])).toEqual([
      ['mine', undefined],
      ['mine', 'waiting for your answer'],
      ['mine', undefined],
    ]);
    expect([before.params.progress, after.params.progress]).toEqual([1, 2]);
    expect(waiting.params.progress).toBeGreaterThan(1);
    expect(waiting.params.progress).toBeLessThan(1.000001);
    expect((await stream.message()).result.content[0].text).toBe(JSON.stringify([ACCEPT]));
  });
});

describe('a client of 2026', () => {
  const call = (name: string, params: object = {}, questions = [FORM]) =>
    ask(
      gateway.url,
      'tools/call',
      { name, arguments: { questions }, ...params },
      { name, capabilities },
    ).then((answer) => answer.json());

  for (const name of ['pull', 'hasty']) {
    test(`finds the result when it comes back, once: ${name}`, async () => {
      const n = next();
      const { requestState } = (await call(name)).result;
      server.release(n);
      await until(() => state()?.calls === 0);
      expect(state()?.parked).toBe(1);
      const retry = { requestState, inputResponses: { user_name: ACCEPT } };
      expect((await call(name, retry)).result.content[0].text).toBe(`"${name}"`);
      expect((await call(name, retry)).error.data.code).toBe('STATE_INVALID');
      expect(server.calls).toBe(n);
      // Nobody waits for the answer any more, so the server is not given it.
      expect(server.seen.filter(({ message }) => message.id === `q-${n}-0`)).toEqual([]);
      await nothingLeft();
    });
  }

  test('is asked what the server asks instead, in the next round', async () => {
    const n = next();
    const first = await call('swap', {}, [OTHER]);
    server.release(n);
    await server.arrived('tools/call', n);
    let second = first;
    // Until the server's word has arrived, what was not answered is asked again.
    while (second.result.inputRequests.user_name.params.message !== 'Who?') {
      const { requestState } = second.result;
      second = await call('swap', { requestState, inputResponses: {} }, [OTHER]);
    }
    const retry = { requestState: second.result.requestState, inputResponses: { user_name: ACCEPT } };
    expect((await call('swap', retry, [OTHER])).result.content[0].text).toBe(JSON.stringify(ACCEPT));
    await nothingLeft();
  });
});
