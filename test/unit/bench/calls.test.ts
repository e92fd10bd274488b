// What the bench of calls is made of: an upstream that answers well, requests that reach it, and ratios of the right rows.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type Round, rowOf, withRatios } from '../../../bench/calls/figures.ts';
import { FIRST, piecesOf, requestsOf, tryOnce } from '../../../bench/calls/requests.ts';
import { addedLine, lineOf, moves } from '../../../bench/calls/table.ts';
import { startUpstream } from '../../../bench/calls/targets.ts';

describe('the upstream', () => {
  const stack = new AsyncDisposableStack();
  let origin = '';
  beforeAll(async () => {
    origin = await startUpstream(stack);
  });
  afterAll(() => stack.disposeAsync());

  const calls = async (): Promise<number> => Number(await (await fetch(`${origin}/calls`)).text());

  test.each([
    ['2026', 'echo', 1],
    ['2026', 'events_20', 1],
    ['2026', 'large', 1],
    ['2025', 'echo', 16],
    ['2025', 'events_20', 16],
  ] as const)('answers what clients of %s ask of %s, and counts it', async (era, tool, sessions) => {
    const url = `${origin}/${era}`;
    const requests = await requestsOf(url, era, tool, {});
    expect(new Set(requests.map(({ headers }) => headers['mcp-session-id'])).size).toBe(sessions);
    const before = await calls();
    for (const request of requests) await tryOnce(url, request);
    expect((await calls()) - before).toBe(sessions);
  });

  test('sends as many events as the tool says, the result last', async () => {
    const url = `${origin}/2026`;
    const [request] = await requestsOf(url, '2026', 'events_20', {});
    const body = request?.body.join('7');
    const text = await (await fetch(url, { method: 'POST', body: body ?? '' })).text();
    const events = text
      .trim()
      .split('\n\n')
      .map((event) => JSON.parse(event.slice('data: '.length)));
    expect(events.map(({ params, id }) => params?.progressToken ?? id)).toEqual(Array(20).fill(7));
    expect(events.at(-1).result.resultType).toBe('complete');
  });

  test('an answer without a result is no call', async () => {
    const [request] = await requestsOf(`${origin}/2026`, '2026', 'echo', {});
    const asked = {
      headers: {},
      body: (request?.body ?? []).map((piece) => piece.replace('tools/call', 'x')),
    };
    await expect(tryOnce(`${origin}/2026`, asked)).rejects.toThrow('404');
  });

  test('what goes over the wire is as long as its head says', async () => {
    const [request] = await requestsOf(`${origin}/2026`, '2026', 'events_1', { authorization: 'Bearer x' });
    if (request === undefined) throw new Error('no request');
    const [head = '', body = ''] = piecesOf(`${origin}/2026`, request)
      .join(String(FIRST + 1))
      .split('\r\n\r\n');
    expect(head).toStartWith('POST /2026 HTTP/1.1\r\nhost: 127.0.0.1:');
    expect(head).toContain('\r\nauthorization: Bearer x\r\n');
    expect(head).toEndWith(`content-length: ${body.length}`);
    expect(JSON.parse(body)).toMatchObject({
      id: FIRST + 1,
      params: { _meta: { progressToken: FIRST + 1 } },
    });
  });
});

const round = (rate: number, p50 = 100): Round => ({ rate, p50, p99: 200, cpu: 10, memory: 1e6, bad: 0 });

describe('rows', () => {
  const rows = withRatios(
    [
      rowOf('calls', 'direct', [round(400, 50)]),
      rowOf('calls', 'nginx', [round(100, 150), round(300, 150), round(200, 150)]),
      rowOf('calls', 'gateway', [{ ...round(100, 250), bad: 2 }]),
      rowOf('bridged', 'gateway', [round(50)]),
    ],
    new Map([['bridged', 'calls']]),
  );

  test('are medians, beside nginx and beside no proxy', () => {
    expect(rows.map(({ toNginx, toDirect }) => [toNginx?.rate, toDirect?.rate])).toEqual([
      [2, 1],
      [1, 0.5],
      [0.5, 0.25],
      [0.25, 0.125],
    ]);
    expect(rows.map(({ bad }) => bad)).toEqual([0, 0, 2, 0]);
  });

  test('of no nginx have no ratio to it', () => {
    const [row] = withRatios([rowOf('calls', 'gateway', [{ ...round(100), cpu: Number.NaN }])], new Map());
    expect(row).not.toHaveProperty('toNginx');
    expect(row && lineOf(row).trim().split(/\s+/)).toEqual(
      'gateway 100 - - 100 - - 200 - - - - 1 - 0'.split(' '),
    );
  });

  test('tell what is added at the median', () => {
    const calls = rows.filter(({ workload }) => workload === 'calls');
    expect(addedLine(calls)).toEndWith('nginx 100 µs (× 1.00), gateway 200 µs (× 2.00)');
  });

  test('moved where they did by more than their rounds are apart', () => {
    const steady = rowOf('calls', 'gateway', [round(100), round(101), round(99)]);
    const faster = rowOf('calls', 'gateway', [round(120), round(121), round(119)]);
    const uneven = rowOf('calls', 'gateway', [round(120), round(90), round(150)]);
    expect(moves([faster], [steady]).map((line) => line.trim().replace(/ +/g, ' '))).toEqual([
      'calls gateway rate × 1.20',
    ]);
    expect(moves([uneven], [steady])).toEqual([]);
    expect(moves([rowOf('calls', 'gateway', [round(120)])], [steady])).toEqual([]);
    expect(moves([faster], [{ ...steady, workload: 'other' }])).toEqual([]);
  });
});
