// The index over a log: what it finds stands in the log, and it can be thrown away at any time.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pseudonym } from '../../plugins/audit/digests.ts';
import { readKey } from '../../plugins/audit/key.ts';
import { IndexFile } from '../../plugins/audit/tools/index-file.ts';
import { search } from '../../plugins/audit/tools/search.ts';
import { copyOf, writeLog } from '../fixtures/audit/log.ts';

const log = await writeLog({ entries: 300 });
const place = mkdtempSync(join(tmpdir(), 'sluice-query-'));
const keyFile = join(place, 'audit.key');
writeFileSync(keyFile, log.pem, { mode: 0o600 });
afterAll(() => {
  log[Symbol.dispose]();
  rmSync(place, { recursive: true, force: true });
});

type Wanted = Parameters<typeof search>[1];
let made = 0;
const anew = (): string => join(place, `${++made}.sqlite`);

function find(directory: string, wanted: Partial<Wanted>): Record<string, unknown>[] {
  const all = { index: anew(), rebuild: false, is: new Map(), issuers: [], limit: 1_000, ...wanted };
  return [...search(directory, all, keyFile)].map(({ line }) => JSON.parse(line));
}

/** All lines, looked through one by one. */
function scanned(directory: string): Record<string, unknown>[] {
  const names = readdirSync(directory)
    .filter((name) => name.startsWith('segment-'))
    .sort();
  return names
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line));
}

test.each([
  ['nothing asked', {}, () => true],
  ['a tool', { is: new Map([['name', ['github__merge']]]) }, ({ name }) => name === 'github__merge'],
  [
    'two tools and a tenant',
    {
      is: new Map([
        ['name', ['github__merge', 'files__read']],
        ['tenant', ['north']],
      ]),
    },
    ({ name, tenant }) => (name === 'github__merge' || name === 'files__read') && tenant === 'north',
  ],
  ['a status', { is: new Map([['status', ['error']]]) }, ({ status }) => status === 'error'],
  [
    'a method',
    { is: new Map([['method', ['resources/read']]]) },
    ({ method }) => method === 'resources/read',
  ],
  ['an upstream', { is: new Map([['upstream', ['jira']]]) }, ({ upstream }) => upstream === 'jira'],
  ['a decision', { is: new Map([['decision', ['allow']]]) }, ({ decision }) => decision === 'allow'],
  ['a type', { is: new Map([['type', ['checkpoint']]]) }, ({ type }) => type === 'checkpoint'],
  ['a request', { is: new Map([['req_id', ['request-7']]]) }, (each) => each.req_id === 'request-7'],
  [
    'a principal as it stands',
    { principal: '3'.repeat(32) },
    ({ principal }) => principal === '3'.repeat(32),
  ],
  ['what nobody said', { is: new Map([['name', ['nothing']]]) }, () => false],
] as const satisfies [string, Partial<Wanted>, (entry: Record<string, unknown>) => boolean][])(
  'finds %s, as a look at every line does',
  (_, wanted: Partial<Wanted>, isOne: (entry: Record<string, unknown>) => boolean) => {
    expect(find(log.directory, wanted)).toEqual(scanned(log.directory).filter(isOne));
  },
);

test('finds a time, its end not included, and the newest where there are too many', () => {
  const all = scanned(log.directory);
  const [since, until] = [Date.parse(String(all[50]?.ts)), Date.parse(String(all[60]?.ts))];
  expect(find(log.directory, { since, until })).toEqual(all.slice(50, 60));
  expect(find(log.directory, { limit: 3 })).toEqual(all.slice(-3));
});

test('finds a principal by name, in any tenant, whoever vouches for it', async () => {
  const { naming } = readKey(keyFile, 'gateway.example.com/1');
  const issuer = 'https://id.example.com';
  const principal = pseudonym(naming, 'north', 'ada', issuer);
  using own = await writeLog({ entries: 6, pem: log.pem, more: { principal, tenant: 'north' } });
  expect(find(own.directory, { principal: 'ada', issuers: [issuer] })).toHaveLength(6);
  expect(find(own.directory, { principal: 'ada' })).toHaveLength(0);
  expect(find(own.directory, { principal: 'bob', issuers: [issuer] })).toHaveLength(0);
  const wanted = { index: anew(), rebuild: false, is: new Map(), issuers: [], limit: 1, principal: 'ada' };
  expect(() => [...search(own.directory, wanted, undefined)]).toThrow('entries have no names of principals');
});

test('an index takes in what is new, over changes of the file', async () => {
  using own = await writeLog({ entries: 50 });
  const index = anew();
  expect(find(own.directory, { index })).toHaveLength(scanned(own.directory).length);
  using _ = await writeLog({ directory: own.directory, pem: own.pem, entries: 100 });
  using file = new IndexFile(index, own.directory);
  const before = 55;
  expect(file.update()).toBeGreaterThan(before);
  expect(file.update()).toBe(0);
  expect(find(own.directory, { index })).toEqual(scanned(own.directory));
});

test('an index of another log, or one that is broken, is made again', async () => {
  const index = anew();
  find(log.directory, { index });
  using other = await writeLog({ entries: 20 });
  expect(find(other.directory, { index })).toEqual(scanned(other.directory));
  writeFileSync(index, 'no database');
  for (const suffix of ['-wal', '-shm']) rmSync(`${index}${suffix}`, { force: true });
  expect(find(other.directory, { index })).toEqual(scanned(other.directory));
  expect(find(other.directory, { index, rebuild: true })).toEqual(scanned(other.directory));
});

test('an entry that was changed is not shown', () => {
  const copy = copyOf(log);
  const index = anew();
  find(copy, { index });
  const file = join(copy, 'segment-0000000000000032.jsonl');
  const changed = readFileSync(file, 'utf8').replace('"seq":40,', '"seq":41,');
  // Nobody may write to a closed file.
  rmSync(file);
  writeFileSync(file, changed);
  expect(() => find(copy, { index })).toThrow('entry 40 is not what was written');
  rmSync(copy, { recursive: true });
});
