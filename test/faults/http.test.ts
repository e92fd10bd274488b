// F1–F9 of an upstream over HTTP: each fault in JSON and in a stream, at a server of either era, for clients of both.
import { beforeAll, describe, expect, test } from 'bun:test';
import { until } from '../fixtures/until.ts';
import { ANSWERS } from './answers.ts';
import { BROKEN } from './broken.ts';
import { expectedOf, type Fault } from './fault.ts';
import { type Era, type Form, good, SECRET, startFaulty } from './faulty.ts';
import { clientOf, ERAS, nothingAtWork, onStage, startHealthy, told, unharmed } from './scene.ts';
import { SLOW } from './slow.ts';

async function run(fault: Fault, form: Form, era: Era): Promise<void> {
  const outcome = expectedOf(fault, form);
  const { requests = 1 } = outcome;
  const healthy = await startHealthy();
  const faulty = await startFaulty({ era, form, act: fault.act, elsewhere: healthy.url });
  // One who is told of the fault has left its place: there is none but theirs.
  const concurrency = { max: ERAS.length, queue: 0 };
  const bad = { url: faulty.url, era, concurrency, timeouts: fault.timeouts ?? {} };
  await onStage({ bad, good: healthy }, fault.limits ?? {}, async (gateway) => {
    const clients = await Promise.all(ERAS.map((client) => clientOf(gateway.url, client)));
    const failing = clients.map((calling, id) => calling('bad', id));
    await until(() => faulty.calls >= clients.length);
    await Promise.all(clients.map(unharmed));
    for (const [id, got] of failing.entries()) await told(await got, id, outcome, SECRET);
    expect(faulty.calls).toBe(clients.length * requests);
    faulty.heal();
    for (const [id, calling] of clients.entries()) await told(await calling('bad', id), id, {}, SECRET);
    await nothingAtWork(gateway);
    if (!isWhole(fault)) await until(() => faulty.held === 0);
    expect(healthy.of('tools/call').length).toBe(clients.length * 3);
    const labels = { upstream: 'bad' };
    const { code, timeout, dropped } = outcome;
    if (code) expect(await gateway.figure('upstreamErrors', { ...labels, code })).toBe(2);
    if (timeout) expect(await gateway.figure('timeouts', { ...labels, kind: timeout })).toBe(2);
    if (dropped) expect(await gateway.figure('dropped', { reason: dropped })).toBe(2);
    if (timeout && era === '2025') await until(() => faulty.told('notifications/cancelled').length === 2);
  });
  await until(() => faulty.open === 0);
  await faulty.stop();
  await healthy.stop();
}

/** Whether the answer is whole as HTTP: then its connection may serve others. */
const isWhole = ({ row, framed }: Fault): boolean => framed ?? (row === 'F7' || row === 'F8');

/** What the runtime opens once, on first use, is none of a fault's. */
beforeAll(() =>
  run({ row: 'F7', what: 'nothing', forms: ['json'], act: good, expected: {} }, 'json', '2026'),
);

for (const fault of [...BROKEN, ...SLOW, ...ANSWERS])
  describe(`${fault.row}: an upstream that ${fault.what}`, () => {
    for (const form of fault.forms)
      for (const era of ERAS) test(`${form}, ${era}`, () => run(fault, form, era));
  });
