// What an upstream may send at most: beyond it the call ends with an error that names the limit, which is counted.
import { describe, expect, test } from 'bun:test';
import {
  clientOf,
  codeOf,
  collector,
  exchange,
  nobody,
  testHost,
  textOf,
  toolCall,
} from '../../fixtures/exchanges.ts';
import { longAfter } from '../../fixtures/long-after.ts';
import { answer, type Behaviour, event, json, streamed } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { type Changes, httpSpec, serverSpec } from '../../fixtures/specs.ts';
import { until } from '../../fixtures/until.ts';

const run = running({ idle: false });

async function overHttp(behave: Behaviour, limits: Changes['limits'] = {}, before?: Behaviour) {
  const rogue = await run.rogue(behave, before ? { before } : {});
  const upstream = run.upstream(httpSpec(rogue.url, { limits }), testHost());
  const hits = (limit: string) => upstream.host.figure('limitHits', { limit });
  return { rogue, upstream, hits };
}

test.each([
  ['response', json],
  ['event', (res: Parameters<Behaviour>[1], said: object) => streamed(res, event(said))],
] as const)('limits.%s', async (limit, write) => {
  const { upstream, hits } = await overHttp((hit, res) => write(res, answer(hit, 'x'.repeat(2_000))), {
    [limit]: 1_000,
  });
  const result = await upstream.handle(toolCall('tool'), nobody);
  expect([codeOf(result), await hits(limit)]).toEqual(['UPSTREAM_INVALID', 1]);
  expect(result.raw.string('message')).toContain(`limits.${limit}`);
});

describe('limits.line', () => {
  test('ends the process, and its calls as an invalid answer; the next one gets a new process', async () => {
    const host = testHost();
    const upstream = run.upstream(serverSpec([], { limits: { line: 2_000 } }), host);
    const result = await upstream.handle(toolCall('say', { lines: ['x'.repeat(3_000)] }), nobody);
    expect(codeOf(result)).toBe('UPSTREAM_INVALID');
    expect(result.raw.string('message')).toContain('more in one line than limits.line allows (2000 bytes)');
    expect(await host.figure('limitHits', { limit: 'line' })).toBe(1);
    expect(textOf(await upstream.handle(toolCall('echo', { a: 1 }), nobody))).toBe('{"a":1}');
  });
});

describe('limits.upstream_batch', () => {
  const two = (id: unknown) =>
    `[{"jsonrpc":"2.0","method":"n"},{"jsonrpc":"2.0","id":${id},"result":{"content":[]}}]`;

  test('of an answer over HTTP', async () => {
    const batch: Behaviour = ({ message }, res) => json(res, two(message.id));
    const fits = await overHttp(batch, { upstreamBatch: 2 });
    expect((await fits.upstream.handle(toolCall('tool'), nobody)).kind).toBe('complete');
    expect(await fits.hits('upstream_batch')).toBe(0);
    const { upstream, hits } = await overHttp(batch, { upstreamBatch: 1 });
    const result = await upstream.handle(toolCall('tool'), nobody);
    expect([codeOf(result), await hits('upstream_batch')]).toEqual(['UPSTREAM_INVALID', 1]);
  });

  test('on a pipe: the call that it answers fails, and what comes behind it is late', async () => {
    const host = testHost();
    const upstream = run.upstream(serverSpec([], { limits: { upstreamBatch: 1 } }), host);
    const single = '{"jsonrpc":"2.0","id":$id,"result":{"content":[{"type":"text","text":"single"}]}}';
    const { emit } = collector();
    const result = await upstream.handle(toolCall('say', { lines: [two('$id'), single] }), emit);
    expect([codeOf(result), result.raw.string('message')]).toEqual([
      'UPSTREAM_INVALID',
      expect.stringContaining('limits.upstream_batch'),
    ]);
    expect(await host.figure('limitHits', { limit: 'upstream_batch' })).toBe(1);
    const [line] = host.lines.filter(({ message }) => message === 'upstream sent what is not MCP');
    expect(line?.fields.what).toContain('limits.upstream_batch');
    await until(async () => (await host.dropped('late_result')) === 1);
  });
});

describe('limits.pages', () => {
  const tool = { name: 'tool', inputSchema: { properties: { r: { type: 'string', 'x-mcp-header': 'R' } } } };
  /** The tool is on the third page. */
  const pages: Behaviour = ({ message }, res) => {
    if (message.method !== 'tools/list') return false;
    const page = Number(message.params?.cursor ?? 1);
    const result = page === 3 ? { tools: [tool] } : { tools: [], nextCursor: String(page + 1) };
    return json(res, { jsonrpc: '2.0', id: message.id, result: { resultType: 'complete', ...result } });
  };

  test.each([
    [3, 'eu', 0],
    [2, undefined, 1],
  ])('%d of a list that says which arguments are mirrored', async (most, header, hit) => {
    const fine: Behaviour = (call, res) => json(res, answer(call));
    const { rogue, upstream, hits } = await overHttp(fine, { pages: most }, pages);
    expect(textOf(await upstream.handle(toolCall('tool', { r: 'eu' }), nobody))).toBe('ok');
    expect(rogue.of('tools/call')[0]?.headers['mcp-param-r']).toBe(header);
    expect([rogue.of('tools/list').length, await hits('pages')]).toEqual([most, hit]);
  });
});

test('timeouts.standing: a server silent on its standing stream is taken to have one, and that is counted', async () => {
  const rogue = await run.rogue((hit, res) => json(res, answer(hit)), {
    era: '2025',
    // It says nothing to the GET, for ever.
    before: ({ method }) => method === 'GET',
  });
  const host = testHost();
  const upstream = run.upstream(httpSpec(rogue.url, { timeouts: { standing: 3_000_000 } }), host);
  const client = clientOf({ era: '2025', session: 's' });
  const abort = new AbortController();
  const { notes, emit, heard } = collector();
  let listening: Promise<unknown> | undefined;
  const work = (): Promise<void> => {
    const notifications = { resourcesListChanged: true };
    const x = exchange('subscriptions/listen', { notifications }, { client, signal: abort.signal });
    listening = upstream.handle(x, emit);
    return heard(1);
  };
  await longAfter(work, () => rogue.nth('GET'));
  // Nothing is lost: what the client asked for is honoured.
  expect(notes[0]?.raw?.text).toBe('{"notifications":{"resourcesListChanged":true}}');
  expect(await host.figure('timeouts', { kind: 'standing', upstream: 'up' })).toBe(1);
  abort.abort();
  await listening;
});
