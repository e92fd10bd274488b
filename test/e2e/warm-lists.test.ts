// A gateway that starts again answers from what it knew while an upstream is still starting, and tells its clients
// when the truth is another.
import { afterEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openShelfFile } from '../../src/cli/shelf-file.ts';
import { listen, withEnvelope } from '../fixtures/clients.ts';
import { testHost } from '../fixtures/exchanges.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { modernHeaders } from '../fixtures/raw.ts';
import { type RawUpstream, startRawUpstream } from '../fixtures/raw-upstream.ts';
import { post } from '../fixtures/wire.ts';

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

const sealKey = new Uint8Array(32).fill(5);
const toolsOf = (...names: string[]) =>
  JSON.stringify(names.map((name) => ({ name, inputSchema: { type: 'object' } })));
const namesOf = ({ tools }: { tools: { name: string }[] }) => tools.map(({ name }) => name);
const message = (method: string) => ({ jsonrpc: '2.0', id: 1, method, params: withEnvelope({}) });

async function ask(url: string, method: string) {
  const response = await post(url, message(method), modernHeaders(method));
  return (await response.json()).result;
}

test('lists and greetings are there at once, from before', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-warm-'));
  dirs.push(dir);
  const shelf = () => openShelfFile({ dir, size: 1 << 20, busy: 5_000, host: testHost() });
  const answer = () => '{}';
  const first = startRawUpstream({ tools: toolsOf('x'), answer });
  const other = startRawUpstream({ tools: toolsOf('y'), answer });
  const upstreams = { slow: { url: first.url, era: 2026 }, other: { url: other.url, era: 2026 } };
  // So long nobody waits: an answer in time is one that did not wait for the upstream.
  const config = configOf(upstreams, { limits: { list_timeout: '1h', list_patience: '50ms' } });
  {
    await using before = await startInProcess(config, { sealKey, shelf: shelf() });
    expect((await ask(before.url, 'tools/list')).tools.length).toBe(2);
    await ask(before.url, 'server/discover');
  }
  await first.stop();
  const silent = ['tools/list', 'server/discover', 'subscriptions/listen'];
  let started: RawUpstream | undefined;
  const starting = startRawUpstream({ port: first.port, answer, silent });
  try {
    await using after = await startInProcess(config, { sealKey, shelf: shelf() });
    const list = await ask(after.url, 'tools/list');
    expect(namesOf(list)).toEqual(['slow__x', 'other__y']);
    expect(list._meta['dev.sluice/stale']).toEqual([{ upstream: 'slow', why: 'UPSTREAM_TIMEOUT' }]);
    expect((await ask(after.url, 'server/discover')).capabilities).toHaveProperty('tools');
    const { answer: events } = await listen(after.url, { toolsListChanged: true });
    await starting.stop();
    started = startRawUpstream({ port: first.port, tools: toolsOf('x', 'z'), answer });
    expect((await events.message()).method).toBe('notifications/tools/list_changed');
    expect(namesOf(await ask(after.url, 'tools/list'))).toEqual(['slow__x', 'slow__z', 'other__y']);
    events.drop();
  } finally {
    await started?.stop();
    await Promise.all([starting.stop(), other.stop()]);
  }
});

test('one that goes stands in the list as it was for its grace; that it is over is told, and that it is back', async () => {
  const answer = () => '{}';
  const first = startRawUpstream({ era: '2025', tools: toolsOf('x'), answer });
  const other = startRawUpstream({ tools: toolsOf('y'), answer });
  const upstreams = { going: { url: first.url }, other: { url: other.url } };
  let back: RawUpstream | undefined;
  try {
    await using gateway = await startInProcess(
      configOf(upstreams, { limits: { list_grace: '300ms', list_retry: '50ms' } }),
    );
    expect(namesOf(await ask(gateway.url, 'tools/list'))).toEqual(['going__x', 'other__y']);
    const { answer: events } = await listen(gateway.url, { toolsListChanged: true });
    await first.stop();
    const list = await ask(gateway.url, 'tools/list');
    expect(namesOf(list)).toEqual(['going__x', 'other__y']);
    expect(list).toMatchObject({
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { 'dev.sluice/stale': [{ upstream: 'going', why: 'UPSTREAM_UNAVAILABLE' }] },
    });
    expect((await events.message()).method).toBe('notifications/tools/list_changed');
    const without = await ask(gateway.url, 'tools/list');
    expect(namesOf(without)).toEqual(['other__y']);
    expect(without._meta).toMatchObject({
      'dev.sluice/missing': [{ upstream: 'going', why: 'UPSTREAM_UNAVAILABLE' }],
    });
    back = startRawUpstream({ era: '2025', port: first.port, tools: toolsOf('x'), answer });
    expect((await events.message()).method).toBe('notifications/tools/list_changed');
    expect(namesOf(await ask(gateway.url, 'tools/list'))).toEqual(['going__x', 'other__y']);
    events.drop();
  } finally {
    await Promise.all([back?.stop(), other.stop()]);
  }
});
