// A process that fails again and again, and callers that have nothing to do with it.
import { expect, test } from 'bun:test';
import { clientOf, codeOf, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { answer, json, status } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec, serverSpec } from '../../fixtures/specs.ts';

const run = running();
const breaker = { failures: 3, open: 60_000, openMax: 60_000 };
const health = { probe: 'off', timeout: 20_000, path: undefined } as const;

test('a process that ends with every call is not started again for a while; one call that fails costs nothing', async () => {
  const upstream = run.upstream(serverSpec(['--era', '2026'], { era: '2026', targets: { breaker, health } }));
  const call = (name: string, args = {}) => upstream.handle(toolCall(name, args), nobody);
  expect(codeOf(await call('exit', { code: 1 }))).toBe('UPSTREAM_UNAVAILABLE');
  expect(textOf(await call('pid'))).toContain('pid');
  for (let n = 0; n < 3; n++) await call('exit', { code: 1 });
  const refused = await call('pid');
  expect(refused.http).toBe(503);
  expect(refused.raw.string('message')).toContain('3 calls in a row failed');
  expect(refused.raw.object('data')?.get('retryAfterMs')).toBeGreaterThan(0);
  upstream.host.turn(60_000);
  expect(textOf(await call('pid'))).toContain('pid');
});

test('one that dies with many calls has failed once', async () => {
  const upstream = run.upstream(serverSpec(['--era', '2026'], { era: '2026', targets: { breaker, health } }));
  const call = (name: string, args = {}) => upstream.handle(toolCall(name, args), nobody);
  const waiting = Array.from({ length: 20 }, () => call('silent'));
  await call('pid');
  await call('die', { signal: 'SIGKILL' });
  for (const result of await Promise.all(waiting)) expect(codeOf(result)).toBe('UPSTREAM_UNAVAILABLE');
  expect(textOf(await call('pid'))).toContain('pid');
});

test('whoever has a process of its own that works keeps it', async () => {
  const instances = { per: 'session', max: 10 } as const;
  const upstream = run.upstream(
    serverSpec(['--era', '2025'], { era: '2025', instances, targets: { breaker, health } }),
  );
  const call = (session: string, name: string, args = {}) =>
    upstream.handle(toolCall(name, args, { client: clientOf({ era: '2025', session }) }), nobody);
  const pid = textOf(await call('b', 'pid'));
  for (let n = 0; n < 3; n++) await call('a', 'exit', { code: 1 });
  expect((await call('a', 'pid')).http).toBe(503);
  expect(textOf(await call('b', 'pid'))).toBe(pid);
});

test('over HTTP a caller whose calls alone fail is refused alone', async () => {
  const host = testHost();
  const rogue = await run.rogue((hit, res) => {
    const { arguments: args } = hit.message.params as { arguments: { bad?: true } };
    return args.bad ? status(res, 500) : json(res, answer(hit));
  });
  const upstream = run.upstream(httpSpec(rogue.url, { targets: { breaker, health } }), host);
  const call = (principal: string, args = {}) =>
    upstream.handle(toolCall('tool', args, { client: clientOf({ principal }) }), nobody);
  for (let n = 0; n < 3; n++) await call('a', { bad: true });
  expect((await call('a')).http).toBe(503);
  for (let n = 0; n < 5; n++) expect(textOf(await call('b'))).toBe('ok');
  // Nor does what works for another open the way for it.
  expect((await call('a')).http).toBe(503);
});
