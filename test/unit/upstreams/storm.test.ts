// A server that cannot be reached while many want it: it is left alone, and nobody waits for it.
import { expect, test } from 'bun:test';
import { clientOf, codeOf, exchange, nobody, testHost, toolCall } from '../../fixtures/exchanges.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec } from '../../fixtures/specs.ts';

const run = running();

const breaker = { failures: 5, open: 500, openMax: 1_000 };
const health = { probe: 'off', timeout: 1_000, path: undefined } as const;
const retry = { max: 2, backoff: 1, maxBackoff: 1, budget: 20, floor: 1 };

test('a connection that fails is not opened anew for each of those that want one', async () => {
  const rogue = await run.rogue(() => {}, { era: '2025', before: (_, res) => res.socket?.destroy() });
  const host = testHost();
  const changes = { era: '2025', retry, targets: { balance: 'first', breaker, health } } as const;
  const upstream = run.upstream(httpSpec(rogue.url, changes), host);
  const clients = Array.from({ length: 60 }, (_, n) => clientOf({ era: '2025', session: `s${n}` }));
  const said: string[] = [];
  for (let wave = 0; wave < 5; wave++) {
    const results = await Promise.all(
      clients.flatMap((client) => [
        upstream.handle(toolCall('tool', {}, { client }), nobody),
        upstream.handle(exchange('resources/read', { uri: `a:${wave}` }, { client }), nobody),
      ]),
    );
    expect(new Set(results.map(codeOf))).toEqual(new Set(['UPSTREAM_UNAVAILABLE']));
    said.push(results[0]?.raw.string('message') ?? '');
  }
  // Those of the first moment, when nobody knew yet: one for each session at most.
  expect(rogue.connections).toBeLessThanOrEqual(clients.length);
  for (const message of said.slice(1))
    expect(message).toMatch(/is not called for now.* It is tried again in \d+ ms\.$/);
});
