// One posted message: which id is echoed, and in which order a 2026-07-28 request is judged.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { openSession, type RawSession, withEnvelope } from '../../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { initialize, modern, modernHeaders } from '../../fixtures/raw.ts';
import { type RawUpstream, startRawUpstream } from '../../fixtures/raw-upstream.ts';
import { post } from '../../fixtures/wire.ts';

const TOOLS = JSON.stringify([
  { name: 'echo', inputSchema: { type: 'object' } },
  {
    name: 'query',
    inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
  },
]);

let upstream: RawUpstream;
let gateway: InProcess;
let session: RawSession;
beforeAll(async () => {
  upstream = startRawUpstream({
    tools: TOOLS,
    answer: ({ message }) => {
      if (message.method === 'tools/call') return '{"content":[],"resultType":"complete"}';
      return `!{"code":-32601,"message":"no ${message.method}"}`;
    },
  });
  gateway = await startInProcess(configOf({ raw: { url: upstream.url } }));
  session = await openSession(gateway.url);
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

/** The id as it is written in an answer; undefined where there is none. */
function idText(text: string): string | undefined {
  return /"id":("(?:[^"\\]|\\.)*"|-?\d+|null)/.exec(text)?.[1];
}

describe('ids come back with type and digits', () => {
  const ids = [
    '0',
    '1',
    '"1"',
    '""',
    '-7',
    '-0',
    '9007199254740993',
    '123456789012345678901234567890',
    '"é\\u0041\\ud800"',
  ];
  for (const id of ids) {
    test(id, async () => {
      const envelope = JSON.stringify(withEnvelope({ name: 'echo' }));
      const now = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${envelope}}`;
      const answer = await post(gateway.url, now, modernHeaders('tools/call', 'echo'));
      expect([answer.status, idText(await answer.text())]).toEqual([200, id]);
      const old = await post(gateway.url, `{"method":"ping","jsonrpc":"2.0", "id": ${id} }`, session.headers);
      expect([old.status, idText(await old.text())]).toEqual([200, id]);
    });
  }

  for (const id of ['null', '1.5', '1.0', '1e3', 'true', '{}', `"${'x'.repeat(257)}"`]) {
    test(`${id.slice(0, 20)} is no id`, async () => {
      const answer = await post(gateway.url, `{"jsonrpc":"2.0","id":${id},"method":"ping"}`, session.headers);
      expect([answer.status, await answer.json()]).toMatchObject([
        400,
        { id: null, error: { code: -32600 } },
      ]);
    });
  }

  test('an id is echoed by a refusal wherever it can be read once', async () => {
    const twice = '{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"a","name":"b"}}';
    const answer = await post(gateway.url, twice, session.headers);
    expect([answer.status, await answer.json()]).toMatchObject([400, { id: 5, error: { code: -32600 } }]);
    const ids = await post(gateway.url, '{"jsonrpc":"2.0","id":5,"id":6,"method":"ping"}', session.headers);
    expect([ids.status, (await ids.json()).id]).toEqual([400, null]);
  });
});

describe('what two decoders could read differently is refused', () => {
  const bodies: Record<string, string> = {
    'a method twice': '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}',
    'a method twice, once escaped': '{"jsonrpc":"2.0","id":1,"method":"ping","m\\u0065thod":"tools/call"}',
    'Method beside method': '{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}',
    'a long s in params':
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","param\\u017f":{},"params":{"name":"echo"}}',
    'Name beside name': '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","Name":"x"}}',
    'a key twice deep inside':
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":[{"b":1,"b":2}]}}}',
    'params that are a list': '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}',
    'a method and a result': '{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}',
    'a result and an error': '{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"x"}}',
  };
  for (const [name, body] of Object.entries(bodies)) {
    test(name, async () => {
      const before = upstream.seen.length;
      const answer = await post(gateway.url, body, session.headers);
      expect([answer.status, await answer.json()]).toMatchObject([400, { id: 1, error: { code: -32600 } }]);
      expect(upstream.seen.length).toBe(before);
    });
  }
});

/** A 2026-07-28 call of `echo`, with its envelope or headers spoilt. */
async function judged(spoil: {
  meta?: object;
  headers?: Record<string, string>;
  params?: object;
  method?: string;
  without?: string[];
}) {
  const { method = 'tools/call', params = { name: 'echo' } } = spoil;
  const message = modern(method, params, 3);
  const meta: Record<string, unknown> = { ...message.params._meta, ...spoil.meta };
  const headers: Record<string, string> = { ...modernHeaders(method, 'echo'), ...spoil.headers };
  for (const key of spoil.without ?? []) {
    delete meta[`io.modelcontextprotocol/${key}`];
    delete headers[key];
  }
  const answer = await post(gateway.url, { ...message, params: { ...message.params, _meta: meta } }, headers);
  const { id, error } = await answer.json();
  return { status: answer.status, id, code: error?.code, data: error?.data };
}

describe('a 2026-07-28 request is judged', () => {
  const version = (value: string) => ({ 'io.modelcontextprotocol/protocolVersion': value });
  const cases: [string, Parameters<typeof judged>[0], number, number][] = [
    ['version header missing', { without: ['mcp-protocol-version'] }, 400, -32020],
    ['version header of another', { headers: { 'mcp-protocol-version': '2025-11-25' } }, 400, -32020],
    ['headers before version', { meta: version('2099-01-01') }, 400, -32020],
    [
      'version unknown',
      { meta: version('2099-01-01'), headers: { 'mcp-protocol-version': '2099-01-01' } },
      400,
      -32022,
    ],
    [
      'version of the other era',
      { meta: version('2025-11-25'), headers: { 'mcp-protocol-version': '2025-11-25' } },
      400,
      -32022,
    ],
    ['capabilities missing', { without: ['clientCapabilities'] }, 400, -32602],
    ['capabilities a list', { meta: { 'io.modelcontextprotocol/clientCapabilities': [] } }, 400, -32602],
    ['client info a text', { meta: { 'io.modelcontextprotocol/clientInfo': 'x' } }, 400, -32602],
    ['log level unknown', { meta: { 'io.modelcontextprotocol/logLevel': 'loud' } }, 400, -32602],
    ['method header missing', { without: ['mcp-method'] }, 400, -32020],
    ['method header in capitals', { headers: { 'mcp-method': 'TOOLS/CALL' } }, 400, -32020],
    ['name header missing', { without: ['mcp-name'] }, 400, -32020],
    ['name header of another tool', { headers: { 'mcp-name': 'query' } }, 400, -32020],
    ['name header in bad base64', { headers: { 'mcp-name': '=?base64?!?=' } }, 400, -32020],
    ['name header for no name', { params: {} }, 400, -32020],
    ['envelope before method', { method: 'ping', without: ['clientCapabilities'] }, 400, -32602],
    ['method of the other era', { method: 'ping' }, 404, -32601],
    ['initialize is such a one', { method: 'initialize' }, 404, -32601],
    ['method unknown to the upstream', { method: 'no/such' }, 404, -32601],
    [
      'argument header missing',
      { params: { name: 'query', arguments: { region: 'eu' } }, headers: { 'mcp-name': 'query' } },
      400,
      -32020,
    ],
    [
      'argument header of another value',
      {
        params: { name: 'query', arguments: { region: 'eu' } },
        headers: { 'mcp-name': 'query', 'mcp-param-region': 'us' },
      },
      400,
      -32020,
    ],
  ];
  for (const [name, spoil, status, code] of cases) {
    test(`${name}: ${status} ${code}`, async () => {
      expect(await judged(spoil)).toMatchObject({ status, code, id: 3 });
    });
  }

  test('a revision that is not spoken is answered with those that are, and nothing else', async () => {
    const unknown = { meta: version('2099-01-01'), headers: { 'mcp-protocol-version': '2099-01-01' } };
    expect((await judged(unknown)).data).toEqual({
      supported: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'],
      requested: '2099-01-01',
    });
  });

  test('headers may be encoded, padded and in any case', async () => {
    const name = `=?base64?${Buffer.from('echo').toString('base64')}?=`;
    expect(await judged({ headers: { 'mcp-name': name } })).toMatchObject({ status: 200 });
    expect(await judged({ without: ['mcp-name'], headers: { 'Mcp-Name': ' echo ' } })).toMatchObject({
      status: 200,
    });
    const query = {
      params: { name: 'query', arguments: { region: 'eu' } },
      headers: { 'mcp-name': 'query', 'Mcp-Param-REGION': 'eu' },
    };
    expect(await judged(query)).toMatchObject({ status: 200 });
  });

  test("what belongs to sessions is nobody's affair", async () => {
    const headers = { 'mcp-session-id': 'never was', 'last-event-id': '7' };
    expect(await judged({ headers })).toMatchObject({ status: 200 });
  });

  test("an unknown argument header is nobody's affair", async () => {
    expect(await judged({ headers: { 'mcp-param-other': 'x' } })).toMatchObject({ status: 200 });
  });
});

describe('a header alone makes no stateless request', () => {
  const headers = { 'mcp-protocol-version': '2026-07-28' };
  test('a request without an envelope is malformed', async () => {
    const answer = await post(gateway.url, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, headers);
    expect([answer.status, await answer.json()]).toMatchObject([400, { id: 1, error: { code: -32602 } }]);
  });

  test('initialize disagrees with it', async () => {
    const answer = await post(gateway.url, initialize('2025-11-25'), headers);
    expect([answer.status, await answer.json()]).toMatchObject([400, { id: 1, error: { code: -32020 } }]);
  });

  test('a notification is taken and dropped', async () => {
    const answer = await post(gateway.url, { jsonrpc: '2.0', method: 'notifications/x' }, headers);
    expect([answer.status, await answer.text()]).toEqual([202, '']);
  });
});
