// The state of a log in each of its places: the same text comes back, a part of one never does, and who cannot be asked
// says so.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newKey, signerOf } from '../../../plugins/audit/note.ts';
import { redisState } from '../../../plugins/audit/redis-state.ts';
import {
  fileState,
  memoryState,
  readState,
  readStateText,
  STATE,
  type State,
  stateText,
  writeState,
} from '../../../plugins/audit/state.ts';
import { startRedis } from '../../fixtures/redis.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-state-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fresh = () => mkdtempSync(join(root, 's-'));

const STATES: State = {
  origin: 'gw/1',
  segment: 'segment-0000000000000001.jsonl',
  inode: '18446744073709551615',
  device: '1',
  offset: 7,
  seq: 3,
  hash: 'a'.repeat(64),
  tree: 'b'.repeat(128),
};
const signer = signerOf('gw/1', newKey());

describe('its text', () => {
  test('is signed, and nothing of it can be changed', () => {
    const text = stateText(STATES, signer);
    expect(readStateText(text, signer.verifier)).toEqual(STATES);
    expect(readStateText(text.replace('"seq":3', '"seq":2'), signer.verifier)).toBe('unsigned');
    expect(readStateText(text, signerOf('gw/1', newKey()).verifier)).toBe('unsigned');
    expect(readStateText(stateText(STATES, undefined), signer.verifier)).toBe('unsigned');
  });

  test('that is none is told apart', () => {
    for (const text of ['', 'x\n', '{}\n', '{"seq":"3"}\n', stateText(STATES, signer).slice(0, 40)])
      expect(readStateText(text)).toBe('damaged');
  });
});

test('in a file: for its owner alone, replaced as a whole', async () => {
  const directory = fresh();
  const store = fileState(directory);
  expect(await store.read()).toBeUndefined();
  await store.write('one');
  await store.write('another');
  expect(await store.read()).toBe('another');
  expect(readdirSync(directory)).toEqual([STATE]);
  expect(statSync(join(directory, STATE)).mode & 0o777).toBe(0o600);
  await writeState(directory, STATES, signer);
  expect(readState(directory)).toEqual(STATES);
  writeFileSync(join(directory, STATE), 'x');
  expect(readState(directory)).toBe('damaged');
  expect(readFileSync(join(directory, STATE), 'utf8')).toBe('x');
});

test('in memory: as long as there is one', async () => {
  const store = memoryState();
  expect(await store.read()).toBeUndefined();
  await store.write('one');
  expect(await store.read()).toBe('one');
  expect(await memoryState().read()).toBeUndefined();
});

describe('in Redis', () => {
  const isThere = Bun.which('redis-server') !== null;

  test.skipIf(!isThere)('the same text comes back, to another gateway as well', async () => {
    await using redis = await startRedis();
    const place = { url: redis.url, key: 'sluice:audit:gw/1', timeout: 2_000 };
    const store = redisState(place);
    expect(await store.read()).toBeUndefined();
    await store.write('one');
    const other = redisState(place);
    expect([await other.read(), await redisState({ ...place, key: 'other' }).read()]).toEqual([
      'one',
      undefined,
    ]);
    store.close();
    other.close();
  });

  test('one that is away, or does not answer, fails within its time', async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    for (const url of ['redis://127.0.0.1:1', `redis://127.0.0.1:${port}`]) {
      const store = redisState({ url, key: 'k', timeout: 50 });
      await expect(store.read()).rejects.toThrow();
      await expect(store.write('x')).rejects.toThrow();
      store.close();
    }
    server.close();
  });
});
