// Questions to a client of the initialize era, on the wire: where they go, what an answer does, and what leaving,
// cancelling or ending the session in the middle of one means.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { openSession, type RawSession } from '../../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { type RawUpstream, startRawUpstream } from '../../fixtures/raw-upstream.ts';
import { until } from '../../fixtures/until.ts';
import { startEverythingHttp } from '../../fixtures/upstreams.ts';
import { type Answer, send } from '../../fixtures/wire.ts';

const capabilities = { elicitation: {}, sampling: {}, roots: {} };
const FORM = { message: 'Who?', requestedSchema: { type: 'object', properties: {} } };
const ACCEPT = { action: 'accept', content: { username: 'ada', email: 'a@example.com' } };

for (const era of ['2025', '2026'] as const) {
  describe(`with a ${era} upstream`, () => {
    let upstream: Awaited<ReturnType<typeof startEverythingHttp>>;
    let gateway: InProcess;
    let session: RawSession;
    beforeAll(async () => {
      upstream = await startEverythingHttp({ era });
      gateway = await startInProcess(configOf({ everything: { url: upstream.url } }));
      session = await openSession(gateway.url, { capabilities });
    });
    afterAll(async () => {
      await gateway.stop();
      await upstream.stop();
    });

    const ask = (): Promise<Answer> => session.call('test_elicitation', { message: 'Who?' });
    const parked = () => gateway.gateway.report().upstreams[0]?.parked;
    const settled = () => until(() => gateway.gateway.report().inFlight === 0 && parked() === 0);

    test('a question is a request on the stream of its call', async () => {
      const answer = await ask();
      expect(answer.type).toBe('text/event-stream');
      const question = await answer.message();
      expect(question).toMatchObject({
        jsonrpc: '2.0',
        method: 'elicitation/create',
        params: { message: 'Who?' },
      });
      expect(Object.keys(question).toSorted()).toEqual(['id', 'jsonrpc', 'method', 'params']);
      expect(await session.tell({ id: question.id, result: ACCEPT })).toBe(202);
      const [result, ...rest] = await answer.messages();
      expect([result.id, rest.length]).toEqual([7, 0]);
      expect(result.result.content[0].text).toBe(
        'User response: action=accept, content={"username":"ada","email":"a@example.com"}',
      );
      expect(result.result).not.toContainKeys(['resultType', 'requestState', 'inputRequests']);
    });

    test('several are asked at once, and may be answered in any order', async () => {
      const answer = await session.call('test_input_required_result_multiple_inputs');
      const questions = [await answer.message(), await answer.message(), await answer.message()];
      expect(new Set(questions.map(({ id }) => id)).size).toBe(3);
      expect(questions.map(({ method }) => method).toSorted()).toEqual([
        'elicitation/create',
        'roots/list',
        'sampling/createMessage',
      ]);
      const results: Record<string, object> = {
        'elicitation/create': { action: 'accept', content: { name: 'Ada' } },
        'roots/list': { roots: [{ uri: 'file:///a' }] },
        'sampling/createMessage': { role: 'assistant', model: 'm', content: { type: 'text', text: 'Hello' } },
      };
      for (const { id, method } of questions.toReversed())
        await session.tell({ id, result: results[method] });
      const [result] = await answer.messages();
      expect(result.result.content[0].text).toContain('Hello');
      expect(result.result.content[0].text).toContain('Ada, with 1 root(s)');
    });

    test('an answer with the id in another type answers nothing', async () => {
      const answer = await ask();
      const { id } = await answer.message();
      await session.tell({ id: String(id), result: { action: 'decline' } });
      await session.tell({ id, result: ACCEPT });
      expect((await answer.messages())[0].result.content[0].text).toContain('action=accept');
    });

    test('a client that closed the connection can still answer', async () => {
      const answer = await ask();
      const { id } = await answer.message();
      answer.drop();
      expect(gateway.gateway.report().inFlight).toBe(1);
      await session.tell({ id, result: ACCEPT });
      await settled();
    });

    test('a client that cancels hears that the question is off, and no result', async () => {
      const answer = await ask();
      const { id } = await answer.message();
      await session.tell({ method: 'notifications/cancelled', params: { requestId: 7 } });
      expect(await answer.messages()).toMatchObject([
        { method: 'notifications/cancelled', params: { requestId: id } },
      ]);
      await settled();
      expect(await session.tell({ id, result: ACCEPT })).toBe(202);
    });

    test('a session that ends takes the call along', async () => {
      const mine = await openSession(gateway.url, { capabilities });
      const answer = await mine.call('test_elicitation', { message: 'Who?' });
      await answer.message();
      await send(gateway.url, { method: 'DELETE', headers: mine.headers });
      expect((await answer.messages()).at(-1)).toMatchObject({ id: 7, error: { code: -32603 } });
      await settled();
    });

    test('a client that takes JSON alone is not asked, and the call ends', async () => {
      const mine = await openSession(gateway.url, { capabilities, headers: { accept: 'application/json' } });
      const elicited = await (await mine.call('test_elicitation', { message: 'Who?' })).json();
      expect(elicited.result.content[0].text).toContain('action=cancel');
      const sampled = await (await mine.call('test_sampling', { prompt: 'x' })).json();
      expect(sampled.result?.isError ?? true).toBe(true);
      await settled();
    });
  });
}

describe('with an upstream by hand', () => {
  const QUESTION = `{"q":{"method":"elicitation/create","params":${JSON.stringify(FORM)}}}`;
  let upstream: RawUpstream;
  let gateway: InProcess;
  let session: RawSession;
  let release: PromiseWithResolvers<void>;
  beforeAll(async () => {
    release = Promise.withResolvers();
    upstream = startRawUpstream({
      async answer({ message: { params } }) {
        if (params.name === 'later') await release.promise;
        if (params.name !== 'endless' && params.inputResponses)
          return `{"resultType":"complete","content":[],"got":${JSON.stringify(params)}}`;
        if (params.name === 'stateless') return `{"resultType":"input_required","inputRequests":${QUESTION}}`;
        if (params.name === 'again' && !params.requestState)
          return '{"resultType":"input_required","requestState":"s"}';
        if (params.name === 'again') return '{"resultType":"complete","content":[]}';
        return `{"resultType":"input_required","inputRequests":${QUESTION},"requestState":"\\u0073 1.0 ~é"}`;
      },
    });
    gateway = await startInProcess(
      configOf({ raw: { url: upstream.url } }, { limits: { park_ttl: '200ms', keep_alive: '20ms' } }),
    );
    session = await openSession(gateway.url, { capabilities });
  });
  afterAll(async () => {
    await gateway.stop();
    await upstream.stop();
  });

  const latest = () => upstream.seen.findLast(({ message }) => message.method === 'tools/call');

  test('the call is made again with the state as it came, byte for byte', async () => {
    const answer = await session.call('plain', { a: 1 });
    const { id } = await answer.message();
    await session.tell({ id, result: ACCEPT });
    const [{ result }] = await answer.messages();
    expect(latest()?.text).toContain('"requestState":"\\u0073 1.0 ~é"');
    expect(result.got).toMatchObject({ name: 'plain', arguments: { a: 1 }, inputResponses: { q: ACCEPT } });
  });

  test('no state stays no state', async () => {
    const answer = await session.call('stateless');
    const { id } = await answer.message();
    await session.tell({ id, result: ACCEPT });
    await answer.messages();
    expect(latest()?.message.params).not.toContainKey('requestState');
  });

  test('a round without a question is made again by itself', async () => {
    const answer = await session.call('again');
    expect((await answer.messages()).at(-1)).toMatchObject({ id: 7, result: { content: [] } });
    expect(latest()?.message.params).toMatchObject({ requestState: 's', inputResponses: {} });
  });

  test('a call that never stops asking is stopped', async () => {
    const answer = await session.call('endless');
    let asked = 0;
    let message = await answer.message();
    for (; message.method; message = await answer.message()) {
      asked++;
      await session.tell({ id: message.id, result: ACCEPT });
    }
    expect([asked, message.error.data.code]).toEqual([32, 'ANSWER_REFUSED']);
  });

  test('a person who takes too long has cancelled', async () => {
    const answer = await session.call('plain');
    const question = await answer.message();
    expect(await answer.message()).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: question.id },
    });
    expect((await answer.message()).result.got.inputResponses).toEqual({ q: { action: 'cancel' } });
  });

  test('a client that left before the question came has cancelled it', async () => {
    const answer = await session.call('later', {}, { token: 1 });
    await upstream.arrived(
      'tools/call',
      upstream.seen.filter(({ message }) => message.method === 'tools/call').length,
    );
    answer.drop();
    release.resolve();
    await until(() => gateway.gateway.report().inFlight === 0);
    expect(latest()?.message.params.inputResponses).toEqual({ q: { action: 'cancel' } });
  });
});
