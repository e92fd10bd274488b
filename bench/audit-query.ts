// How long it takes to make the index over a large log, to take in what is new, and to find something. Prints figures and
// judges nothing: `npm run bench -- audit-query 2000000`.
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { search } from '../plugins/audit/tools/search.ts';
import { largeLog } from './audit-log.ts';

const ENTRIES = Number(process.argv[3] ?? 2_000_000);

const log = largeLog(ENTRIES);
const index = join(log.directory, 'index.sqlite');
const empty = { index, rebuild: false, is: new Map(), issuers: [], limit: 100 };

function timed(what: string, act: () => number): void {
  const began = performance.now();
  const found = act();
  console.log(
    `${what.padEnd(52)} ${(performance.now() - began).toFixed(0).padStart(7)} ms   ${found} entries`,
  );
}

type Wanted = Parameters<typeof search>[1];
const count = (wanted: Partial<Wanted>): number =>
  [...search(log.directory, { ...empty, ...wanted }, undefined)].length;
const principal = Bun.CryptoHasher.hash('sha256', '17', 'hex').slice(0, 32);
const [since, until] = [1_763_700_000_000 + 20_000_000, 1_763_700_000_000 + 20_060_000];

try {
  console.log(`${log.entries} entries, ${(log.bytes / 1e9).toFixed(2)} GB`);
  timed('the index is made, and the newest 100 found', () => count({}));
  console.log(`the index is ${(statSync(index).size / 1e6).toFixed(0)} MB`);
  timed('nothing is new; the newest 100', () => count({}));
  timed('a principal', () => count({ principal }));
  timed('a tool, denied', () =>
    count({
      is: new Map([
        ['name', ['github__search']],
        ['decision', ['deny']],
      ]),
    }),
  );
  timed('a tenant and a status', () =>
    count({
      is: new Map([
        ['tenant', ['tenant-10']],
        ['status', ['error']],
      ]),
    }),
  );
  timed('a minute, all of it', () => count({ since, until, limit: 1_000_000 }));
  timed('a method that nobody called', () => count({ is: new Map([['method', ['prompts/get']]]) }));
  timed('a status that nothing ended with', () => count({ is: new Map([['status', ['cancelled']]]) }));
} finally {
  rmSync(log.directory, { recursive: true, force: true });
}
