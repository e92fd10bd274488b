// Which entry answered in the place of the upstream: those above it can tell.
import { expect, test } from 'bun:test';
import { errorResult } from '../../../src/core/errors.ts';
import type { Exchange } from '../../../src/core/exchange.ts';
import type { Handler } from '../../../src/core/handler.ts';
import { pipeline } from '../../../src/core/pipeline.ts';
import type { Hooks } from '../../../src/core/plugin.ts';
import type { Step } from '../../../src/core/step.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { exchange, testHost } from '../../fixtures/exchanges.ts';

const host = testHost();
const stepOf = (id: string, hooks: Hooks, mode: Step['mode'] = 'enforce'): Step => ({
  id,
  hooks,
  mode,
  onError: 'refuse',
  timeout: 1_000,
  applies: () => true,
});
const answered: Handler = async () => McpResult.complete({});
const boom = () => {
  throw new Error('boom');
};

/** What an entry at the top sees of those below it. */
async function seen(steps: readonly Step[], next = answered, x = exchange('tools/call')) {
  let by: string | undefined = 'nobody looked';
  const watch = stepOf('watch', {
    onResult(_, { decidedBy }) {
      by = decidedBy;
    },
  });
  await pipeline([watch, ...steps], next, host)(x, () => undefined);
  return by;
}

test.each<[string, Hooks]>([
  ['a caller that is not let in', { onCaller: () => errorResult('UNAUTHENTICATED') }],
  ['a refusal', { onRequest: () => errorResult('FORBIDDEN') }],
  ['a result of its own', { onRequest: () => McpResult.complete({ own: true }) }],
  ['a hook that fails on the way in', { onRequest: boom }],
  ['a hook that fails on the way back', { onResult: boom }],
])('%s', async (_, hooks) => {
  expect(await seen([stepOf('passes', { onRequest() {} }), stepOf('it', hooks)])).toBe('it');
  expect(await seen([stepOf('it', hooks, 'shadow')])).toBeUndefined();
});

test('nobody where the upstream answered, changed or not', async () => {
  const changed = stepOf('p', { onResult: () => McpResult.complete({ other: true }) });
  expect(await seen([changed])).toBeUndefined();
  expect(await seen([], async () => errorResult('UPSTREAM_TIMEOUT'))).toBeUndefined();
});

/** A leg with a pipeline of its own, as an upstream has one. */
const legWith =
  (hooks: Hooks): Handler =>
  (x, emit) =>
    pipeline([stepOf('leg', hooks)], sent, host)(x.fork('up', x.request), emit);
const sent: Handler = async (x) => {
  try {
    for (const sender of x.senders) await sender({} as never, x);
    return McpResult.complete({});
  } catch (error) {
    return (error as { result: McpResult }).result;
  }
};
const refuses: Hooks = { onRequest: () => errorResult('FORBIDDEN') };

test.each<[string, Hooks]>([
  ['refuses', refuses],
  ['does not let the message leave', { onSend: () => errorResult('CREDENTIAL_MISSING') }],
  ['fails over the message', { onSend: boom }],
])('an entry of the one upstream that is asked, which %s', async (_, hooks) => {
  const x = exchange('tools/call');
  x.reroute({ kind: 'one', upstream: 'up' });
  expect(await seen([], legWith(hooks), x)).toBe('leg');
});

test('an entry of one of several upstreams decides nothing for all', async () => {
  const x: Exchange = exchange('tools/list');
  x.reroute({ kind: 'all', upstreams: ['up', 'other'] });
  expect(await seen([], legWith(refuses), x)).toBeUndefined();
});
