// What leaves for an upstream over HTTP: an allow-list, headers derived from the body, and nothing of the client's.
import { describe, expect, test } from 'bun:test';
import { clientOf, exchange, nobody, testHost, toolCall } from '../../fixtures/exchanges.ts';
import { answer, type Behaviour, type Hit, json, type RogueOptions } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { type Changes, httpSpec } from '../../fixtures/specs.ts';

const run = running();

const fine: Behaviour = (hit, res) => json(res, answer(hit));

async function start(
  behave: Behaviour = fine,
  options: RogueOptions = {},
  changes: Changes & { headers?: Record<string, string> } = {},
) {
  const rogue = await run.rogue(behave, options);
  const host = testHost();
  const upstream = run.upstream(httpSpec(rogue.url, changes), host);
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
