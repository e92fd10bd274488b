// What a call waits for: `strict`, `bounded` and `best_effort` over a disk that is there, slow or away.
import { expect, test } from 'bun:test';
import { LogUnavailable } from '../../../plugins/audit/log.ts';
import { durabilityOf, type Options, schema } from '../../../plugins/audit/options.ts';
import { Writer } from '../../../plugins/audit/writer.ts';
import { entriesOf } from '../../fixtures/audit/entries.ts';
import { failingDisk } from '../../fixtures/audit/failing-disk.ts';
import { folders } from '../../fixtures/audit/logs.ts';
import { BARE_HOST } from '../../fixtures/plugin-host.ts';

const folder = folders();
const disk = failingDisk();
const optionsOf = (given: object): Options => schema.parse(given);

async function scene(durability: string, more: object = {}, queue = 3) {
  const it = folder();
  const log = await it.open({ queue, batch: 1, retry: 1 });
  await log.idle();
  const counts: string[] = [];
  const host = {
    ...BARE_HOST,
    count: (event: string) => void counts.push(event),
    limitHit: (limit: string) => void counts.push(limit),
  };
  const writer = new Writer(log, optionsOf({ durability, ...more }), host);
  const write = (n: number) => writer.write({ type: 'test', n }, 'tools/call');
  return { it, log, writer, write, counts };
}

test('calls are strict and the rest bounded, unless it is said otherwise', () => {
  const modes = (given: object) =>
    ['tools/call', 'tools/list'].map((method) => durabilityOf(optionsOf(given), method));
  expect(modes({})).toEqual(['strict', 'bounded']);
  expect(modes({ durability: 'best_effort' })).toEqual(['best_effort', 'best_effort']);
  expect(modes({ durability: { others: 'strict' } })).toEqual(['strict', 'strict']);
});

test('strict: what is waited for is on disk', async () => {
  const { it, write, writer } = await scene('strict');
  expect(writer.takes('tools/call')).toBe(true);
  await write(1);
  expect(entriesOf(it.directory, 'test')).toHaveLength(1);
});

test('strict: a disk that takes nothing refuses, from then on before anything is done', async () => {
  const { it, write, writer } = await scene('strict');
  disk.fail('write', 'ENOSPC');
  await expect(write(1)).rejects.toThrow(LogUnavailable);
  expect(writer.takes('tools/call')).toBe(false);
  expect(it.said).toEqual(['setback', 'fault']);
});

test('strict: a disk that does not answer refuses after `wait`', async () => {
  const { write } = await scene('strict', { wait: '20ms' });
  const stuck = Promise.withResolvers<never>();
  stuck.promise.catch(() => {});
  disk.hang('datasync', stuck.promise);
  await expect(write(1)).rejects.toThrow(LogUnavailable);
  stuck.reject(new Error('EIO'));
});

test('bounded: nothing is waited for until as many wait as may', async () => {
  const { it, log, write, writer, counts } = await scene('bounded');
  expect([write(1), write(2), write(3)]).toEqual([undefined, undefined, undefined]);
  expect(log.isFull).toBe(true);
  expect(writer.takes('tools/call')).toBe(true);
  const blocked = write(4);
  expect(blocked).toBeInstanceOf(Promise);
  await blocked;
  await log.idle();
  expect(entriesOf(it.directory, 'test').map(({ n }) => n)).toEqual([1, 2, 3, 4]);
  expect(counts).toEqual(['audit_queue']);
});

test('bounded: over a disk that is away calls go on until the queue is full, then they are refused', async () => {
  const { write, counts } = await scene('bounded', { wait: '20ms' });
  disk.fail('write', 'ENOSPC');
  for (const n of [1, 2, 3]) expect(write(n)).toBeUndefined();
  await expect(write(4)).rejects.toThrow('too many entries wait');
  expect(counts).toEqual(['audit_queue', 'lost']);
});

test('best effort: nothing is waited for, what is lost is counted and told in the log', async () => {
  const { it, log, write, counts } = await scene('best_effort');
  disk.fail('write', 'ENOSPC');
  for (let n = 1; n <= 5; n++) expect(write(n)).toBeUndefined();
  expect(counts).toEqual(['lost', 'lost']);
  disk.heal();
  await log.room();
  write(6);
  await log.idle();
  const told = entriesOf(it.directory).filter(({ type }) => type === 'test' || type === 'gap');
  expect(told.map(({ type, n, lost }) => `${type} ${n ?? lost}`)).toEqual([
    'gap 2',
    'test 1',
    'test 2',
    'test 3',
    'test 6',
  ]);
});
