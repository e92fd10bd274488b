// Who calls: asked once for an HTTP request, refused at the entry's place, denied by whatever goes wrong.
import { expect, test } from 'bun:test';
import { createRecognition } from '../../../src/core/callers.ts';
import { ANONYMOUS, NO_CAPABILITIES } from '../../../src/core/client.ts';
import { errorResult } from '../../../src/core/errors.ts';
import { callerTokenFact, Exchange } from '../../../src/core/exchange.ts';
import type { Host } from '../../../src/core/host.ts';
import { SILENT } from '../../../src/core/log.ts';
import { createMetrics } from '../../../src/core/metrics.ts';
import { pipeline } from '../../../src/core/pipeline.ts';
import type { Hooks } from '../../../src/core/plugin.ts';
import type { Step } from '../../../src/core/step.ts';
import { McpRequest, McpResult } from '../../../src/protocol/message.ts';

const host: Host = { log: SILENT, metrics: createMetrics(), now: Date.now };

const stepOf = (hooks: Hooks, more: Partial<Step> = {}): Step => ({
  id: 'p',
  hooks,
  mode: 'enforce',
  onError: 'refuse',
  timeout: 50,
  applies: () => true,
  ...more,
});

const inboundOf = (method: string | undefined = 'POST') => ({
  listener: 'l',
  endpoint: '/mcp',
  headers: new Headers(),
  method,
});

function exchange(inbound = inboundOf()): Exchange {
  return new Exchange({
    id: 'x',
    client: {
      era: '2026',
      version: '2026-07-28',
      transport: 'http',
      info: undefined,
      capabilities: NO_CAPABILITIES,
      principal: ANONYMOUS,
    },
    inbound,
    request: new McpRequest('tools/list', undefined),
    route: { kind: 'local' },
    signal: new AbortController().signal,
    now: 0,
  });
}

const run = (steps: readonly Step[], x: Exchange): Promise<McpResult> =>
  pipeline(steps, async (inner) => McpResult.complete({ id: inner.principal.id }), host)(x, () => undefined);

const codeOf = ({ raw }: McpResult) => raw.object('data')?.string('code');
const ada = { principal: { id: 'ada', scopes: ['a'] } };

test('is asked once for all exchanges of an HTTP request, and each knows the answer', async () => {
  let asked = 0;
  const step = stepOf({
    onCaller: () => {
      asked++;
      return { ...ada, token: { token: 't', type: 'urn:x' } };
    },
  });
  const inbound = inboundOf();
  const recognise = createRecognition([step], host);
  for (const x of [exchange(inbound), exchange(inbound)]) {
    expect(await recognise(x)).toBeUndefined();
    expect([x.principal.id, x.get(callerTokenFact)?.token]).toEqual(['ada', 't']);
    expect((await run([step], x)).value).toEqual({ id: 'ada' });
  }
  expect(asked).toBe(1);
  expect((await run([step], exchange())).value).toEqual({ id: 'ada' });
  expect(asked).toBe(2);
});

test('is asked for each exchange of a pipe, once', async () => {
  let asked = 0;
  const step = stepOf({
    onCaller: () => {
      asked++;
      return ada;
    },
  });
  const inbound = { ...inboundOf(), method: undefined };
  for (const x of [exchange(inbound as never), exchange(inbound as never)]) {
    await createRecognition([step], host)(x);
    await run([step], x);
  }
  expect(asked).toBe(2);
});

test('a refusal is given at the place of its entry: those above see it, those below do not', async () => {
  const seen: string[] = [];
  const looker = (id: string): Step =>
    stepOf({ onRequest: () => void seen.push(id), onResult: () => void seen.push(`${id} back`) }, { id });
  const steps = [
    looker('above'),
    stepOf({ onCaller: () => errorResult('UNAUTHENTICATED') }),
    looker('below'),
  ];
  const x = exchange();
  expect(codeOf((await createRecognition(steps, host)(x)) as McpResult)).toBe('UNAUTHENTICATED');
  expect(seen).toEqual([]);
  expect(codeOf(await run(steps, x))).toBe('UNAUTHENTICATED');
  expect(seen).toEqual(['above', 'above back']);
});

const FAULTS: [string, NonNullable<Hooks['onCaller']>][] = [
  [
    'throws',
    () => {
      throw new Error('no');
    },
  ],
  ['rejects', () => Promise.reject(new Error('no'))],
  ['hangs', () => new Promise(() => {})],
  ['returns a result', () => McpResult.complete({}) as never],
  ['returns a truth', () => true as never],
  ['returns nobody', () => ({}) as never],
  ['returns an empty id', () => ({ principal: { id: '', scopes: [] } })],
  ['returns no scopes', () => ({ principal: { id: 'ada' } }) as never],
  ['returns a time that is none', () => ({ principal: { id: 'ada', scopes: [], expires: Number.NaN } })],
];

test.each(FAULTS)('one that %s denies', async (_, onCaller) => {
  const x = exchange();
  const step = stepOf({ onCaller });
  const refusal = await createRecognition([step], host)(x);
  expect(codeOf(refusal as McpResult)).toBe('PLUGIN_FAILED');
  expect(codeOf(await run([step], x))).toBe('PLUGIN_FAILED');
  expect(x.principal).toBe(ANONYMOUS);
});

test('a second one that names another denies', async () => {
  const eve = { principal: { id: 'eve', scopes: [] } };
  const steps = [stepOf({ onCaller: () => ada }), stepOf({ onCaller: () => eve }, { id: 'q' })];
  expect(codeOf(await run(steps, exchange()))).toBe('PLUGIN_FAILED');
});

test('in shadow nobody is named and nobody refused', async () => {
  for (const verdict of [ada, errorResult('UNAUTHENTICATED')]) {
    const x = exchange();
    const steps = [stepOf({ onCaller: () => verdict }, { mode: 'shadow' })];
    expect(await createRecognition(steps, host)(x)).toBeUndefined();
    expect((await run(steps, x)).value).toEqual({ id: 'anonymous' });
  }
});

test('where it cannot tell, or does not apply, the caller stays who it was', async () => {
  const silent = stepOf({ onCaller: () => undefined });
  const other = stepOf({ onCaller: () => ada }, { id: 'q', applies: () => false });
  expect((await run([silent, other], exchange())).value).toEqual({ id: 'anonymous' });
});
