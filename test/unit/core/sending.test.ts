// What onSend returns instead of bytes, and what becomes of a message that is turned away.
import { expect, test } from 'bun:test';
import { definePlugin, type Hooks, refuse, z } from 'sluice/plugin';
import { testPlugin } from 'sluice/testing';
import { GatewayError } from '../../../src/core/errors.ts';
import { sendersOf } from '../../../src/core/pipeline.ts';
import type { Step } from '../../../src/core/step.ts';
import { exchange, testHost } from '../../fixtures/exchanges.ts';

const plugin = (hooks: Hooks) =>
  definePlugin({ name: 'p', api: 1, about: 'A test.', schema: z.strictObject({}), setup: () => hooks });
const refusing = plugin({ onSend: () => refuse('CREDENTIAL_MISSING', 'None for you.', { upstream: 'up' }) });
const entry = { upstream: 'up' };

test('an error is what the call ends with, and nothing is sent', async () => {
  await using bench = await testPlugin(refusing, {}, entry);
  const { sent, result } = await bench.call({ method: 'tools/call' });
  expect(sent).toEqual([]);
  expect(result.value).toMatchObject({
    message: 'None for you.',
    data: { code: 'CREDENTIAL_MISSING', upstream: 'up', plugin: 'p' },
  });
});

test('it is a verdict: that failures pass is another matter', async () => {
  await using shadow = await testPlugin(refusing, {}, { ...entry, mode: 'shadow' });
  expect((await shadow.call({ method: 'tools/call' })).sent).toHaveLength(1);
  const steps = [stepOf({ onSend: () => refuse('FORBIDDEN') as never }, { onError: 'pass' })];
  const [sender] = sendersOf(steps, testHost())(exchange('tools/call'));
  const sent = Promise.resolve(sender?.({} as never, exchange('tools/call')));
  await expect(sent).rejects.toThrow(GatewayError);
});

test('a result that is no error is a mistake of the plugin', async () => {
  const { McpResult } = await import('sluice/plugin');
  await using bench = await testPlugin(plugin({ onSend: () => McpResult.complete({}) }), {}, entry);
  const { result, log } = await bench.call({ method: 'tools/call' });
  expect(result.value).toMatchObject({ data: { code: 'PLUGIN_FAILED' } });
  expect(JSON.stringify(log)).toContain('onSend must return');
});

const stepOf = (hooks: Hooks, more: Partial<Step> = {}): Step => ({
  id: 's',
  hooks: { onSend: () => undefined, ...hooks },
  mode: 'enforce',
  onError: 'refuse',
  timeout: 100,
  applies: () => true,
  ...more,
});
const refusal = { outbound: {} as never, challenge: undefined };

test('whether a hook has something else is its word alone; one that fails has not', async () => {
  const verdicts = [true, false, 'yes', undefined, new Error('no')].map(async (said) => {
    const onRefused = () => {
      if (said instanceof Error) throw said;
      return said as boolean;
    };
    const x = exchange('tools/call');
    const [sender] = sendersOf([stepOf({ onRefused })], testHost())(x);
    return sender?.refused?.(refusal, x);
  });
  expect(await Promise.all(verdicts)).toEqual([true, false, false, false, false]);
  const x = exchange('tools/call');
  const [shadow] = sendersOf([stepOf({ onRefused: () => true }, { mode: 'shadow' })], testHost())(x);
  expect(await shadow?.refused?.(refusal, x)).toBe(false);
});

test('what plugins say of themselves is known of their senders', () => {
  const x = exchange('tools/call');
  const told = (...steps: Step[]) => {
    const of = sendersOf(steps, testHost());
    return [of.perCaller, of(x).map(({ passesOn }) => passesOn)];
  };
  expect(told(stepOf({ perCaller: true, passesOn: ['x-a'] }), stepOf({}))).toEqual([
    true,
    [['x-a'], undefined],
  ]);
  expect(told(stepOf({ perCaller: true }, { mode: 'shadow' }))).toEqual([false, [undefined]]);
});
