// A server of the initialize era asks its client during a call: the call is parked, and taken up once, by whom it
// belongs to, with the answers.
import { describe, expect, test } from 'bun:test';
import { type Refusal, refusalsFact } from '../../../src/core/refusals.ts';
import { createSeal } from '../../../src/lib/seal.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { clientOf, codeOf, collector, exchange, nobody, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { running } from '../../fixtures/running.ts';
import { IDLE } from '../../fixtures/specs.ts';
import { able, accept, elicit, inputsOf, one, startAsking, stateOf } from './asking.ts';

const run = running({ idle: false });

const start = (changes?: Parameters<typeof startAsking>[1]) => startAsking(run, changes);

describe('a question', () => {
  test('ends the exchange, and its answer goes on with the call', async () => {
    const { ask, retry, upstream, executed } = start();
    const first = await ask(one);
    expect(inputsOf(first)).toEqual({
      user_input: { method: 'elicitation/create', params: { message: 'Who?', requestedSchema: {} } },
    });
    expect(upstream.state()).toMatchObject({ calls: 1, parked: 1 });
    const second = await retry(stateOf(first), one, { user_input: accept({ name: 'Ada' }) });
    expect(textOf(second)).toBe('[{"action":"accept","content":{"name":"Ada"}}]');
    expect(upstream.state()).toMatchObject(IDLE);
    expect(await executed()).toBe(1);
  });

  test('keeps its elicitationId for a client of a session', async () => {
    const { ask } = start();
    const client = clientOf({ era: '2025', capabilities: able, session: 's' });
    expect(inputsOf(await ask(one, { client })).user_input?.params).toMatchObject({ elicitationId: 'e1' });
  });

  test('may be one of several; those without an answer are asked again', async () => {
    const { ask, retry } = start();
    const args = {
      questions: [
        elicit('a'),
        { method: 'roots/list' },
        { method: 'sampling/createMessage', params: { n: 1 } },
      ],
    };
    const first = await ask(args);
    expect(Object.entries(inputsOf(first)).map(([key, { method }]) => [key, method])).toEqual([
      ['user_input', 'elicitation/create'],
      ['client_roots', 'roots/list'],
      ['model_reply', 'sampling/createMessage'],
    ]);
    const second = await retry(stateOf(first), args, { client_roots: { roots: [] }, q4: { unknown: true } });
    expect(Object.values(inputsOf(second)).map(({ method }) => method)).toEqual([
      'elicitation/create',
      'sampling/createMessage',
    ]);
    const third = await retry(stateOf(second), args, { user_input: accept({}), model_reply: { model: 'm' } });
    expect(textOf(third)).toBe('[{"action":"accept","content":{}},{"roots":[]},{"model":"m"}]');
  });

  test('that the client refuses with an error reaches the server as one', async () => {
    const { ask, upstream, client } = start();
    const args = { questions: [{ method: 'sampling/createMessage', params: {} }] };
    const first = await ask(args);
    const refusal: Refusal = {
      method: 'sampling/createMessage',
      error: RawObject.of({ code: -1, message: 'User rejected' }),
    };
    const x = exchange(
      'tools/call',
      { name: 'ask', arguments: args, requestState: stateOf(first) },
      { client },
    );
    x.set(refusalsFact, new Map([['model_reply', refusal]]));
    expect(textOf(await upstream.handle(x, nobody))).toBe(
      '[{"error":{"code":-1,"message":"User rejected"}}]',
    );
  });

  test('notifications meanwhile come after it, in order, with the token of the next round', async () => {
    const { upstream, client } = start();
    const progress = (n: number) =>
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":${n}}}`;
    const args = { ...one, lines: [1, 2, 3].map(progress) };
    const [before, after] = [collector(), collector()];
    const first = await upstream.handle(toolCall('ask', args, { client, token: '"first"' }), before.emit);
    const params = {
      name: 'ask',
      arguments: args,
      requestState: stateOf(first),
      inputResponses: { user_input: accept({}) },
    };
    // Whatever came before the call was parked went out at once.
    const second = await upstream.handle(exchange('tools/call', params, { client, token: '2' }), after.emit);
    expect(second.kind).toBe('complete');
    expect([...before.notes, ...after.notes].map((note) => note.params.progress)).toEqual([1, 2, 3]);
    expect(after.notes.every((note) => note.raw?.raw('progressToken') === '2')).toBe(true);
  });

  test('that the server does not wait for: its answer is there for the retry', async () => {
    const { ask, retry, upstream } = start();
    const args = { ...one, hasty: true, lines: [] };
    const result = await ask(args);
    // The answer may come within the moment that is waited for further questions.
    const last =
      result.kind === 'complete' ? result : await retry(stateOf(result), args, { user_input: accept({}) });
    expect(textOf(last)).toBe('hasty');
    expect(upstream.state()).toMatchObject(IDLE);
  });
});

describe('a state', () => {
  test('is good once; used again, or twice at the same time, it is invalid and nothing is executed', async () => {
    const { ask, retry, executed, upstream } = start();
    const state = stateOf(await ask(one));
    const both = await Promise.all([
      retry(state, one, { user_input: accept({}) }),
      retry(state, one, { user_input: accept({}) }),
    ]);
    expect(both.map((result) => codeOf(result) ?? result.kind).sort()).toEqual(['STATE_INVALID', 'complete']);
    expect(codeOf(await retry(state, one, { user_input: accept({}) }))).toBe('STATE_INVALID');
    expect(await executed()).toBe(1);
    expect(upstream.state()).toMatchObject(IDLE);
  });

  test('altered anywhere is invalid, and nothing is executed', async () => {
    const { ask, retry, executed } = start();
    const state = stateOf(await ask(one));
    const altered = [...state].map(
      (c, at) => state.slice(0, at) + (c === 'A' ? 'B' : 'A') + state.slice(at + 1),
    );
    const foreign = createSeal(new Uint8Array(32).fill(9)).seal('park', 'id');
    for (const each of [...altered, foreign, '', 's1.', 'x', state.slice(0, -1), `${state}A`]) {
      expect(codeOf(await retry(each, one, { user_input: accept({}) }))).toBe('STATE_INVALID');
    }
    for (const each of [null, 7, { a: 1 }]) expect(codeOf(await retry(each, one))).toBe('STATE_INVALID');
    expect(await executed()).toBe(1);
    expect(textOf(await retry(state, one, { user_input: accept({}) }))).toContain('accept');
  });

  test('is good for its caller and its call alone; the rightful one still gets through', async () => {
    const { ask, retry, executed } = start();
    const state = stateOf(await ask(one));
    const answers = { user_input: accept({ stolen: true }) };
    for (const principal of ['eve', 'Ada', 'ada ', undefined]) {
      const client = clientOf({ capabilities: able, ...(principal === undefined ? {} : { principal }) });
      expect(codeOf(await retry(state, one, answers, { client }))).toBe('STATE_INVALID');
    }
    expect(codeOf(await retry(state, { ...one, more: 1 }, answers))).toBe('STATE_INVALID');
    expect(codeOf(await retry(state, {}, answers))).toBe('STATE_INVALID');
    expect(codeOf(await retry(state, one, answers, {}, 'echo'))).toBe('STATE_INVALID');
    expect(await executed()).toBe(1);
    expect(textOf(await retry(state, one, { user_input: accept({ mine: true }) }))).toContain('mine');
  });

  test('does not hang on where in the message the answers stand', async () => {
    const { upstream, client } = start();
    const call = `"name": "ask", "arguments": ${JSON.stringify(one)}`;
    const answers = '"inputResponses": {"user_input": {"action": "accept"}}';
    for (const order of [
      (state: string) => `{ ${call}, ${answers}, ${state} }`,
      (state: string) => `{ ${state}, ${answers}, ${call} }`,
      (state: string) => `{ ${answers}, ${call}, ${state}, "_meta": {"a": 1} }`,
    ]) {
      const first = await upstream.handle(exchange('tools/call', `{ ${call} }`, { client }), nobody);
      const retry = order(`"requestState": ${JSON.stringify(stateOf(first))}`);
      expect(textOf(await upstream.handle(exchange('tools/call', retry, { client }), nobody))).toBe(
        '[{"action":"accept"}]',
      );
    }
  });

  test('ends with its time: the server is answered and told, and the state is invalid', async () => {
    const client = clientOf({ era: '2025', capabilities: able, principal: 'ada', session: 's' });
    const limits = { parkTtl: 20 };
    const { ask, retry, received, host, upstream } = startAsking(run, { limits }, client);
    const state = stateOf(await ask(one));
    for (let lines: string[] = []; !lines.some((line) => line.includes('nobody answered in time')); )
      lines = await received();
    expect((await received()).some((line) => line.includes('"result":{"action":"cancel"}'))).toBe(true);
    expect(codeOf(await retry(state, one, { user_input: accept({}) }))).toBe('STATE_INVALID');
    expect(upstream.state()).toMatchObject(IDLE);
    expect(await host.figure('parked')).toBe(0);
  });
});
