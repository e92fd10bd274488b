// A caller that goes while the server is looked at whether it works again.
import { expect, test } from 'bun:test';
import { clientOf, codeOf, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { answer, json, status } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec } from '../../fixtures/specs.ts';

const run = running();

test('it holds no session that another could have', async () => {
  const looking = Promise.withResolvers<void>();
  const found = Promise.withResolvers<void>();
  let works = true;
  const rogue = await run.rogue((hit, res) => json(res, answer(hit, 'here')), {
    era: '2025',
    async before(hit, res) {
      if (hit.message.method === 'ping') {
        looking.resolve();
        await found.promise;
        json(res, { jsonrpc: '2.0', id: hit.message.id, result: {} });
        return true;
      }
      return works || hit.message.method !== 'tools/call' ? false : status(res, 500);
    },
  });
  const host = testHost();
  const targets = {
    breaker: { failures: 1, open: 1_000, openMax: 1_000 },
    health: { probe: 'tripped', timeout: 20_000, path: undefined },
    balance: 'first',
  } as const;
  const sessions = { per: 'principal', max: 1 } as const;
  const upstream = run.upstream(httpSpec(rogue.url, { targets, sessions }), host);
  const call = (principal: string, signal?: AbortSignal) =>
    upstream.handle(
      toolCall('tool', {}, { client: clientOf({ era: '2025', principal }), ...(signal && { signal }) }),
      nobody,
    );
  expect(textOf(await call('one'))).toBe('here');
  works = false;
  await call('one');
  expect(upstream.state().targets).toMatchObject([{ state: 'open' }]);
  host.turn(1_000);
  works = true;
  const gone = new AbortController();
  const given = call('one', gone.signal);
  await looking.promise;
  gone.abort();
  expect(codeOf(await given)).toBe('CANCELLED');
  found.resolve();
  await host.logged('upstream is called again');
  expect(textOf(await call('one'))).toBe('here');
  expect(textOf(await call('two'))).toBe('here');
});
