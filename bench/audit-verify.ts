// How many entries a second are verified on one core, and what memory that takes. Prints figures and judges nothing:
// `npm run bench -- audit-verify 1000000`.
import { rmSync } from 'node:fs';
import { verifierOf } from '../plugins/audit/note.ts';
import { verifyLog } from '../plugins/audit/verify.ts';
import { largeLog } from './audit-log.ts';

const ENTRIES = Number(process.argv[3] ?? 1_000_000);
const ROUNDS = 3;

const log = largeLog(ENTRIES);
try {
  const bytes = log.bytes / log.entries;
  console.log(
    `${log.entries} entries of ${bytes.toFixed(0)} bytes, a checkpoint each 1,000, the tree on disk`,
  );
  const before = process.memoryUsage().rss;
  for (let round = 0; round < ROUNDS; round++) {
    const began = process.cpuUsage();
    const start = performance.now();
    const report = verifyLog(log.directory, { key: verifierOf(log.key) });
    if (report.verdict !== 'passed') throw new Error(JSON.stringify(report.findings));
    const { user, system } = process.cpuUsage(began);
    const perCore = log.entries / ((user + system) / 1e6);
    const wall = log.entries / ((performance.now() - start) / 1e3);
    const grown = (process.memoryUsage().rss - before) / 1e6;
    console.log(
      `${Math.round(perCore)} entries/s of processor time, ${Math.round(wall)} of the clock; memory +${grown.toFixed(0)} MB`,
    );
  }
} finally {
  rmSync(log.directory, { recursive: true, force: true });
}
