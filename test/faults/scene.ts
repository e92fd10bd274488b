// One fault, end to end: a gateway with the upstream that has it and a healthy one beside, clients of both eras.
// What the faulty call comes to, that the other upstream does not notice, and that nothing of it is left.
import { expect } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { catalogue } from '../../src/core/errors.ts';
import { call, openSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { answer, json, type Rogue, startRogue } from '../fixtures/rogue.ts';
import { until } from '../fixtures/until.ts';
import type { Answer } from '../fixtures/wire.ts';
import type { Outcome } from './fault.ts';
import type { Era } from './faulty.ts';

export const ERAS: readonly Era[] = ['2025', '2026'];

/** Makes a call of the tool at an upstream, with an id of its own. */
export type Calling = (
  upstream: string,
  id: number | string,
  args?: object,
  tool?: string,
) => Promise<Answer>;

export async function clientOf(url: string, era: Era): Promise<Calling> {
  const token = 'p';
  if (era === '2026')
    return (upstream, id, args = {}, tool = 'tool') => call(url, `${upstream}__${tool}`, args, { id, token });
  const session = await openSession(url);
  return (upstream, id, args = {}, tool = 'tool') =>
    session.call(`${upstream}__${tool}`, args, { id, token });
}

/** The upstream beside, to which nothing happens. */
export const startHealthy = (): Promise<Rogue> =>
  startRogue((hit, res) => json(res, answer(hit, 'good')), { era: 'both' });

/** A gateway with the upstream `bad` and a healthy `good`, up to the end of `play`; then nothing may be left. */
export async function onStage(
  upstreams: { readonly bad: object; readonly good: Rogue },
  limits: Readonly<Record<string, unknown>>,
  play: (gateway: InProcess) => Promise<void>,
): Promise<void> {
  const before = { descriptors: descriptors(), children: children().length };
  const { bad, good } = upstreams;
  // Each call meets the fault itself. That an upstream which keeps failing is not called is another matter.
  const failing = { breaker: 'off', ...bad };
  const gateway = await startInProcess(configOf({ bad: failing, good: { url: good.url } }, { limits }));
  try {
    await play(gateway);
    await nothingAtWork(gateway);
  } finally {
    await gateway.stop();
  }
  for (const { links, calls, tokens, parked } of gateway.gateway.report().upstreams)
    expect({ links, calls, tokens, parked }).toEqual({ links: 0, calls: 0, tokens: 0, parked: 0 });
  await until(() => {
    Bun.gc(true);
    return descriptors() <= before.descriptors && children().length <= before.children;
  });
}

/** Resolves when no call holds anything at any upstream. */
export async function nothingAtWork(gateway: InProcess): Promise<void> {
  const isFree = (): boolean =>
    gateway.gateway
      .report()
      .upstreams.every(({ calls, tokens, parked }) => calls === 0 && tokens === 0 && parked === 0);
  await until(async () => isFree() && (await gateway.figure('upstreamPending')) === 0);
  await until(() => gateway.metrics.load.inFlight === 0 && gateway.metrics.load.streams === 0);
}

/** Open files of this process. */
export function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Processes that this one has started and that are there in any state, zombies too. */
function children(): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && parentOf(pid) === process.pid);
}

function parentOf(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // pid (name) state parent …, and a name may hold anything.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    // It ended meanwhile.
    return 0;
  }
}

/** The healthy upstream answers each of several calls at once. */
export async function unharmed(calling: Calling): Promise<void> {
  const answers = await Promise.all([1, 2, 3].map((id) => calling('good', id)));
  for (const each of answers) {
    expect(each.status).toBe(200);
    expect((await each.messages()).at(-1).result.content).toEqual([{ type: 'text', text: 'good' }]);
  }
}

/**
 * What a client of either era is told in the end.
 * @param secret text that must not be in any of it unless the call succeeds
 */
export async function told(got: Answer, id: unknown, outcome: Outcome, secret: string): Promise<void> {
  const messages = await got.messages();
  const last = messages.at(-1);
  // The call was understood, so what became of it is told in the message, with its id; a bare 502 would have none.
  expect(got.status).toBe(200);
  expect(last).toMatchObject({ jsonrpc: '2.0', id });
  for (const each of messages.slice(0, -1)) expect(each.method).toBe('notifications/progress');
  const { code, upstream = 'bad', says = '', reason, timeout } = outcome;
  if (code === undefined) {
    expect(last.result.content).toEqual([{ type: 'text', text: secret }]);
    return;
  }
  expect(last).not.toHaveProperty('result');
  expect(last.error).toMatchObject({ code: catalogue[code].code, data: { code, upstream } });
  expect([last.error.data.reason, last.error.data.timeout]).toEqual([reason, timeout]);
  expect(last.error.message).toContain(`The upstream "${upstream}"`);
  expect(last.error.message).toContain(says);
  expect(JSON.stringify(messages)).not.toContain(secret);
  for (const name of ['www-authenticate', 'location', 'retry-after'])
    expect(got.headers[name]).toBeUndefined();
}
