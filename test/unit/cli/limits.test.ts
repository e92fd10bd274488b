// `sluice limits` against a gateway that runs: what it says of calls that were made, and of one principal.
import { expect, test } from 'bun:test';
import { call } from '../../fixtures/clients.ts';
import { Home } from './child.ts';

const CONFIG = `
version: 1
listeners: [{ http: { listen: '127.0.0.1:0' } }]
admin: { listen: 'off' }
upstreams: { demo: { builtin: demo } }
pipeline:
  - ratelimit:
      limits:
        - { name: calls, rate: 2/h }
        - { name: work, concurrency: 3, per: all }
        - { name: tried, quota: 1/day, per: [principal, tool], shadow: true }
`;

test('each limit with its keys, what is left and what was refused; as JSON; of one principal', async () => {
  await using home = new Home();
  home.write('gateway.yaml', CONFIG);
  const gateway = home.start(['run']);
  const found = await gateway.until(/http:\/\/127\.0\.0\.1:\d+\/mcp/);
  for (const _ of [1, 2, 3]) await (await call(found[0], 'echo', { text: 'a' })).text();
  const { out, code, err } = await home.run(['limits']);
  expect([code, err]).toEqual([0, '']);
  expect(out.replaceAll(/in [0-9hms]+/g, 'in TIME').split('\n')).toEqual([
    'ratelimit · pipeline',
    '  calls: 2 per hour per principal · 2 admitted, 1 refused since the start',
    '    anonymous  0 of 2 left · all of it in TIME · 1 refused',
    '  tried: 1 per day per principal and tool · 1 admitted, 1 refused since the start · shadow: refuses nobody',
    '    anonymous · demo/echo  0 of 1 left · all of it in TIME · 1 refused',
    '  work: 3 calls at once for all together · 2 admitted, 0 refused since the start',
    '',
  ]);
  const json = await home.run(['limits', '--json', '--for', 'anonymous']);
  const [entry] = JSON.parse(json.out).entries;
  expect([entry.name, entry.limits[0].keys[0]]).toEqual([
    'ratelimit',
    expect.objectContaining({ key: 'anonymous', remaining: 0, refused: 1 }),
  ]);
  const nobody = await home.run(['limits', '--for', 'eve']);
  expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('no limit has seen "eve"')]);
}, 30_000);
