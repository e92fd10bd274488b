// Which era an upstream is spoken to in: found out on contact, believed for a while, and found out anew.
import { describe, expect, test } from 'bun:test';
import { clientOf, codeOf, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { longAfter, timerSet } from '../../fixtures/long-after.ts';
import { answer, type Behaviour, json, type RogueOptions, status } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { type Changes, httpSpec, serverSpec } from '../../fixtures/specs.ts';

const run = running();

const ERAS = ['2025', '2026'] as const;
type Era = (typeof ERAS)[number];
const fine: Behaviour = (hit, res) => json(res, answer(hit));
const rpcError = (code: number) => ({ jsonrpc: '2.0', id: null, error: { code, message: 'theirs' } });

async function start(options: RogueOptions, changes: Changes = {}, behave: Behaviour = fine) {
  const rogue = await run.rogue(behave, options);
  const host = testHost();
  const upstream = run.upstream(httpSpec(rogue.url, changes), host);
  const call = (era: Era = '2026') =>
    upstream.handle(toolCall('tool', {}, { client: clientOf({ era }) }), nobody);
  /** In which era each call so far was made. */
  const spoken = () =>
    rogue.of('tools/call').map(({ headers }) => headers['mcp-protocol-version']?.slice(0, 4));
  return { rogue, host, upstream, call, spoken };
}

describe('over HTTP', () => {
  test('a server of both speaks to each client in its own', async () => {
    const { call, spoken, upstream, rogue } = await start({ era: 'both' });
    for (const era of [...ERAS, ...ERAS]) expect(textOf(await call(era))).toBe('ok');
    expect(spoken()).toEqual(['2025', '2026', '2025', '2026']);
    expect(upstream.state()).toMatchObject({ links: 2, eras: ['2025', '2026'] });
    expect([rogue.of('initialize').length, rogue.of('server/discover').length]).toEqual([1, 1]);
  });

  test.each(ERAS)('a server of %s alone is spoken to in that, and asked for the other once', async (era) => {
    const { call, spoken, upstream, rogue } = await start({ era });
    for (const client of [...ERAS, ...ERAS]) expect(textOf(await call(client))).toBe('ok');
    expect(spoken()).toEqual([era, era, era, era]);
    expect(upstream.state().eras).toEqual([era]);
    const [mine, other] =
      era === '2025' ? ['initialize', 'server/discover'] : ['server/discover', 'initialize'];
    expect(rogue.of(other as string).length).toBe(1);
    expect(rogue.of(mine as string).length).toBe(1);
  });

  test.each(ERAS)('pinned to %s nothing else is tried', async (era) => {
    const { call, spoken, rogue } = await start({ era: 'both' }, { era });
    for (const client of ERAS) expect(textOf(await call(client))).toBe('ok');
    expect(spoken()).toEqual([era, era]);
    expect(rogue.of(era === '2025' ? 'server/discover' : 'initialize')).toEqual([]);
  });

  test('pinned to what it does not speak fails and says so', async () => {
    const { call } = await start({ era: '2025' }, { era: '2026' });
    const result = await call();
    expect(codeOf(result)).toBe('UPSTREAM_INVALID');
    expect(result.raw.string('message')).toBe(
      'The upstream "up" speaks no protocol revision that is known here (server/discover: Method not found).',
    );
  });

  test('a server of neither: the error has both reasons', async () => {
    const { call } = await start({
      before: (hit, res) =>
        hit.message.method === 'initialize' ? json(res, rpcError(-32603)) : status(res, 404),
    });
    expect((await call()).raw.string('message')).toContain('(404; initialize: theirs)');
  });

  test.each<[string, Behaviour]>([
    ['401', (_, res) => status(res, 401)],
    ['403', (_, res) => status(res, 403)],
    ['429', (_, res) => status(res, 429)],
    ['429 with a JSON-RPC error', (_, res) => json(res, rpcError(-32000), 429)],
    ['500', (_, res) => status(res, 500)],
    ['503 with a JSON-RPC error', (_, res) => json(res, rpcError(-32601), 503)],
    ['a redirect', (_, res) => status(res, 302, { location: '/' })],
    ['HTML', (_, res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<p>')],
    ['a closed connection', (_, res) => res.destroy()],
    ['silence', () => true],
  ])('%s is no verdict: the next call asks again', async (_, broken) => {
    let down = true;
    const { call, spoken, upstream, rogue } = await start({
      era: 'both',
      before: (hit, res, all) => (down ? broken(hit, res, all) : false),
    });
    const asked = () => rogue.nth('server/discover');
    expect(codeOf(await longAfter(call, asked))).toStartWith('UPSTREAM_');
    expect(upstream.state().eras).toEqual([]);
    expect(rogue.of('initialize')).toEqual([]);
    down = false;
    expect(textOf(await call())).toBe('ok');
    expect(spoken()).toEqual(['2026']);
  });

  test.each<[string, Behaviour]>([
    ['404', (_, res) => status(res, 404)],
    ['405', (_, res) => status(res, 405)],
    ['400 in HTML', (_, res) => res.writeHead(400, { 'content-type': 'text/html' }).end('<p>')],
    ['400 with "no session"', (_, res) => json(res, rpcError(-32000), 400)],
    ['200 with "method not found"', (hit, res) => json(res, { ...rpcError(-32601), id: hit.message.id })],
    ['-32022', (_, res) => json(res, rpcError(-32022), 400)],
    [
      'other versions',
      (hit, res) =>
        json(res, { jsonrpc: '2.0', id: hit.message.id, result: { supportedVersions: ['2027-01-01'] } }),
    ],
    [
      'an answer to something else',
      (hit, res) => json(res, { jsonrpc: '2.0', id: hit.message.id, result: {} }),
    ],
  ])('%s to server/discover means another era', async (_, refuse) => {
    const { call, spoken } = await start({
      era: 'both',
      before: (hit, res, all) => (hit.message.method === 'server/discover' ? refuse(hit, res, all) : false),
    });
    expect(textOf(await call())).toBe('ok');
    expect(spoken()).toEqual(['2025']);
  });

  test('an initialize answer of an unknown revision is no server of ours', async () => {
    const { call } = await start(
      {
        before: (hit, res) =>
          hit.message.method === 'initialize' &&
          json(res, { jsonrpc: '2.0', id: hit.message.id, result: { protocolVersion: '1999-01-01' } }),
      },
      { era: '2025' },
    );
    expect((await call()).raw.string('message')).toContain('(initialize: revision 1999-01-01)');
  });

  test('a server that was upgraded is noticed when the "no" is old', async () => {
    let old = true;
    const { call, spoken, host } = await start({
      era: 'both',
      before: (hit, res) =>
        old && hit.message.method === 'server/discover' && json(res, rpcError(-32601), 404),
    });
    await call();
    old = false;
    await call();
    host.turn(10 * 60_000 + 1);
    await call();
    expect(spoken()).toEqual(['2025', '2025', '2026']);
  });

  /** A server of one era from the beginning, of the other when `roll` is called. */
  async function changing(to: Era, refuse: Behaviour) {
    let rolled = false;
    const other = to === '2025' ? 'server/discover' : 'initialize';
    const started = await start({
      era: 'both',
      before(hit, res, all) {
        if (!rolled)
          return (
            hit.message.method === (other === 'initialize' ? 'server/discover' : 'initialize') &&
            json(res, rpcError(-32601), 404)
          );
        if (hit.message.method === other) return json(res, rpcError(-32601), 404);
        const strange =
          hit.message.id !== undefined &&
          hit.message.method === 'tools/call' &&
          !String(hit.headers['mcp-protocol-version']).startsWith(to);
        return strange && refuse(hit, res, all);
      },
    });
    expect(textOf(await started.call())).toBe('ok');
    rolled = true;
    started.host.turn(10 * 60_000 + 1);
    return started;
  }

  test.each([400, 404, 405])(
    'rolled back, a server turns requests away unseen (%d): the call is made in the other era',
    async (code) => {
      const { call, spoken } = await changing('2025', (_, res) => status(res, code));
      expect(textOf(await call())).toBe('ok');
      expect(textOf(await call())).toBe('ok');
      expect(spoken()).toEqual(['2026', '2026', '2025', '2025']);
    },
  );

  test.each([-32000, -32001])(
    'rolled back, it may say so in JSON-RPC (%d): the next call is made in the other era',
    async (code) => {
      const { call, spoken } = await changing('2025', (_, res) => json(res, rpcError(code), 400));
      expect((await call()).kind).toBe('error');
      expect(textOf(await call())).toBe('ok');
      expect(spoken()).toEqual(['2026', '2026', '2025']);
    },
  );

  test('rolled back, it may refuse the revision (-32022): the call is made in the other era', async () => {
    const { call, spoken } = await changing('2025', (_, res) => json(res, rpcError(-32022), 400));
    expect(textOf(await call())).toBe('ok');
    expect(spoken()).toEqual(['2026', '2026', '2025']);
  });

  test('a revision that is refused and named all the same is asked for once more, and no oftener', async () => {
    for (const [refusals, ok] of [
      [1, true],
      [2, false],
    ] as const) {
      const data = { supported: ['2026-07-28'], requested: '2026-07-28' };
      const { call, rogue } = await start(
        {
          before: (hit, res, all) =>
            all.of('server/discover').length <= refusals &&
            json(
              res,
              { jsonrpc: '2.0', id: hit.message.id, error: { code: -32022, message: 'no', data } },
              400,
            ),
        },
        { era: '2026' },
      );
      expect(codeOf(await call())).toBe(ok ? undefined : 'UPSTREAM_INVALID');
      expect(rogue.of('server/discover').length).toBe(2);
    }
  });

  test('a call whose revision is refused is made once more, and no oftener', async () => {
    const { call, spoken } = await start({ era: '2026' }, {}, (_, res) => json(res, rpcError(-32022), 400));
    expect(codeOf(await call())).toBe('UPSTREAM_UNAVAILABLE');
    expect(spoken()).toEqual(['2026', '2026']);
  });

  test('upgraded to 2026-07-28 alone, it has forgotten the session', async () => {
    const { call, spoken } = await changing('2026', (_, res) => status(res, 404));
    expect(textOf(await call('2025'))).toBe('ok');
    expect(spoken().slice(1)).toEqual(['2025', '2026']);
  });
});

describe('over stdio', () => {
  /** First the pause before a start, then its deadline. */
  const late = <T>(call: () => Promise<T>) => longAfter(call, timerSet, timerSet);

  function child(flags: string[], changes: Changes = {}) {
    const host = testHost();
    const upstream = run.upstream(serverSpec(flags, changes), host);
    const call = (era: Era = '2026') =>
      upstream.handle(toolCall('received', {}, { client: clientOf({ era }) }), nobody);
    const eras = () =>
      host.lines.filter(({ message }) => message === 'link open').map(({ fields }) => fields.era);
    return { upstream, call, eras, host };
  }

  test('a server of both gets a process for each era', async () => {
    const { call, eras, upstream } = child(['--era', 'both']);
    for (const era of [...ERAS, ...ERAS]) expect((await call(era)).kind).toBe('complete');
    expect(eras()).toEqual(['2025', '2026']);
    expect(upstream.state().eras).toEqual(['2025', '2026']);
  });

  test.each(ERAS)('a server of %s alone serves both kinds of client', async (era) => {
    const { call, eras, upstream } = child(['--era', era]);
    for (const client of ERAS) expect((await call(client)).kind).toBe('complete');
    expect(eras()).toEqual([era]);
    expect(upstream.state()).toMatchObject({ links: 1, eras: [era] });
  });

  test.each([
    ['ends at server/discover', ['--fragile']],
    ['says nothing to server/discover', ['--silent', 'server/discover']],
  ])('a server that %s is started again, for initialize', async (what, flags) => {
    const { call, eras, upstream } = child(flags);
    const first = what.includes('nothing') ? late(call) : call();
    const received: string[] = JSON.parse(textOf(await first));
    expect(JSON.parse(received[0] ?? '').method).toBe('initialize');
    await call();
    expect(eras()).toEqual(['2025']);
    expect(upstream.state()).toMatchObject({ links: 1, eras: ['2025'] });
  });

  test('nobody waits for a server that says nothing to server/discover: a second process is asked', async () => {
    const { call, eras } = child(['--silent', 'server/discover'], {
      timeouts: { start: 3_600_000, probe: 1 },
    });
    expect((await call()).kind).toBe('complete');
    expect(eras()).toEqual(['2025']);
  });

  test('a server that says nothing at all is not told to cancel initialize', async () => {
    const { call } = child(['--silent', 'initialize'], { era: '2025' });
    expect(codeOf(await late(call))).toBe('UPSTREAM_TIMEOUT');
  });

  test('pinned to what it does not speak fails and says so', async () => {
    const { call } = child(['--era', '2025'], { era: '2026' });
    expect((await call()).raw.string('message')).toContain(
      'speaks no protocol revision that is known here (server/discover: Method not found)',
    );
  });
});
