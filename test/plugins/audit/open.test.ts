// A log that is opened again: it goes on where it ended, sets aside what the end of a process tore, and is refused where
// it is not what was written.
import { describe, expect, test } from 'bun:test';
import {
  appendFileSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { hex } from '../../../plugins/audit/hash.ts';
import { checkpointsOf } from '../../../plugins/audit/keeping.ts';
import { newKey, signerOf } from '../../../plugins/audit/note.ts';
import { segmentsOf } from '../../../plugins/audit/segments.ts';
import { memoryState, STATE } from '../../../plugins/audit/state.ts';
import { TileReader } from '../../../plugins/audit/tiles.ts';
import { rootAt } from '../../../plugins/audit/tree.ts';
import { entriesOf } from '../../fixtures/audit/entries.ts';
import { type Folder, fill, folders, ORIGIN } from '../../fixtures/audit/logs.ts';
import { wholeLog } from '../../fixtures/audit/whole.ts';
import { until } from '../../fixtures/until.ts';

const folder = folders();

/** A log of two files and a few entries, closed. */
async function closedLog(more = {}): Promise<Folder & { files: string[] }> {
  const it = folder();
  const log = await it.open({ segmentSize: 4_000, batch: 4, ...more });
  await fill(log, 25);
  await log.close();
  const files = segmentsOf(it.directory).map(({ name }) => join(it.directory, name));
  return Object.assign(it, { files });
}
const last = (files: string[]) => files.at(-1) as string;
const kindOf = (it: Folder) =>
  it.open().then(
    () => 'opened',
    (error: unknown) => (error as { kind?: string }).kind ?? String(error),
  );

test('it goes on with the same chain, tree and files', async () => {
  const it = await closedLog({ checkpointEntries: 10 });
  for (let round = 0; round < 3; round++) {
    const log = await it.open({ checkpointEntries: 10, segmentSize: 4_000 });
    await fill(log, 300);
    await log.close();
    expect(wholeLog(it.directory, ORIGIN)).toBe(log.seq);
    const kept = checkpointsOf(it.directory).at(-1);
    const { size, root } = typeof kept === 'object' ? kept.checkpoint : { size: 0, root: new Uint8Array() };
    expect([size, hex(root)]).toEqual([
      log.seq - 1,
      hex(await rootAt(size, new TileReader(it.directory).node)),
    ]);
  }
  expect(readdirSync(join(it.directory, 'tile', '0')).sort()).toContain('002');
});

test('tiles that are gone are made again from the log', async () => {
  const it = folder();
  const log = await it.open();
  await fill(log, 600);
  await log.close();
  rmSync(join(it.directory, 'tile'), { recursive: true });
  const again = await it.open();
  await fill(again, 10);
  await again.close();
  const kept = checkpointsOf(it.directory).at(-1);
  if (typeof kept !== 'object') throw new Error('no checkpoint');
  const { size, root } = kept.checkpoint;
  expect(hex(await rootAt(size, new TileReader(it.directory).node))).toBe(hex(root));
});

test('a tree that nobody is to keep any more is taken away', async () => {
  const it = await closedLog();
  expect(readdirSync(it.directory)).toContain('tile');
  await (await it.open({ tiles: false })).close();
  expect(readdirSync(it.directory)).not.toContain('tile');
  const log = await it.open();
  await fill(log, 3);
  await log.close();
  const kept = checkpointsOf(it.directory).at(-1);
  if (typeof kept !== 'object') throw new Error('no checkpoint');
  const { size, root } = kept.checkpoint;
  expect(hex(await rootAt(size, new TileReader(it.directory).node))).toBe(hex(root));
});

describe('what the end of a process leaves', () => {
  test('a last line that is not whole is set aside, and told', async () => {
    const it = await closedLog();
    appendFileSync(last(it.files), '{"half":');
    const log = await it.open();
    const [recovery] = entriesOf(it.directory, 'recovery');
    expect(recovery).toMatchObject({ torn_bytes: 8 });
    expect(readFileSync(join(it.directory, String(recovery?.torn_file)), 'utf8')).toBe('{"half":');
    await fill(log, 3);
    expect(wholeLog(it.directory, ORIGIN)).toBe(log.seq);
  });

  test('entries without a checkpoint get one, although nothing follows; then a start adds nothing', async () => {
    const it = folder();
    const killed = await it.open();
    await fill(killed, 3);
    const log = await it.open({ checkpointEvery: 1 });
    await until(() => it.said.includes(`checkpoint ${killed.seq}`));
    await log.close();
    const again = await it.open();
    await again.close();
    expect([log.seq, again.seq]).toEqual([killed.seq + 1, killed.seq + 1]);
  });

  test('entries behind the state are taken for what they are', async () => {
    const it = folder();
    const log = await it.open();
    await log.idle();
    copyFileSync(join(it.directory, STATE), join(it.directory, 'before'));
    await fill(log, 300);
    await log.close();
    renameSync(join(it.directory, 'before'), join(it.directory, STATE));
    const again = await it.open();
    expect(again.seq).toBe(wholeLog(it.directory, ORIGIN));
    await again.close();
    await it.open();
  });

  test('a file that was begun and has nothing in it, or half a line', async () => {
    for (const text of ['', '{"entry_ha']) {
      const it = await closedLog();
      const next = `segment-${String(wholeLog(it.directory, ORIGIN) + 1).padStart(16, '0')}.jsonl`;
      writeFileSync(join(it.directory, next), text);
      const log = await it.open();
      await fill(log, 3);
      expect(wholeLog(it.directory, ORIGIN)).toBe(log.seq);
      expect(entriesOf(it.directory, 'segment').at(-1)).toMatchObject({
        previous_file: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      expect(entriesOf(it.directory, 'recovery')).toHaveLength(text === '' ? 0 : 1);
    }
  });

  test('a new log of which there is no more than an empty file', async () => {
    const it = folder();
    const log = await it.open();
    await log.close();
    for (const name of readdirSync(it.directory)) rmSync(join(it.directory, name), { recursive: true });
    writeFileSync(join(it.directory, 'segment-0000000000000001.jsonl'), '');
    expect((await it.open()).seq).toBe(1);
  });

  test('half a line of checkpoints', async () => {
    const it = await closedLog({ checkpointEntries: 5 });
    appendFileSync(join(it.directory, 'checkpoints.jsonl'), '{"no');
    const log = await it.open();
    await fill(log, 3);
    await log.close();
    expect(checkpointsOf(it.directory).filter((each) => typeof each === 'string')).toEqual([]);
  });
});

describe('is refused where it is not what was written', () => {
  const cut = (file: string, lines: number) => {
    const all = readFileSync(file, 'utf8').split('\n');
    truncateSync(file, Buffer.byteLength(all.slice(0, -1 - lines).join('\n')) + 1);
  };
  const edit = (file: string, change: (text: string) => string) => {
    // In place: its inode stays.
    const text = change(readFileSync(file, 'utf8'));
    writeFileSync(file, text);
  };
  test.each<[string, string, (it: Folder & { files: string[] }) => void]>([
    [
      'an entry that was changed',
      'hash',
      ({ files }) => edit(last(files), (text) => text.replace('"n":', '"n":1')),
    ],
    ['entries that were cut off', 'truncated', ({ files }) => cut(last(files), 2)],
    ['a last file that was removed', 'segment_missing', ({ files }) => rmSync(last(files))],
    [
      'a copy in the place of the file',
      'state',
      ({ files }) => {
        copyFileSync(last(files), `${last(files)}.copy`);
        renameSync(`${last(files)}.copy`, last(files));
      },
    ],
    ['no state', 'state', (it) => rmSync(join(it.directory, STATE))],
    [
      'a state that somebody else wrote',
      'state',
      (it) => edit(join(it.directory, STATE), (text) => text.replace(/"seq":\d+/, '"seq":1')),
    ],
    ['a state that is none', 'state', (it) => writeFileSync(join(it.directory, STATE), 'x')],
    [
      'an entry that was put in behind the end',
      'sequence',
      ({ files }) => edit(last(files), (text) => `${text}${text.split('\n').at(-2)}\n`),
    ],
  ])('%s', async (_, kind, damage) => {
    const it = await closedLog();
    expect(it.files.length).toBeGreaterThan(1);
    damage(it);
    const before = readdirSync(it.directory).sort();
    expect(await kindOf(it)).toBe(kind);
    expect(readdirSync(it.directory).sort()).toEqual(before);
  });

  test('another key, another origin', async () => {
    const it = await closedLog();
    await expect(it.open({ key: signerOf(ORIGIN, newKey()) })).rejects.toThrow('not signed with the key');
    await expect(it.open({ origin: 'other' })).rejects.toThrow(`is that of ${ORIGIN}, not of other`);
  });
});

test('a state that does not outlive the process: the last file alone is looked at', async () => {
  const it = folder();
  const log = await it.open({ store: memoryState(), segmentSize: 4_000, batch: 4 });
  await fill(log, 30);
  await log.close();
  const again = await it.open({ store: memoryState() });
  await fill(again, 3);
  await again.close();
  expect(wholeLog(it.directory, ORIGIN)).toBe(again.seq);
  const kept = checkpointsOf(it.directory).at(-1);
  expect(typeof kept === 'object' ? kept.checkpoint.size : kept).toBe(again.seq - 1);
});
