// The look at the end of a log while it is written.
import { expect, test } from 'bun:test';
import { renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brokenEnd } from '../../../plugins/audit/health.ts';
import { fill, folders } from '../../fixtures/audit/logs.ts';

const folder = folders();

async function written(entries: number, more: Record<string, string> = {}) {
  const it = folder();
  const log = await it.open();
  await fill(log, entries, more);
  const file = join(it.directory, log.segment);
  const look = (count = 10) => brokenEnd(log, it.directory, count);
  const edit = async (change: (text: string) => string) =>
    writeFile(file, change(await readFile(file, 'utf8')));
  return { it, log, file, look, edit };
}

test('nothing is wrong with what was written, however little or much is looked at', async () => {
  const { look } = await written(500, { text: 'x'.repeat(400) });
  for (const count of [1, 2, 100, 499, 500, 501, 10_000]) expect(look(count)).toBeUndefined();
});

test('nor with what is not on disk yet', async () => {
  const { log, look, file } = await written(5);
  writeFileSync(file, 'half a li', { flag: 'a' });
  expect(look()).toBeUndefined();
  expect(log.fault).toBeUndefined();
});

test('a change within the entries that are looked at', async () => {
  const { edit, look } = await written(100);
  await edit((text) => text.replace('"n":95', '"n":96'));
  expect(look(10)).toMatch(/^entry 97: the entry is not the one that was written/);
  expect(look(2)).toBeUndefined();
});

test('an end that was made again with all its hashes right', async () => {
  const { edit, log, look, it } = await written(20);
  const other = await (await folder().open()).close();
  expect(other).toBe(0);
  const { makeEntry } = await import('../../../plugins/audit/entry.ts');
  await edit((text) => {
    const lines = text.split('\n').slice(0, -1);
    const { prev_hash, entry_hash, seq, v, ...rest } = JSON.parse(lines.pop() ?? '');
    const { line } = makeEntry({ ...rest, n: 77 }, seq, new Uint8Array(Buffer.from(prev_hash, 'hex')));
    return `${[...lines, line].join('\n')}\n`;
  });
  expect(brokenEnd(log, it.directory, 10)).toBe(`entry ${log.seq} is not what was written last`);
  expect(look(1)).toContain('is not what was written');
});

test('a file that is shorter, gone or another one', async () => {
  const { file, look } = await written(20);
  const text = await readFile(file);
  truncateSync(file, text.length - 5);
  expect(look()).toEndWith('is shorter than what was written');
  writeFileSync(`${file}.copy`, text);
  renameSync(`${file}.copy`, file);
  expect(look()).toEndWith('is another file than is written to');
  rmSync(file);
  expect(look()).toEndWith('is not there any more');
});
