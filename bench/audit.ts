// What an audit log costs, and what is left of it when the gateway is killed. Prints figures and judges nothing:
// `npm run bench -- audit`, `npm run bench -- audit kills 200`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newKey, signerOf } from '../plugins/audit/note.ts';
import { openLog } from '../plugins/audit/open-log.ts';
import { killOften } from '../test/fixtures/audit/killing.ts';
import { ask } from '../test/fixtures/clients.ts';
import { answer, json, startRogue } from '../test/fixtures/rogue.ts';
import { startSubject } from './gateway.ts';

const CALLS = 1_500;
const AT_ONCE = 16;
const ENTRIES = 100_000;

const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** Milliseconds of each call. */
async function calls(url: string, total: number, atOnce: number): Promise<number[]> {
  const took: number[] = [];
  let begun = 0;
  const client = async (): Promise<void> => {
    while (begun++ < total) {
      const began = performance.now();
      await (
        await ask(url, 'tools/call', { name: 'echo', arguments: { text: 'x' } }, { name: 'echo' })
      ).text();
      took.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return took.sort((a, b) => a - b);
}

async function modes(): Promise<void> {
  const rogue = await startRogue((hit, res) => json(res, answer(hit)));
  const rows: [string, object[]][] = [
    ['no audit', []],
    ...(['best_effort', 'bounded', 'strict'] as const).map((durability): [string, object[]] => [
      durability,
      [{ audit: { durability, level: 2 } }],
    ]),
  ];
  for (const [name, pipeline] of rows) {
    await using subject = await startSubject(rogue.url, {}, { pipeline });
    await calls(subject.url, CALLS / 5, AT_ONCE);
    const alone = await calls(subject.url, CALLS / 5, 1);
    const began = performance.now();
    const many = await calls(subject.url, CALLS, AT_ONCE);
    const rate = (CALLS / (performance.now() - began)) * 1_000;
    const said = [quantile(alone, 0.5), quantile(many, 0.5), quantile(many, 0.99)].map((ms) => ms.toFixed(2));
    console.log(
      `${name.padEnd(12)} one at a time ${said[0]} ms; ${AT_ONCE} at once ${said[1]} ms, p99 ${said[2]} ms, ${rate.toFixed(0)} calls/s`,
    );
  }
  await rogue.stop();
}

/** The log by itself: what a disk and one core take. */
async function writing(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const origin = 'bench';
  let commits = 0;
  const log = await openLog({
    directory: join(directory, 'log'),
    origin,
    segmentSize: 16_777_216,
    checkpointEntries: 1_000,
    checkpointEvery: 1_000,
    batch: 256,
    queue: ENTRIES,
    retry: 1_000,
    signer: signerOf(origin, newKey()),
    stamp: () => ({ ts: new Date().toISOString(), mono_us: 1, boot: '0123456789abcdef' }),
    now: Date.now,
    onFault: (error) => console.error(error),
    onRecovered() {},
    onCommit: () => void commits++,
  });
  const fields = {
    type: 'outcome',
    req_id: crypto.randomUUID(),
    principal: 'a'.repeat(32),
    method: 'tools/call',
    name: 'echo',
    upstream: 'up',
    decision: 'allow',
    status: 'complete',
    dur_us: 1_234,
    bytes_in: 65,
    result_digest: 'c'.repeat(64),
  };
  const began = performance.now();
  const all = Array.from({ length: ENTRIES }, () => log.append(fields));
  await Promise.all(all);
  const seconds = (performance.now() - began) / 1_000;
  console.log(
    `${(ENTRIES / seconds).toFixed(0)} entries/s on disk, with checkpoints and the tree, in ${commits} writes`,
  );
  const alone: number[] = [];
  for (let n = 0; n < 1_000; n++) {
    const from = performance.now();
    await log.append(fields);
    alone.push(performance.now() - from);
  }
  alone.sort((a, b) => a - b);
  console.log(
    `one entry by itself: ${quantile(alone, 0.5).toFixed(2)} ms until it is on disk, p99 ${quantile(alone, 0.99).toFixed(2)} ms`,
  );
  const opening = performance.now();
  await log.close();
  console.log(`closed in ${(performance.now() - opening).toFixed(0)} ms, ${log.seq} entries`);
  rmSync(directory, { recursive: true, force: true });
}

async function kills(times: number): Promise<void> {
  const enough = () => 1 + Math.floor(Math.random() * 300);
  const { ready, answered, lost, entries } = await killOften(times, { level: 2, segment: 1_048_576 }, enough);
  const sorted = ready.sort((a, b) => a - b);
  const said = [0.5, 0.95, 1].map((share) => quantile(sorted, share).toFixed(0));
  console.log(
    `killed ${times} times: ${answered} answers, ${lost.length} of them lost, ${entries} entries follow each other`,
  );
  console.log(`start to ready: median ${said[0]} ms, p95 ${said[1]} ms, ${said[2]} ms at most`);
}

const [, what = 'cost', times = '200'] = process.argv.slice(2);
if (what === 'kills') await kills(Number(times));
else {
  await writing();
  await modes();
}
