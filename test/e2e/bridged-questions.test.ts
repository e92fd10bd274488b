// Questions of one era in the words of the other, and those that cannot be put. Wire by hand at both ends.
import { describe, expect, test } from 'bun:test';
import { ALL, bridging, OK } from '../fixtures/bridged.ts';
import { ask, openSession } from '../fixtures/clients.ts';

const start = bridging();

describe('a question of 2026', () => {
  const url = { mode: 'url', message: 'Sign in', url: 'https://a.example/' };
  const form = {
    mode: 'form',
    message: 'Which?',
    requestedSchema: {
      type: 'object',
      properties: { one: { type: 'string', oneOf: [{ const: 'a', title: 'A' }] } },
    },
  };
  /** Asks `params`, and says what it was answered. */
  const server = (params: object, method = 'elicitation/create') =>
    start('2026', ({ message }) =>
      message.params.inputResponses
        ? JSON.stringify({
            content: [{ type: 'text', text: JSON.stringify(message.params.inputResponses.q) }],
          })
        : JSON.stringify({
            resultType: 'input_required',
            inputRequests: { q: { method, params } },
            requestState: 's',
          }),
    );
  const CANCEL = JSON.stringify({ action: 'cancel' });

  test('by URL has an id for a client of 2025-11-25', async () => {
    const { gateway } = await server(url);
    const session = await openSession(gateway.url, { capabilities: ALL });
    const stream = await session.call('tool');
    const question = await stream.message();
    expect(question.params).toEqual({ ...url, elicitationId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    await session.tell({ id: question.id, result: { action: 'accept' } });
    expect((await stream.message()).result.content[0].text).toBe('{"action":"accept"}');
  });

  test('by form is put in the words of 2025-06-18', async () => {
    const { gateway } = await server(form);
    const session = await openSession(gateway.url, {
      version: '2025-06-18',
      capabilities: { elicitation: {} },
    });
    const stream = await session.call('tool');
    expect((await stream.message()).params).toEqual({
      message: 'Which?',
      requestedSchema: {
        type: 'object',
        properties: { one: { type: 'string', enum: ['a'], enumNames: ['A'] } },
      },
    });
  });

  for (const [who, version, capabilities] of [
    ['of 2025-06-18, by URL', '2025-06-18', { elicitation: { url: {}, form: {} } }],
    ['that takes no URLs, by URL', '2025-11-25', { elicitation: {} }],
    ['that declared nothing', '2025-11-25', {}],
  ] as const) {
    test(`is not put to a client ${who}: the server hears cancel`, async () => {
      const { gateway, calls } = await server(url);
      const session = await openSession(gateway.url, { version, capabilities });
      const { result } = await (await session.call('tool')).json();
      expect(result.content[0].text).toBe(CANCEL);
      const declared = calls()[0]?.message.params._meta['io.modelcontextprotocol/clientCapabilities'];
      expect(declared.elicitation?.url).toBeUndefined();
    });
  }

  test('for a model is not put to a client without one: the tool says so', async () => {
    const { gateway, calls } = await server({ messages: [], maxTokens: 1 }, 'sampling/createMessage');
    const session = await openSession(gateway.url);
    expect((await (await session.call('tool')).json()).result).toMatchObject({ isError: true });
    expect(calls().length).toBe(1);
  });
});

describe('a question of 2025', () => {
  /** Asks, and says what it was answered. */
  const server = async (question: object) => {
    const started = await start('2025', async function* () {
      yield JSON.stringify({ jsonrpc: '2.0', id: 'q', ...question });
      const { message } = await started.upstream.arrived(undefined);
      const text = JSON.stringify(message.result ?? message.error);
      return JSON.stringify({ content: [{ type: 'text', text }] });
    });
    return started;
  };
  const sampling = (more: object) => ({
    method: 'sampling/createMessage',
    params: { messages: [], maxTokens: 1, ...more },
  });

  test('for a model with tools is for those who declared that alone', async () => {
    const { gateway } = await server(sampling({ tools: [], includeContext: 'none' }));
    const session = await openSession(gateway.url, { capabilities: ALL });
    expect((await (await session.call('tool')).json()).result.content[0].text).toContain('-32601');
    const other = await server(sampling({ tools: [], includeContext: 'allServers' }));
    const able = await openSession(other.gateway.url, { capabilities: { sampling: { tools: {} } } });
    const stream = await able.call('tool');
    // Nor did it say that it has anything of other servers to give.
    expect((await stream.message()).params).toEqual({ messages: [], maxTokens: 1, tools: [] });
  });

  test('that is done with is told to a client of 2025, and to none of 2026', async () => {
    const complete = 'notifications/elicitation/complete';
    const { gateway } = await start('2025', async function* () {
      yield JSON.stringify({ jsonrpc: '2.0', method: complete, params: { elicitationId: 'e1' } });
      return OK;
    });
    const session = await openSession(gateway.url, { capabilities: ALL });
    const [note, result] = await (await session.call('tool')).messages();
    expect([note.method, note.params, result.result]).toEqual([
      complete,
      { elicitationId: 'e1' },
      JSON.parse(OK),
    ]);
    const answer = await ask(
      gateway.url,
      'tools/call',
      { name: 'tool' },
      { name: 'tool', capabilities: ALL },
    );
    expect((await answer.messages()).length).toBe(1);
    expect(await gateway.figure('dropped', { reason: 'no_form' })).toBe(1);
  });
});
