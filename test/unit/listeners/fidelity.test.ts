// What nobody touches arrives as it was sent: numbers, key order, white space, escapes, unknown members.
import { describe, expect, test } from 'bun:test';
import { openSession } from '../../fixtures/clients.ts';
import { configOf, startInProcess } from '../../fixtures/in-process.ts';
import { modernHeaders } from '../../fixtures/raw.ts';
import { startRawUpstream } from '../../fixtures/raw-upstream.ts';
import { post } from '../../fixtures/wire.ts';

const HARD =
  '{ "z": 1.0, "a" : -0, "big":1e400, "int":123456789012345678901234567890,\t"e":1E+2, "s":"\\ud800 \\u00e9\\/ \\u0000 é 💧", ' +
  '"__proto__": {"x":[ 1 ,2,{ } ]}, "constructor":null, "":[] ,"f":0.10 }';
const ENVELOPE =
  '"_meta":{"x/own": 1.0,"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{ "x": 1e0 }}';
const RESULT = `{"content":[ {"type":"text","text":"\\ud800"} ],  "structuredContent":${HARD},"x-unknown":[1.0], "_meta":{"n": 1.50},"resultType":"complete"}`;
const ERROR = '{ "message":"no\\u0020way", "code": -32602,"data":{"n":1.0, "x":1e400} ,"extra":true}';

/** The text of a member of the outermost object, found by its place. */
function memberText(message: string, key: string): string {
  return message.slice(message.indexOf(`"${key}":`) + key.length + 3, -1);
}

for (const kind of ['result', 'error'] as const) {
  const answer = kind === 'result' ? RESULT : ERROR;
  const answered = kind === 'result' ? RESULT : `!${ERROR}`;

  describe(`a call with its ${kind}`, () => {
    test('of 2026-07-28 keeps every byte both ways', async () => {
      const upstream = startRawUpstream({ answer: () => answered });
      await using gateway = await startInProcess(configOf({ raw: { url: upstream.url } }));
      const params = `{ "arguments":${HARD}, "name":"t\\u006fol", "x-unknown": 1.0 ,${ENVELOPE}}`;
      const sent = `{"jsonrpc":"2.0", "id":7,"method":"tools/call","params":${params} }`;
      const got = await post(gateway.url, sent, modernHeaders('tools/call', 'tool'));
      expect(memberText((await upstream.arrived('tools/call')).text, 'params')).toBe(params);
      expect(await got.text()).toBe(`{"jsonrpc":"2.0","id":7,"${kind}":${answer}}`);
      await upstream.stop();
    });

    test('of the initialize era keeps every byte both ways', async () => {
      const upstream = startRawUpstream({
        era: '2025',
        answer: () => answered.replace(',"resultType":"complete"', ''),
      });
      await using gateway = await startInProcess(configOf({ raw: { url: upstream.url } }));
      const session = await openSession(gateway.url);
      const params = `{ "arguments":${HARD}, "name":"t\\u006fol", "x-unknown": 1.0 ,"_meta":{ "x/own":1.0 }}`;
      const got = await post(
        gateway.url,
        `{"jsonrpc":"2.0","id":"a","method":"tools/call","params":${params}}`,
        session.headers,
      );
      expect(memberText((await upstream.arrived('tools/call')).text, 'params')).toBe(params);
      expect(await got.text()).toBe(
        `{"jsonrpc":"2.0","id":"a","${kind}":${answer.replace(',"resultType":"complete"', '')}}`,
      );
      await upstream.stop();
    });
  });
}

test('a progress token is swapped and nothing else, whatever it is', async () => {
  const upstream = startRawUpstream({
    async *answer({ message }) {
      const token = JSON.stringify(message.params._meta.progressToken);
      yield `{"jsonrpc":"2.0","method":"notifications/progress","params":{ "progress":1.0,"progressToken":${token}, "total": 1e1 ,"x":-0}}`;
      yield `{"jsonrpc":"2.0","params":{"level":"info", "data":${HARD}},"method":"notifications/message"}`;
      return RESULT;
    },
  });
  await using gateway = await startInProcess(configOf({ raw: { url: upstream.url } }));
  for (const token of ['0', '""', '"p"', '12345678901234567890', '"1"']) {
    const meta = `${ENVELOPE.slice(0, -1)},"progressToken":${token},"io.modelcontextprotocol/logLevel":"debug"}`;
    const params = `{"name":"tool","arguments":${HARD},${meta}}`;
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
    const got = await post(gateway.url, body, modernHeaders('tools/call', 'tool'));
    const { text } = upstream.seen.at(-1) ?? { text: '' };
    const theirs = /"progressToken":(\d+)/.exec(text)?.[1];
    expect(memberText(text, 'params')).toBe(
      params.replace(`"progressToken":${token}`, `"progressToken":${theirs}`),
    );
    expect(await got.data()).toBe(
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{ "progress":1.0,"progressToken":${token}, "total": 1e1 ,"x":-0}}`,
    );
    expect(await got.data()).toBe(
      `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info", "data":${HARD}}}`,
    );
    expect(await got.data()).toBe(`{"jsonrpc":"2.0","id":1,"result":${RESULT}}`);
    expect(await got.data()).toBeUndefined();
  }
  await upstream.stop();
});

test('no header of the client goes upstream by itself', async () => {
  const upstream = startRawUpstream({ answer: () => RESULT });
  await using gateway = await startInProcess(
    configOf({ raw: { url: upstream.url, headers: { 'X-Own': 'ours' } } }),
  );
  const secret = {
    authorization: 'Bearer secret',
    cookie: 'a=secret',
    'x-api-key': 'secret',
    'mcp-session-id': 'secret',
    'x-own': 'secret',
    'x-forwarded-for': 'secret',
  };
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"tool",${ENVELOPE}}}`;
  const headers = { ...modernHeaders('tools/call', 'tool'), ...secret, 'x-request-id': 'r-1' };
  await (await post(gateway.url, body, headers)).text();
  const { headers: sent } = await upstream.arrived('tools/call');
  expect([...sent.values()].filter((value) => value.includes('secret'))).toEqual([]);
  expect(Object.fromEntries(sent)).toMatchObject({
    'x-own': 'ours',
    'x-request-id': 'r-1',
    'mcp-name': 'tool',
    'mcp-method': 'tools/call',
  });
  await upstream.stop();
});
