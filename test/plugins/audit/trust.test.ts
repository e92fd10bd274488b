// Keys that a log names: who can write its files, and sign nothing, makes none of his own trusted.
import { expect, test } from 'bun:test';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeEntry } from '../../../plugins/audit/entry.ts';
import { fromHex, type Hash, hex } from '../../../plugins/audit/hash.ts';
import { newKey, signerOf } from '../../../plugins/audit/note.ts';
import { segmentsOf } from '../../../plugins/audit/segments.ts';
import { remake } from '../../../plugins/audit/tools/remake.ts';
import { Frontier, leafOf } from '../../../plugins/audit/tree.ts';
import { verifyLog } from '../../../plugins/audit/verify.ts';
import { entriesOf } from '../../fixtures/audit/entries.ts';
import { fill, folders, ORIGIN, SIGNER } from '../../fixtures/audit/logs.ts';
import { askPython, python } from '../../fixtures/audit/python.ts';

const folder = folders();
const foreign = signerOf(ORIGIN, newKey());
const hashOf = (text: unknown): Hash => fromHex(String(text)) as Hash;

/** What somebody without the key can put behind the last entry. */
function put(directory: string, fields: Parameters<typeof makeEntry>[0]): void {
  const { seq, entry_hash: hash } = entriesOf(directory).at(-1) as unknown as {
    seq: number;
    entry_hash: string;
  };
  const file = segmentsOf(directory).at(-1)?.name ?? '';
  appendFileSync(join(directory, file), `${makeEntry(fields, seq + 1, hashOf(hash)).line}\n`);
}

async function logWithKey(it: ReturnType<typeof folder>): Promise<void> {
  const log = await it.open();
  await fill(log, 3);
  await log.close();
  put(it.directory, { type: 'key', key: foreign.public });
}

test('a key that was put behind the last entry is not trusted, though checkpoints cover it later', async () => {
  const it = folder();
  await logWithKey(it);
  const again = await it.open();
  await fill(again, 3);
  await again.close();
  expect(verifyLog(it.directory, { key: SIGNER.verifier }).verdict).toBe('passed');
  const taken = await it.open({ signer: foreign, formerKey: SIGNER.verifier });
  await fill(taken, 1, { forged: 'yes' });
  await taken.close();
  const { verdict, findings, signed } = verifyLog(it.directory, { key: SIGNER.verifier });
  expect([verdict, findings[0]?.kind, signed.upTo]).toEqual([
    'tampered',
    'checkpoint_signature',
    again.seq - 1,
  ]);
  if (python) expect(askPython(it.directory, ['--key', SIGNER.public]).code).toBe(1);
});

test('a repair signs no checkpoint that would make it trusted', async () => {
  const it = folder();
  await logWithKey(it);
  const entries = entriesOf(it.directory);
  const tree = new Frontier();
  for (const { entry_hash: hash } of entries) tree.append(leafOf(hashOf(hash)));
  put(it.directory, { type: 'checkpoint', size: entries.length, root: hex(tree.root()) });
  const { verdict, findings } = verifyLog(it.directory, { key: SIGNER.verifier });
  expect([verdict, findings[0]?.kind]).toEqual(['tampered', 'checkpoint_missing']);
  mkdirSync(join(it.directory, 'aside'));
  const place = { directory: it.directory, aside: 'aside', keep: entries.length + 1, isCut: false };
  const remade = await remake(place, { key: SIGNER.verifier }, SIGNER);
  expect([remade.signedAnew, remade.lostTo]).toEqual([0, entries.length]);
});
