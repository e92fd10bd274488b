// A link that is being opened to a server which never answers: whoever ends does not wait for it.
import { describe, expect, test } from 'bun:test';
import type { Client } from '../../../src/core/client.ts';
import { NO_REAPER } from '../../../src/upstreams/reaper.ts';
import { clientOf, codeOf, nobody, testHost, toolCall } from '../../fixtures/exchanges.ts';
import { type Rogue, stream } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec, serverSpec, startUpstream } from '../../fixtures/specs.ts';
import { leaveAfterEach, listener } from './listener.ts';

leaveAfterEach();
const run = running();

/** No test may live as long as this. */
const FOR_EVER = { timeouts: { start: 3_600_000, firstByte: 3_600_000 } };

/** A server that hangs at one method. */
const hanging = (at: string): Promise<Rogue> =>
  run.rogue(() => {}, {
    era: '2025',
    before: ({ method, message }, res) => (method === 'GET' ? stream(res, ':\n\n') : message.method === at),
  });

const session = (ended: AbortSignal): Client => clientOf({ era: '2025', session: 's', ended });

describe.each(['initialize', 'notifications/initialized'])('a server that hangs at %s', (at) => {
  test('is let go when the upstream closes', async () => {
    const rogue = await hanging(at);
    const upstream = run.upstream(httpSpec(rogue.url, { era: '2025', ...FOR_EVER }));
    const call = upstream.handle(toolCall('tool'), nobody);
    const hit = await rogue.nth(at);
    await upstream.close();
    await hit.gone;
    const result = await call;
    expect(codeOf(result)).toBe('UPSTREAM_UNAVAILABLE');
    expect(result.raw.string('message')).toBe('The upstream "up" is being closed.');
  });

  test('is let go when the session ends that the link is for; the next session tries again', async () => {
    const rogue = await hanging(at);
    const upstream = run.upstream(httpSpec(rogue.url, { era: '2025', ...FOR_EVER }));
    const ended = new AbortController();
    const call = upstream.handle(toolCall('tool', {}, { client: session(ended.signal) }), nobody);
    const hit = await rogue.nth(at);
    ended.abort();
    await hit.gone;
    expect(codeOf(await call)).toBe('SESSION_UNKNOWN');
    const next = new AbortController();
    const again = upstream.handle(toolCall('tool', {}, { client: session(next.signal) }), nobody);
    const second = await rogue.nth(at, 2);
    next.abort();
    await second.gone;
    expect(codeOf(await again)).toBe('SESSION_UNKNOWN');
  });
});

test('a process that says nothing is ended when the upstream closes', async () => {
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const reaper = { ...NO_REAPER, watch: () => started.resolve(), forget: () => ended.resolve() };
  const spec = serverSpec(['--silent', 'server/discover'], { era: '2026', ...FOR_EVER });
  const upstream = startUpstream(spec, testHost(), reaper);
  const call = upstream.handle(toolCall('echo'), nobody);
  await started.promise;
  await upstream.close();
  await ended.promise;
  expect(codeOf(await call)).toBe('UPSTREAM_UNAVAILABLE');
});

test('a listener leaves while its resource is being subscribed', async () => {
  const rogue = await hanging('resources/subscribe');
  const upstream = run.upstream(httpSpec(rogue.url, { era: '2025', ...FOR_EVER }));
  const { leave } = listener(upstream, { resourceSubscriptions: ['file:///a'] });
  const hit = await rogue.nth('resources/subscribe');
  expect((await leave()).kind).toBe('complete');
  await upstream.close();
  await hit.gone;
});
