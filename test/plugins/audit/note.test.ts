// Signed notes and checkpoints, in the form that others read as well; and files of the tree by the names others know.
import { describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointText, readCheckpoint } from '../../../plugins/audit/checkpoint.ts';
import { base64, hex, sha256 } from '../../../plugins/audit/hash.ts';
import { isSignedBy, newKey, readNote, signerOf, verifierOf } from '../../../plugins/audit/note.ts';
import { TileReader, Tiles, tilePath } from '../../../plugins/audit/tiles.ts';
import { Frontier, leafOf, rootAt } from '../../../plugins/audit/tree.ts';

const signer = signerOf('gw.example/1', newKey());
const TEXT = 'gw.example/1\n3\nabc\n';
const note = (text = TEXT) => `${text}\n${signer.sign(text)}`;

describe('a signed note (C2SP signed-note)', () => {
  test('that others have signed is read and verified: the example of the specification', () => {
    const key = verifierOf('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
    const text =
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const signature =
      'x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=';
    const whole = `${text}\n— PeterNeumann ${signature}\n`;
    expect(isSignedBy(readNote(whole), key)).toBe(true);
    expect(isSignedBy(readNote(whole.replace('cryptography', 'cartography')), key)).toBe(false);
  });

  test('is good for its key alone', () => {
    const other = signerOf('gw.example/1', newKey());
    expect(isSignedBy(readNote(note()), signer.verifier)).toBe(true);
    expect(isSignedBy(readNote(note()), verifierOf(signer.public))).toBe(true);
    expect(isSignedBy(readNote(note()), other.verifier)).toBe(false);
    expect(isSignedBy(readNote(`${note()}${other.sign(TEXT)}`), other.verifier)).toBe(true);
    expect(isSignedBy(readNote(note().replace('\n3\n', '\n4\n')), signer.verifier)).toBe(false);
  });

  test.each([
    ['nothing', ''],
    ['no signature', 'text\n'],
    ['a signature that is no base64', `${TEXT}\n— gw.example/1 !!!\n`],
    ['another dash', `${TEXT}\n- gw.example/1 AAAAAAAA\n`],
    ['no line break at the end', note().slice(0, -1)],
  ])('%s is none', (_, text) => {
    expect(() => readNote(text)).toThrow('not a signed note');
  });

  test('keys that are none say so', () => {
    expect(() => verifierOf('gw')).toThrow('NAME+ID+KEY');
    expect(() => verifierOf(signer.public.replace('gw.example', 'other.example'))).toThrow('another key');
    expect(() => verifierOf(`gw+00000000+${Buffer.alloc(33).toString('base64')}`)).toThrow(
      'a key of another kind',
    );
  });
});

test('a checkpoint is three lines', () => {
  const checkpoint = { origin: 'gw.example/1', size: 7, root: sha256('x') };
  const text = checkpointText(checkpoint);
  expect(text).toBe(`gw.example/1\n7\n${base64(checkpoint.root)}\n`);
  expect(readCheckpoint(text)).toMatchObject({ origin: 'gw.example/1', size: 7 });
  for (const wrong of [text.replace('7', '07'), text.replace('7', '-1'), 'gw\n7\nAAAA\n', ''])
    expect(() => readCheckpoint(wrong)).toThrow('not a checkpoint');
});

describe('files of the tree (C2SP tlog-tiles)', () => {
  test('have the names others know', () => {
    expect([tilePath(0, 0), tilePath(0, 1_234_067), tilePath(1, 5, 12)]).toEqual([
      'tile/0/000',
      'tile/0/x001/x234/067',
      'tile/1/005.p/12',
    ]);
  });

  test('hold the same tree, over more than one level', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-tiles-'));
    const SIZE = 66_000;
    const tiles = new Tiles(directory);
    const tree = new Frontier();
    for (let n = 0; n < SIZE; n++) {
      const leaf = leafOf(sha256(String(n)));
      tiles.append(leaf);
      tree.append(leaf);
      if (n % 9_973 === 0) tiles.flush();
    }
    tiles.flush();
    const { node } = new TileReader(directory);
    expect(hex(await rootAt(SIZE, node))).toBe(hex(tree.root()));
    expect(readFileSync(join(directory, 'tile/1/000'))).toHaveLength(256 * 32);
    expect(readFileSync(join(directory, 'tile/2/000.p/1'))).toHaveLength(32);
    expect(() => node(0, SIZE)).toThrow('does not reach leaf');
    rmSync(directory, { recursive: true });
  });
});
