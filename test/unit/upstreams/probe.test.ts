// A probe finds out whether something works, and leaves nothing behind.
import { afterEach, describe, expect, test } from 'bun:test';
import { lookup } from 'node:dns';
import type { HttpClient } from '../../../src/upstreams/http-client.ts';
import type { HttpOpening, Openings } from '../../../src/upstreams/http-opening.ts';
import { createHttpClient } from '../../../src/upstreams/http1-client.ts';
import type { Link } from '../../../src/upstreams/link.ts';
import { openHttp } from '../../../src/upstreams/open-http.ts';
import { createOwn } from '../../../src/upstreams/own.ts';
import { type Probing, probe } from '../../../src/upstreams/probe.ts';
import { UNASKED } from '../../../src/upstreams/sharing.ts';
import { testHost } from '../../fixtures/exchanges.ts';
import { type Behaviour, json, type RogueOptions, status } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { gateway, httpSpec } from '../../fixtures/specs.ts';

const run = running();
const clients: HttpClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

const QUIET: Openings = {
  events: { unsolicited() {}, ended() {}, callOver() {} },
  question() {},
  withdrawn() {},
};

async function setUp(options: RogueOptions = {}, behave: Behaviour = (_, res) => status(res, 404)) {
  const rogue = await run.rogue(behave, options);
  const { limits, timeouts } = httpSpec(rogue.url);
  const host = testHost();
  const client = createHttpClient({ upstream: 'up', lookup, timeouts });
  clients.push(client);
  const at: HttpOpening = {
    name: 'up',
    client,
    transport: 'http',
    url: rogue.url,
    headers: { authorization: 'Bearer ours' },
    limits,
    timeouts,
    host,
    gateway,
    userAgent: 'sluice/test',
    signal: new AbortController().signal,
    own: createOwn('up', () => () => [], host.now)(),
    choice: { wanted: 'http', older: false },
    reconnects: () => true,
  };
  const ask = (known: Partial<Probing> = {}) =>
    probe(at, { stateless: false, link: undefined, path: undefined, timeout: 20_000, ...known });
  const kinds = (): string[] => [
    ...new Set(
      rogue.hits.map(({ method, message }) => (method === 'POST' ? (message.method ?? '') : method)),
    ),
  ];
  return { rogue, at, ask, kinds };
}

const TIMES = 1_000;

async function often(ask: () => Promise<unknown>): Promise<void> {
  for (let n = 0; n < TIMES; n++) await ask();
}

describe('so many probes begin no session', () => {
  test('of a server nobody has spoken to', async () => {
    const { rogue, ask, kinds } = await setUp({ era: '2025' });
    expect(await ask()).toBe('reached');
    await often(ask);
    expect(kinds()).toEqual(['OPTIONS']);
    expect(rogue.hits[0]?.headers.authorization).toBeUndefined();
    // And no connection each.
    expect(rogue.connections).toBeLessThan(10);
  });

  test('of one that speaks 2026', async () => {
    const { rogue, ask, kinds } = await setUp({ era: '2026' });
    expect(await ask({ stateless: true })).toBe('works');
    await often(() => ask({ stateless: true }));
    expect(kinds()).toEqual(['server/discover']);
    expect(rogue.hits[0]?.headers.authorization).toBe('Bearer ours');
    expect(rogue.connections).toBeLessThan(10);
  });

  test('of one with a session of 2025', async () => {
    const { rogue, at, ask } = await setUp({ era: '2025' }, (hit, res) =>
      json(res, { jsonrpc: '2.0', id: hit.message.id, result: {} }),
    );
    const link: Link = await openHttp('2025', at, UNASKED.profile, QUIET);
    expect(await ask({ link })).toBe('works');
    await often(() => ask({ link }));
    expect(rogue.of('ping').length).toBe(TIMES + 1);
    expect(rogue.of('initialize').length).toBe(1);
    expect(link.size).toEqual({ calls: 0, tokens: 0 });
    await link.close();
    // Its session is over: the next probe is another.
    expect(await ask({ link })).toBe('reached');
    expect(rogue.of('initialize').length).toBe(1);
  });

  test('with a path of its own', async () => {
    const { rogue, ask, kinds } = await setUp({
      before: (hit, res) => (hit.path === '/healthz' ? status(res, 204) : false),
    });
    expect(await ask({ path: '/healthz' })).toBe('works');
    await often(() => ask({ path: '/healthz' }));
    expect(kinds()).toEqual(['GET']);
    expect(rogue.of('GET')[0]?.headers.authorization).toBeUndefined();
  });
});

describe('what is found', () => {
  const answers = (code: number): RogueOptions => ({ before: (_, res) => status(res, code) });
  const table: [string, number, Partial<Probing>, string][] = [
    ['OPTIONS', 405, {}, 'reached'],
    ['OPTIONS', 501, {}, 'reached'],
    ['OPTIONS', 302, {}, 'reached'],
    ['OPTIONS', 503, {}, 'failed'],
    ['server/discover', 401, { stateless: true }, 'works'],
    ['server/discover', 404, { stateless: true }, 'works'],
    ['server/discover', 429, { stateless: true }, 'works'],
    ['server/discover', 500, { stateless: true }, 'failed'],
    ['a path', 200, { path: '/healthz' }, 'works'],
    ['a path', 404, { path: '/healthz' }, 'failed'],
    ['a path', 302, { path: '/healthz' }, 'failed'],
    ['a path', 503, { path: '/healthz' }, 'failed'],
  ];
  test.each(table)('%s, answered %d', async (_, code, known, expected) => {
    const { ask } = await setUp(answers(code));
    expect(await ask(known).catch(() => 'failed')).toBe(expected);
  });

  test('nobody there', async () => {
    const { rogue, ask } = await setUp();
    await rogue.stop();
    expect(ask()).rejects.toThrow('cannot be reached');
    expect(ask({ stateless: true })).rejects.toThrow('cannot be reached');
    expect(ask({ path: '/healthz' })).rejects.toThrow('cannot be reached');
  });

  test('a session that the server has forgotten: it speaks', async () => {
    const { at, ask } = await setUp({ era: '2025' }, (_, res) => status(res, 404));
    const link = await openHttp('2025', at, UNASKED.profile, QUIET);
    expect(await ask({ link })).toBe('works');
    await link.close();
  });
});
