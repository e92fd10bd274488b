// Errors and values of one era that the other has no form for. Wire by hand at both ends.
import { describe, expect, test } from 'bun:test';
import { ALL, bridging, OK } from '../fixtures/bridged.ts';
import { ask, openSession } from '../fixtures/clients.ts';
import type { InProcess } from '../fixtures/in-process.ts';

const start = bridging();

describe('an error of 2026 for what the client cannot do', () => {
  const missing =
    '!{"code":-32021,"message":"no","data":{"requiredCapabilities":{"sampling":{},"roots":{}}}}';

  test('is a result of the tool for a client of 2025, an internal error of anything else', async () => {
    const { gateway } = await start('2026', () => missing);
    const session = await openSession(gateway.url);
    const { result } = await (await session.call('tool')).json();
    expect(result).toEqual({
      content: [{ type: 'text', text: 'The call needs capability sampling, roots.' }],
      isError: true,
    });
    const { error } = await (await session.ask('prompts/get', { name: 'p' })).json();
    expect(error).toMatchObject({
      code: -32603,
      message: 'The call needs capability sampling, roots.',
      data: { requiredCapabilities: { sampling: {}, roots: {} } },
    });
  });

  test('is the error it is, and a status, for a client of 2026', async () => {
    const { gateway } = await start('2026', () => missing);
    const answer = await ask(gateway.url, 'tools/call', { name: 'tool' }, { name: 'tool' });
    expect([answer.status, (await answer.json()).error.code]).toEqual([400, -32021]);
  });
});

describe('an error of 2025-11-25 that wants its user at a URL', () => {
  const elicitation = {
    mode: 'url',
    elicitationId: 'e1',
    message: 'Sign in',
    url: 'https://a.example/x?y=1',
  };
  const required = `!${JSON.stringify({ code: -32042, message: 'first', data: { elicitations: [elicitation] } })}`;
  const params = { name: 'tool', arguments: { a: 1 } };
  const post = (gateway: InProcess, more: object = {}, capabilities: object = ALL) =>
    ask(gateway.url, 'tools/call', { ...params, ...more }, { name: 'tool', capabilities });
  /** Refuses until it has been asked so often. */
  const server = (refusals: number) => {
    let left = refusals;
    return start('2025', () => (left-- > 0 ? required : OK));
  };

  test('is a question for a client of 2026, and the call is made again once', async () => {
    const { gateway, calls } = await server(1);
    const { result } = await (await post(gateway)).json();
    expect(result).toMatchObject({
      resultType: 'input_required',
      inputRequests: {
        user_input: {
          method: 'elicitation/create',
          params: { mode: 'url', message: 'Sign in', url: elicitation.url },
        },
      },
    });
    expect(result.inputRequests.user_input.params).not.toHaveProperty('elicitationId');
    const { requestState } = result;
    const retry = { requestState, inputResponses: { user_input: { action: 'accept' } } };
    const [one, two] = await Promise.all([post(gateway, retry), post(gateway, retry)]);
    const both = [await one.json(), await two.json()];
    expect(both.map(({ error }) => error?.data.code ?? 'ok').toSorted()).toEqual(['STATE_INVALID', 'ok']);
    expect(calls().map(({ message }) => message.params)).toEqual([params, params]);
    expect(await gateway.figure('parked')).toBe(0);
  });

  test('is asked again where it was not answered, and ends the call where it was declined', async () => {
    const { gateway, calls } = await server(9);
    const first = (await (await post(gateway)).json()).result.requestState;
    const again = (await (await post(gateway, { requestState: first, inputResponses: {} })).json()).result;
    expect(again.inputRequests.user_input.params.url).toBe(elicitation.url);
    const declined = {
      requestState: again.requestState,
      inputResponses: { user_input: { action: 'decline' } },
    };
    expect((await (await post(gateway, declined)).json()).result).toMatchObject({ isError: true });
    expect(calls().length).toBe(1);
    expect(await gateway.figure('parked')).toBe(0);
  });

  test('may come again', async () => {
    const { gateway, calls } = await server(2);
    let { result } = await (await post(gateway)).json();
    while (result.resultType === 'input_required') {
      const { requestState } = result;
      const inputResponses = { user_input: { action: 'accept' } };
      result = (await (await post(gateway, { requestState, inputResponses })).json()).result;
    }
    expect([result.content[0].text, calls().length]).toEqual(['ok', 3]);
  });

  test('is a missing capability for a client of 2026 that takes no URLs', async () => {
    const { gateway } = await server(1);
    const answer = await post(gateway, {}, { elicitation: {} });
    expect(answer.status).toBe(400);
    expect((await answer.json()).error).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { elicitation: { url: {} } } },
    });
  });

  test('reaches a client of 2025 as it is', async () => {
    const { gateway } = await server(1);
    const session = await openSession(gateway.url, { capabilities: ALL });
    expect((await (await session.call('tool', { a: 1 })).json()).error).toEqual(
      JSON.parse(required.slice(1)),
    );
  });
});

describe('what a tool gives that is no object', () => {
  const value = '[1, 2.0, {"a":null}]';
  const tools = [
    '{"name":"list","inputSchema":{"type":"object"},"outputSchema":{"type":"array"}}',
    '{"name":"object","inputSchema":{"type":"object"},"outputSchema":{ "type": "object" }}',
  ];
  const server = (content: string) =>
    start(
      '2026',
      () => `{"resultType":"complete","content":${content},"structuredContent":${value}}`,
      `[${tools.join(',')}]`,
    );

  test('is text for a client of 2025, and no schema says otherwise', async () => {
    const { gateway } = await server('[]');
    const session = await openSession(gateway.url);
    const listed = (await (await session.ask('tools/list')).json()).result.tools;
    expect(listed).toEqual([
      { name: 'list', inputSchema: { type: 'object' } },
      { name: 'object', inputSchema: { type: 'object' }, outputSchema: { type: 'object' } },
    ]);
    expect((await (await session.call('list')).json()).result).toEqual({
      content: [{ type: 'text', text: value }],
    });
  });

  test('is left to the text that is there', async () => {
    const { gateway } = await server('[{"type":"text","text":"one, two"}]');
    const session = await openSession(gateway.url);
    const { result } = await (await session.call('list')).json();
    expect(result).toEqual({ content: [{ type: 'text', text: 'one, two' }] });
  });

  test('is what it is for a client of 2026', async () => {
    const { gateway } = await server('[]');
    const text = await (await ask(gateway.url, 'tools/call', { name: 'list' }, { name: 'list' })).text();
    expect(text).toContain(`"structuredContent":${value}`);
  });
});

describe('a resource that is not there', () => {
  const read = { uri: 'a:b' };
  test('has a code of its own in 2025 alone', async () => {
    const modern = await start('2026', () => '!{"code":-32602,"message":"none","data":{"uri":"a:b"}}');
    const session = await openSession(modern.gateway.url);
    expect((await (await session.ask('resources/read', read)).json()).error.code).toBe(-32002);
    const older = await start('2025', () => '!{"code":-32002,"message":"none","data":{"uri":"a:b"}}');
    const answer = await ask(older.gateway.url, 'resources/read', read, { name: 'a:b' });
    expect([answer.status, (await answer.json()).error.code]).toEqual([200, -32602]);
    const same = await openSession(older.gateway.url);
    expect((await (await same.ask('resources/read', read)).json()).error.code).toBe(-32002);
  });
});
