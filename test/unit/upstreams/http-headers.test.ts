// What leaves for an upstream over HTTP: an allow-list, headers derived from the body, and nothing of the client's.
import { afterEach, describe, expect, test } from 'bun:test';
import type { Upstream } from '../../../src/upstreams/upstream.ts';
import { clientOf, codeOf, exchange, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import {
  answer,
  type Behaviour,
  event,
  type Hit,
  json,
  type Rogue,
  type RogueOptions,
  startRogue,
  stream,
} from '../../fixtures/rogue.ts';
import { type Changes, httpSpec, IDLE, startUpstream } from '../../fixtures/specs.ts';

const rogues: Rogue[] = [];
const upstreams: Upstream[] = [];
afterEach(async () => {
  for (const upstream of upstreams.splice(0)) {
    expect(upstream.state()).toMatchObject(IDLE);
    await upstream.close();
  }
  await Promise.all(rogues.splice(0).map((rogue) => rogue.stop()));
});

const fine: Behaviour = (hit, res) => json(res, answer(hit));

async function start(
  behave: Behaviour = fine,
  options: RogueOptions = {},
  changes: Changes & { headers?: Record<string, string> } = {},
) {
  const rogue = await startRogue(behave, options);
  const host = testHost();
  const upstream = startUpstream(httpSpec(rogue.url, changes), host);
  rogues.push(rogue);
  upstreams.push(upstream);
  return { rogue, upstream, host };
}

const inbound = {
  authorization: 'Bearer client-token',
  cookie: 'session=client',
  host: 'gateway.example',
  origin: 'https://client.example',
  'mcp-session-id': 'client-session',
  'mcp-name': 'client-name',
  'mcp-param-region': 'client-region',
  'last-event-id': '7',
  'accept-encoding': 'gzip, br',
  'content-length': '1',
  'x-forwarded-for': '10.0.0.1',
  'x-anything': 'at all',
};
const CANARIES = [
  'client-token',
  'session=client',
  'gateway.example',
  'client.example',
  'client-session',
  'client-name',
  'client-region',
  '10.0.0.1',
  'at all',
];
const ALWAYS = [
  'accept',
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'host',
  'user-agent',
];
const names = (hit: Hit): string[] => hit.names.map((name) => name.toLowerCase()).sort();

describe('what leaves', () => {
  test('since 2026-07-28: what is ours, configured, or derived from the body', async () => {
    const { rogue, upstream } = await start(
      fine,
      {},
      { headers: { authorization: 'Bearer configured', 'x-tenant': 'a' } },
    );
    await upstream.handle(toolCall('résumé', {}, { id: 'req-1', headers: inbound }), nobody);
    const call = await rogue.nth('tools/call');
    expect(names(call)).toEqual(
      [
        ...ALWAYS,
        'authorization',
        'mcp-method',
        'mcp-name',
        'mcp-protocol-version',
        'x-request-id',
        'x-tenant',
      ].sort(),
    );
    expect(call.headers).toMatchObject({
      host: new URL(rogue.url).host,
      authorization: 'Bearer configured',
      'x-tenant': 'a',
      'x-request-id': 'req-1',
      'user-agent': 'sluice/test',
      accept: 'application/json, text/event-stream',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': '=?base64?csOpc3Vtw6k=?=',
    });
  });

  test('before: the session and revision of this link, and no headers of a later revision', async () => {
    const { rogue, upstream } = await start(
      fine,
      { era: '2025' },
      { headers: { authorization: 'Bearer configured' } },
    );
    await upstream.handle(toolCall('tool', {}, { headers: inbound }), nobody);
    const call = await rogue.nth('tools/call');
    expect(names(call)).toEqual(
      [...ALWAYS, 'authorization', 'mcp-protocol-version', 'mcp-session-id', 'x-request-id'].sort(),
    );
    expect(call.headers).toMatchObject({
      'mcp-session-id': 'session-1',
      'mcp-protocol-version': '2025-11-25',
    });
    const greeting = await rogue.nth('notifications/initialized');
    expect(greeting.headers).toMatchObject({
      'mcp-session-id': 'session-1',
      authorization: 'Bearer configured',
    });
    await upstream.close();
    expect(names(await rogue.nth('DELETE'))).not.toContain('content-type');
  });

  test.each(['2025', '2026'] as const)(
    'nothing of the client’s own headers, in any message (%s)',
    async (era) => {
      const { rogue, upstream } = await start(fine, { era });
      const abort = new AbortController();
      await upstream.handle(toolCall('tool', {}, { headers: inbound }), nobody);
      const waiting = upstream.handle(
        toolCall('tool', {}, { headers: inbound, signal: abort.signal }),
        nobody,
      );
      abort.abort();
      await waiting;
      await upstream.close();
      const sent = rogue.hits.map((hit) => JSON.stringify([hit.headers, hit.text])).join('\n');
      for (const canary of CANARIES) expect(sent).not.toContain(canary);
      expect(rogue.hits.every(({ headers }) => headers['accept-encoding'] === 'identity')).toBe(true);
    },
  );

  test('the caller’s own envelope for a 2026-07-28 caller, one made for others, none before', async () => {
    const own = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': { x: 1 },
      kept: 1,
    };
    for (const [era, meta, expected] of [
      ['2026', own, own],
      [
        '2026',
        { kept: 1 },
        {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'test-client', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': { sampling: {} },
          kept: 1,
        },
      ],
      ['2025', own, { kept: 1 }],
    ] as const) {
      const { rogue, upstream } = await start(fine, { era });
      const client = clientOf({ era: '2025', capabilities: { sampling: {}, tasks: {} } });
      await upstream.handle(exchange('tools/call', { name: 'tool', _meta: meta }, { client }), nobody);
      expect((await rogue.nth('tools/call')).message.params).toEqual({ name: 'tool', _meta: expected });
    }
  });

  test('what a sender adds last, over the bytes that are sent', async () => {
    const { rogue, upstream } = await start();
    const sender = (outbound: { headers: object; body: string }) => ({
      ...outbound,
      headers: { ...outbound.headers, 'x-digest': Bun.hash(outbound.body).toString() },
    });
    await upstream.handle(toolCall('tool', { a: 1 }, { senders: [sender as never] }), nobody);
    for (const hit of [await rogue.nth('tools/call'), await rogue.nth('tools/list')]) {
      expect(hit.headers['x-digest']).toBe(Bun.hash(hit.text).toString());
    }
  });
});

describe('mirrored parameters', () => {
  const tool = (header: string, property = 'region') => ({
    name: 'tool',
    inputSchema: { type: 'object', properties: { [property]: { type: 'string', 'x-mcp-header': header } } },
  });
  const listing = (hit: Hit, tools: unknown[], nextCursor?: string) => ({
    jsonrpc: '2.0',
    id: hit.message.id,
    result: { resultType: 'complete', tools, nextCursor },
  });
  const onList =
    (behave: Behaviour): Behaviour =>
    (hit, res, rogue) =>
      hit.message.method === 'tools/list' ? behave(hit, res, rogue) : false;

  test('are written as the tool declares, wherever in the list it is; the list is asked for once', async () => {
    const pages: Behaviour = onList((hit, res) => {
      const last = hit.message.params?.['cursor'] === 'two';
      json(res, last ? listing(hit, [tool('Region')]) : listing(hit, [{ name: 'other' }], 'two'));
    });
    const { rogue, upstream } = await start(fine, { before: pages });
    for (const region of ['eu', 'ü', ' padded']) await upstream.handle(toolCall('tool', { region }), nobody);
    await upstream.handle(toolCall('tool', {}), nobody);
    await upstream.handle(toolCall('other', { region: 'eu' }), nobody);
    expect(rogue.of('tools/call').map(({ headers }) => headers['mcp-param-region'])).toEqual([
      'eu',
      '=?base64?w7w=?=',
      '=?base64?IHBhZGRlZA==?=',
      undefined,
      undefined,
    ]);
    expect(rogue.of('tools/list').length).toBe(2);
  });

  const mismatch = (hit: Hit) => ({
    jsonrpc: '2.0',
    id: hit.message.id,
    error: { code: -32020, message: 'HeaderMismatch' },
  });

  test('that the upstream calls wrong are looked up anew, and the call is made once more', async () => {
    let header = 'Old';
    const { rogue, upstream } = await start(
      (hit, res) =>
        hit.headers['mcp-param-new'] === 'eu' ? json(res, answer(hit)) : json(res, mismatch(hit), 400),
      {
        before: onList((hit, res) => {
          json(res, listing(hit, [tool(header)]));
          header = 'New';
        }),
      },
    );
    expect(textOf(await upstream.handle(toolCall('tool', { region: 'eu' }), nobody))).toBe('ok');
    expect([rogue.of('tools/list').length, rogue.of('tools/call').length]).toEqual([2, 2]);
    expect(rogue.of('tools/call')[0]?.headers['mcp-param-old']).toBe('eu');
  });

  test('that it calls wrong again are an error of the upstream, not of the caller', async () => {
    const { rogue, upstream } = await start((hit, res) => json(res, mismatch(hit), 400), {
      before: onList((hit, res) => json(res, listing(hit, [tool('Region')]))),
    });
    const result = await upstream.handle(toolCall('tool', { region: 'eu' }), nobody);
    expect(codeOf(result)).toBe('UPSTREAM_INVALID');
    expect(result.raw.string('message')).toContain('refused how it was called (-32020');
    expect(rogue.of('tools/call').length).toBe(2);
  });

  test('no header can carry are the caller’s mistake', async () => {
    const schema = {
      name: 'tool',
      inputSchema: { type: 'object', properties: { n: { type: 'integer', 'x-mcp-header': 'N' } } },
    };
    const { rogue, upstream, host } = await start(fine, {
      before: onList((hit, res) => json(res, listing(hit, [schema]))),
    });
    const result = await upstream.handle(
      exchange('tools/call', '{"name":"tool","arguments":{"n":9007199254740993}}'),
      nobody,
    );
    expect(codeOf(result)).toBe('PARAMS_INVALID');
    expect(rogue.of('tools/call')).toEqual([]);
    expect(await host.figure('upstreamErrors')).toBe(0);
  });

  test('a list that never comes costs its callers a while, not the upstream its use', async () => {
    let hang = true;
    const { rogue, upstream } = await start(
      fine,
      { before: onList((hit, res) => (hang ? true : json(res, listing(hit, [tool('Region')])))) },
      { timeouts: { start: 30 } },
    );
    expect(textOf(await upstream.handle(toolCall('tool', { region: 'eu' }), nobody))).toBe('ok');
    await (await rogue.nth('tools/list')).gone;
    hang = false;
    expect(textOf(await upstream.handle(toolCall('tool', { region: 'eu' }), nobody))).toBe('ok');
    expect(rogue.of('tools/call').map(({ headers }) => headers['mcp-param-region'])).toEqual([
      undefined,
      'eu',
    ]);
  });

  test('one caller that goes away does not take the list from the others', async () => {
    const release = Promise.withResolvers<void>();
    const { rogue, upstream } = await start(fine, {
      before: onList(async (hit, res) => {
        await release.promise;
        stream(res);
        res.end(event(listing(hit, [tool('Region')])));
      }),
    });
    const abort = new AbortController();
    const first = upstream.handle(toolCall('tool', { region: 'eu' }, { signal: abort.signal }), nobody);
    const second = upstream.handle(toolCall('tool', { region: 'eu' }), nobody);
    await rogue.nth('tools/list');
    abort.abort();
    expect(codeOf(await first)).toBe('CANCELLED');
    release.resolve();
    await second;
    expect(rogue.of('tools/call').map(({ headers }) => headers['mcp-param-region'])).toEqual(['eu']);
  });

  test('declared against the rules hide the tool, and the tool alone', async () => {
    const bad = [
      tool('Bad Name'),
      {
        name: 'twice',
        inputSchema: {
          type: 'object',
          properties: {
            a: { type: 'string', 'x-mcp-header': 'R' },
            b: { type: 'string', 'x-mcp-header': 'r' },
          },
        },
      },
    ];
    const good = '{ "name": "good", "inputSchema": {"type":"object"}, "n": 1.0 }';
    const { upstream, host } = await start(fine, {
      before: onList((hit, res) =>
        json(
          res,
          `{"jsonrpc":"2.0","id":${hit.message.id},"result":{"resultType":"complete","tools":[${JSON.stringify(bad[0])},${good},${JSON.stringify(bad[1])}]}}`,
        ),
      ),
    });
    const result = await upstream.handle(exchange('tools/list', {}), nobody);
    expect(result.raw.raw('tools')).toBe(`[${good}]`);
    expect(host.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields['tool'])).toEqual([
      'tool',
      'twice',
    ]);
  });
});
