// Gateways and callers of tests about large results.
import { afterEach, expect } from 'bun:test';
import type { AnyPlugin } from '../../src/core/plugin.ts';
import { call, openSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { type Large, largeResponse } from '../fixtures/large.ts';
import { type RawUpstream, startRawUpstream } from '../fixtures/raw-upstream.ts';
import { childPath } from '../fixtures/specs.ts';
import { until } from '../fixtures/until.ts';
import type { Answer } from '../fixtures/wire.ts';

export type Era = '2025' | '2026';
export const ERAS: readonly Era[] = ['2025', '2026'];
export const FORMS = ['json', 'sse', 'stdio'] as const;
export type Form = (typeof FORMS)[number];

/** What runs during one test, ended after it, latest first. */
export const running: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const each of running.splice(0).reverse()) await each.stop();
});

/** @param cut resolves when results that are to be cut may be */
export function upstreamOf(
  era: Era,
  form: Exclude<Form, 'stdio'>,
  cut?: () => Promise<unknown>,
): RawUpstream {
  const upstream = startRawUpstream({
    era,
    answer: ({ message: { id, params } }) => largeResponse(id, params.arguments, form, cut),
  });
  running.push(upstream);
  return upstream;
}

export interface Options {
  readonly limits?: object;
  readonly timeouts?: object;
  readonly pipeline?: readonly unknown[];
  readonly plugins?: Readonly<Record<string, AnyPlugin>>;
  readonly cut?: () => Promise<unknown>;
}

export async function gatewayAt(upstream: object, options: Options = {}): Promise<InProcess> {
  const { limits = {}, pipeline = [], plugins = {}, timeouts = {} } = options;
  const config = configOf({ up: { ...upstream, timeouts } }, { limits, pipeline });
  const gateway = await startInProcess(config, { plugins });
  running.push(gateway);
  return gateway;
}

export function gatewayTo(era: Era, form: Form, options: Options = {}): Promise<InProcess> {
  const upstream =
    form === 'stdio'
      ? { command: process.execPath, args: [childPath('large.ts'), '--era', era], era }
      : { url: upstreamOf(era, form, options.cut).url, era };
  return gatewayAt(upstream, options);
}

/** How a server of an era says that its result is one. */
export const before = (era: Era): string => (era === '2026' ? '"resultType":"complete",' : '');

/** Calls for a result as a client of an era. */
export async function called(
  era: Era,
  url: string,
  large: Large,
  headers: Record<string, string> = {},
): Promise<Answer> {
  if (era === '2026') return call(url, 'large', large, { headers });
  return (await openSession(url, { headers })).call('large', large);
}

/** Ways to ask for an answer: as JSON, or as events. */
export const AS = { json: { accept: 'application/json' }, events: { accept: 'text/event-stream' } } as const;

/** The last message of an answer: the body, or the data of its last event. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into messages of every shape
export function lastOf(text: string): any {
  if (text.startsWith('{')) return JSON.parse(text);
  const events = text.trimEnd();
  const event = events.slice(events.lastIndexOf('\n\n') + 1);
  const data = event.split('\n').find((line) => line.startsWith('data: '));
  return JSON.parse(data?.slice(6) ?? '');
}

/** Resolves when results have ended so, and nothing is left at work. */
export async function ended(gateway: InProcess, outcome = 'complete'): Promise<void> {
  await until(async () => (await gateway.figure('streamedResults', { outcome })) > 0);
  expect(gateway.gateway.report().inFlight).toBe(0);
}
