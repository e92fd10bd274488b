// An upstream that hangs: lists go out without it, and the check of mirrored headers asks nobody but the upstream a
// call goes to, as a part of that call.
import { expect, test } from 'bun:test';
import { withEnvelope } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { longAfter } from '../fixtures/long-after.ts';
import { modernHeaders } from '../fixtures/raw.ts';
import { type RawUpstreamOptions, startRawUpstream } from '../fixtures/raw-upstream.ts';
import { until } from '../fixtures/until.ts';
import { post, send } from '../fixtures/wire.ts';

const TOOLS = JSON.stringify([
  {
    name: 'query',
    inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
  },
]);
const answer = () => '{"content":[],"resultType":"complete"}';
const upstream = (more: Partial<RawUpstreamOptions> = {}) =>
  startRawUpstream({ tools: TOOLS, answer, ...more });

async function twoUpstreams(silent: 'a' | 'b', listTimeout: string, era: '2025' | '2026' = '2026') {
  const hangs = { silent: ['tools/list'] };
  const a = upstream({ era, ...(silent === 'a' ? hangs : {}) });
  const b = upstream({ era, ...(silent === 'b' ? hangs : {}) });
  const upstreams = { a: { url: a.url }, b: { url: b.url } };
  const gateway = await startInProcess(configOf(upstreams, { limits: { list_timeout: listTimeout } }));
  const asked = (one: typeof a) => one.seen.filter(({ message }) => message.method === 'tools/list').length;
  return {
    a,
    b,
    gateway,
    asked,
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await Promise.all([a.stop(), b.stop()]);
    },
  };
}

const message = (method: string, params: object) => ({
  jsonrpc: '2.0',
  id: 7,
  method,
  params: withEnvelope(params),
});
const query = (region: string, name = 'a__query') => ({
  body: message('tools/call', { name, arguments: { region: 'eu' } }),
  headers: { ...modernHeaders('tools/call', name), 'mcp-param-region': region },
});
const callsTo = ({ gateway }: InProcess, name: string) =>
  gateway.report().upstreams.find((each) => each.name === name)?.calls;
const inFlight = (gateway: InProcess) => gateway.metrics.load.inFlight;

test('a list goes out without it, and no client keeps what is not whole', async () => {
  await using run = await twoUpstreams('b', '1s');
  const body = message('tools/list', {});
  const list = await longAfter(
    () => post(run.gateway.url, body, modernHeaders('tools/list')),
    () => until(() => run.asked(run.a) > 0 && run.asked(run.b) > 0 && callsTo(run.gateway, 'a') === 0),
  );
  const { result } = await list.json();
  expect(result.tools.map(({ name }: { name: string }) => name)).toEqual(['a__query']);
  expect(result).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
  expect(await run.gateway.figure('timeouts', { kind: 'list', upstream: 'b' })).toBe(1);
  expect(run.gateway.lines).toContainEqual(
    expect.objectContaining({ level: 'warn', message: 'left out of the list' }),
  );
  await run.b.seen.find(({ message }) => message.method === 'tools/list')?.dropped;
});

test('headers are checked with the upstream of the call alone', async () => {
  await using run = await twoUpstreams('b', '1h');
  const right = await send(run.gateway.url, query('eu'));
  expect([right.status, (await right.json()).result.resultType]).toEqual([200, 'complete']);
  const wrong = await send(run.gateway.url, query('us'));
  expect([wrong.status, await wrong.json()]).toEqual([
    400,
    {
      jsonrpc: '2.0',
      id: 7,
      error: {
        code: -32020,
        message: 'Header mismatch: the Mcp-Param-Region header says "us", but the body says "eu".',
        data: { code: 'HEADER_MISMATCH' },
      },
    },
  ]);
  expect(run.asked(run.b)).toBe(0);
  expect(await run.gateway.figure('exchanges', { method: 'tools/call', outcome: 'error' })).toBe(1);
  expect(await run.gateway.figure('refused', { code: 'HEADER_MISMATCH' })).toBe(1);
});

test('headers are checked as a part of the call: counted, and ended with it', async () => {
  await using run = await twoUpstreams('a', '1h');
  const caller = new AbortController();
  const { headers, body: message } = query('eu');
  const calling = fetch(run.gateway.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(message),
    signal: caller.signal,
  });
  const list = await run.a.arrived('tools/list');
  expect(inFlight(run.gateway)).toBe(1);
  caller.abort();
  expect(calling).rejects.toThrow();
  await Promise.allSettled([calling, list.dropped]);
  await run.gateway.stop();
  expect(inFlight(run.gateway)).toBe(0);
  expect(await run.gateway.figure('exchanges', { method: 'tools/call', outcome: 'cancelled' })).toBe(1);
  expect(run.a.seen.some(({ message: { method } }) => method === 'tools/call')).toBe(false);
});

test('a list for the check that does not come in time holds no call back, and is not waited for by each', async () => {
  await using run = await twoUpstreams('a', '50ms', '2025');
  for (let n = 0; n < 3; n++) {
    const call = await send(run.gateway.url, query('eu'));
    expect([call.status, (await call.json()).result.resultType]).toEqual([200, 'complete']);
  }
  expect(run.asked(run.a)).toBe(1);
});
