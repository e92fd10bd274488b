// Arguments that a 2026-07-28 upstream wants mirrored in headers, as its own tools declare them.
import { describe, expect, test } from 'bun:test';
import { codeOf, exchange, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { longAfter } from '../../fixtures/long-after.ts';
import {
  answer,
  type Behaviour,
  event,
  type Hit,
  json,
  type RogueOptions,
  stream,
} from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { type Changes, httpSpec } from '../../fixtures/specs.ts';

const run = running();

const fine: Behaviour = (hit, res) => json(res, answer(hit));

async function start(
  behave: Behaviour = fine,
  options: RogueOptions = {},
  changes: Changes & { headers?: Record<string, string> } = {},
) {
  const rogue = await run.rogue(behave, options);
  const host = testHost();
  const upstream = run.upstream(httpSpec(rogue.url, changes), host);
  return { rogue, upstream, host };
}

describe('mirrored parameters', () => {
  const tool = (header: string, property = 'region') => ({
    name: 'tool',
    inputSchema: { type: 'object', properties: { [property]: { type: 'string', 'x-mcp-header': header } } },
  });
  const listing = (hit: Hit, tools: unknown[], nextCursor?: string) => ({
    jsonrpc: '2.0',
    id: hit.message.id,
    result: { resultType: 'complete', tools, nextCursor },
  });
  const onList =
    (behave: Behaviour): Behaviour =>
    (hit, res, rogue) =>
      hit.message.method === 'tools/list' ? behave(hit, res, rogue) : false;

  test('are written as the tool declares, wherever in the list it is; the list is asked for once', async () => {
    const pages: Behaviour = onList((hit, res) => {
      const last = hit.message.params?.cursor === 'two';
      json(res, last ? listing(hit, [tool('Region')]) : listing(hit, [{ name: 'other' }], 'two'));
    });
    const { rogue, upstream } = await start(fine, { before: pages });
    for (const region of ['eu', 'ü', ' padded']) await upstream.handle(toolCall('tool', { region }), nobody);
    await upstream.handle(toolCall('tool', {}), nobody);
    await upstream.handle(toolCall('other', { region: 'eu' }), nobody);
    expect(rogue.of('tools/call').map(({ headers }) => headers['mcp-param-region'])).toEqual([
      'eu',
      '=?base64?w7w=?=',
      '=?base64?IHBhZGRlZA==?=',
      undefined,
      undefined,
    ]);
    expect(rogue.of('tools/list').length).toBe(2);
  });

  const mismatch = (hit: Hit) => ({
    jsonrpc: '2.0',
    id: hit.message.id,
    error: { code: -32020, message: 'HeaderMismatch' },
  });

  test('that the upstream calls wrong are looked up anew, and the call is made once more', async () => {
    let header = 'Old';
    const { rogue, upstream } = await start(
      (hit, res) =>
        hit.headers['mcp-param-new'] === 'eu' ? json(res, answer(hit)) : json(res, mismatch(hit), 400),
      {
        before: onList((hit, res) => {
          json(res, listing(hit, [tool(header)]));
          header = 'New';
        }),
      },
    );
    expect(textOf(await upstream.handle(toolCall('tool', { region: 'eu' }), nobody))).toBe('ok');
    expect([rogue.of('tools/list').length, rogue.of('tools/call').length]).toEqual([2, 2]);
    expect(rogue.of('tools/call')[0]?.headers['mcp-param-old']).toBe('eu');
  });

  test('that it calls wrong again are an error of the upstream, not of the caller', async () => {
    const { rogue, upstream } = await start((hit, res) => json(res, mismatch(hit), 400), {
      before: onList((hit, res) => json(res, listing(hit, [tool('Region')]))),
    });
    const result = await upstream.handle(toolCall('tool', { region: 'eu' }), nobody);
    expect(codeOf(result)).toBe('UPSTREAM_INVALID');
    expect(result.raw.string('message')).toContain('refused how it was called (-32020');
    expect(rogue.of('tools/call').length).toBe(2);
  });

  test('no header can carry are the caller’s mistake', async () => {
    const schema = {
      name: 'tool',
      inputSchema: { type: 'object', properties: { n: { type: 'integer', 'x-mcp-header': 'N' } } },
    };
    const { rogue, upstream, host } = await start(fine, {
      before: onList((hit, res) => json(res, listing(hit, [schema]))),
    });
    const result = await upstream.handle(
      exchange('tools/call', '{"name":"tool","arguments":{"n":9007199254740993}}'),
      nobody,
    );
    expect(codeOf(result)).toBe('PARAMS_INVALID');
    expect(rogue.of('tools/call')).toEqual([]);
    expect(await host.figure('upstreamErrors')).toBe(0);
  });

  test('a list that never comes costs its callers a while, not every later one, nor the upstream its use', async () => {
    let hang = true;
    const { rogue, upstream, host } = await start(
      fine,
      { before: onList((hit, res) => (hang ? true : json(res, listing(hit, [tool('Region')])))) },
      // The call has more time than the list.
      { timeouts: { firstByte: 7_200_000, total: 7_200_000 } },
    );
    const first = () => upstream.handle(toolCall('tool', { region: 'eu' }), nobody);
    expect(textOf(await longAfter(first, () => rogue.nth('tools/list')))).toBe('ok');
    await (await rogue.nth('tools/list')).gone;
    // Soon after, calls wait for no other.
    expect(textOf(await first())).toBe('ok');
    expect(rogue.of('tools/list').length).toBe(1);
    hang = false;
    host.turn(10_000);
    expect(textOf(await first())).toBe('ok');
    expect(rogue.of('tools/call').map(({ headers }) => headers['mcp-param-region'])).toEqual([
      undefined,
      undefined,
      'eu',
    ]);
  });

  test('a list that failed is asked for again as soon as the upstream misses a header', async () => {
    let fails = true;
    const { rogue, upstream } = await start(
      (hit, res) =>
        hit.headers['mcp-param-region'] === 'eu' || fails
          ? json(res, answer(hit))
          : json(res, mismatch(hit), 400),
      {
        before: onList((hit, res) =>
          fails
            ? json(res, {
                jsonrpc: '2.0',
                id: hit.message.id,
                error: { code: -32603, message: 'not now' },
              })
            : json(res, listing(hit, [tool('Region')])),
        ),
      },
    );
    const call = async () => textOf(await upstream.handle(toolCall('tool', { region: 'eu' }), nobody));
    expect([await call(), await call()]).toEqual(['ok', 'ok']);
    expect(rogue.of('tools/list').length).toBe(1);
    fails = false;
    expect(await call()).toBe('ok');
    expect([rogue.of('tools/list').length, rogue.of('tools/call').length]).toEqual([2, 4]);
  });

  test('one caller that goes away does not take the list from the others', async () => {
    const release = Promise.withResolvers<void>();
    const { rogue, upstream } = await start(fine, {
      before: onList(async (hit, res) => {
        await release.promise;
        stream(res);
        res.end(event(listing(hit, [tool('Region')])));
      }),
    });
    const abort = new AbortController();
    const first = upstream.handle(toolCall('tool', { region: 'eu' }, { signal: abort.signal }), nobody);
    const second = upstream.handle(toolCall('tool', { region: 'eu' }), nobody);
    await rogue.nth('tools/list');
    abort.abort();
    expect(codeOf(await first)).toBe('CANCELLED');
    release.resolve();
    await second;
    expect(rogue.of('tools/call').map(({ headers }) => headers['mcp-param-region'])).toEqual(['eu']);
  });

  test('declared against the rules hide the tool, and the tool alone', async () => {
    const bad = [
      tool('Bad Name'),
      {
        name: 'twice',
        inputSchema: {
          type: 'object',
          properties: {
            a: { type: 'string', 'x-mcp-header': 'R' },
            b: { type: 'string', 'x-mcp-header': 'r' },
          },
        },
      },
    ];
    const good = '{ "name": "good", "inputSchema": {"type":"object"}, "n": 1.0 }';
    const { upstream, host } = await start(fine, {
      before: onList((hit, res) =>
        json(
          res,
          `{"jsonrpc":"2.0","id":${hit.message.id},"result":{"resultType":"complete","tools":[${JSON.stringify(bad[0])},${good},${JSON.stringify(bad[1])}]}}`,
        ),
      ),
    });
    const result = await upstream.handle(exchange('tools/list', {}), nobody);
    expect(result.raw.raw('tools')).toBe(`[${good}]`);
    expect(host.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields.tool)).toEqual([
      'tool',
      'twice',
    ]);
  });
});
