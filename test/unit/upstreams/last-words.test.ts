// The last that a server of 2025 is told over HTTP, and what is told without an answer: in time, or given up.
import { describe, expect, test } from 'bun:test';
import { clientOf, codeOf, exchange, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { answer, type Behaviour, event, json, type RogueOptions, stream } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { type Changes, httpSpec } from '../../fixtures/specs.ts';

const run = running();

async function start(behave: Behaviour, options: RogueOptions = {}, timeouts: Changes['timeouts'] = {}) {
  const rogue = await run.rogue(behave, { era: '2025', ...options });
  const host = testHost();
  const upstream = run.upstream(httpSpec(rogue.url, { era: '2025', timeouts }), host);
  return { rogue, host, upstream };
}

const well: Behaviour = (hit, res) => json(res, answer(hit));

describe('a session that was begun and will not be used', () => {
  const hung: RogueOptions = { before: ({ message }) => message.method === 'notifications/initialized' };

  test('is ended when its upstream closes', async () => {
    const { rogue, upstream } = await start(well, hung);
    const call = upstream.handle(toolCall('tool'), nobody);
    await rogue.nth('notifications/initialized');
    await upstream.close();
    expect(rogue.of('DELETE').map(({ headers }) => headers['mcp-session-id'])).toEqual(['session-1']);
    expect(codeOf(await call)).toBe('UPSTREAM_UNAVAILABLE');
  });

  test('is ended when its client goes', async () => {
    const { rogue, upstream } = await start(well, hung);
    const gone = new AbortController();
    const client = clientOf({ era: '2025', session: 's', ended: gone.signal });
    const call = upstream.handle(toolCall('tool', {}, { client }), nobody);
    await rogue.nth('notifications/initialized');
    gone.abort();
    expect((await rogue.nth('DELETE')).headers['mcp-session-id']).toBe('session-1');
    expect(codeOf(await call)).toBe('SESSION_UNKNOWN');
  });

  test('is ended when the server is late', async () => {
    const { rogue, upstream } = await start(well, hung, { start: 50 });
    expect(codeOf(await upstream.handle(toolCall('tool'), nobody))).toBe('UPSTREAM_TIMEOUT');
    expect(rogue.of('DELETE').length).toBe(1);
  });

  test('is ended when it is of a revision that nobody knows', async () => {
    const { rogue, upstream } = await start(well, {
      before({ message: { id, method } }, res) {
        if (method !== 'initialize') return false;
        const result = { protocolVersion: '2031-01-01', capabilities: {}, serverInfo: {} };
        return json(res, { jsonrpc: '2.0', id, result }, 200, { 'mcp-session-id': 'future' });
      },
    });
    expect(codeOf(await upstream.handle(toolCall('tool'), nobody))).toBe('UPSTREAM_INVALID');
    expect(rogue.of('DELETE').map(({ headers }) => headers['mcp-session-id'])).toEqual(['future']);
  });

  test('is not ended where there is none', async () => {
    const { rogue, upstream } = await start(well, { ...hung, session: false });
    const call = upstream.handle(toolCall('tool'), nobody);
    await rogue.nth('notifications/initialized');
    await upstream.close();
    await call;
    expect(rogue.of('DELETE')).toEqual([]);
  });
});

test('a server that does not answer the end of its session is not waited for beyond timeouts.close', async () => {
  const { rogue, host, upstream } = await start(
    well,
    { before: ({ method }) => method === 'DELETE' },
    { close: 30 },
  );
  expect(textOf(await upstream.handle(toolCall('tool'), nobody))).toBe('ok');
  await upstream.close();
  expect(rogue.of('DELETE').length).toBe(1);
  expect(await host.figure('timeouts', { kind: 'close' })).toBe(1);
});

test('an answer that the server does not take is given up after timeouts.message', async () => {
  const ask = { jsonrpc: '2.0', id: 'q', method: 'roots/list' };
  const { rogue, host, upstream } = await start(
    (_hit, res) => stream(res, event(ask)),
    // The answer to its question.
    { before: ({ message: { id, method } }) => id !== undefined && method === undefined },
    { message: 30, total: 5_000 },
  );
  const client = clientOf({ era: '2026', capabilities: { roots: {} } });
  const asked = await upstream.handle(toolCall('tool', {}, { client }), nobody);
  expect(asked.kind).toBe('input_required');
  const keys = asked.raw.object('inputRequests')?.keys() ?? [];
  const retry = {
    name: 'tool',
    arguments: {},
    requestState: asked.raw.string('requestState'),
    inputResponses: Object.fromEntries(keys.map((key) => [key, { roots: [] }])),
  };
  const result = await upstream.handle(exchange('tools/call', retry, { client }), nobody);
  expect(codeOf(result)).toBe('UPSTREAM_TIMEOUT');
  expect(await host.figure('timeouts', { kind: 'message' })).toBe(1);
  await rogue.nth('notifications/cancelled');
});
