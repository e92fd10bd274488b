// Large audit logs for benches, written without a gateway: entries as calls leave them, checkpoints, the tree on disk.
import { closeSync, mkdtempSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointText } from '../plugins/audit/checkpoint.ts';
import { genesis, makeEntry } from '../plugins/audit/entry.ts';
import { hex } from '../plugins/audit/hash.ts';
import { newKey, signerOf } from '../plugins/audit/note.ts';
import { segmentName } from '../plugins/audit/segments.ts';
import { Tiles } from '../plugins/audit/tiles.ts';
import { Frontier, leafOf } from '../plugins/audit/tree.ts';

const ORIGIN = 'gateway.example.com/1';
const SEGMENT = 16_777_216;
const CHECKPOINT = 1_000;
const TOOLS = ['github__search', 'github__merge', 'files__read', 'jira__create'];

export interface LargeLog {
  readonly directory: string;
  readonly entries: number;
  readonly bytes: number;
  /** Its public key. */
  readonly key: string;
}

export function largeLog(entries: number): LargeLog {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const signer = signerOf(ORIGIN, newKey());
  const tree = new Frontier();
  const tiles = new Tiles(directory);
  const notes: string[] = [];
  let [seq, hash, bytes, size, previous] = [0, genesis(ORIGIN), 0, 0, ''];
  let hasher = new Bun.CryptoHasher('sha256');
  let file = openSync(join(directory, segmentName(1)), 'w');
  let held: string[] = [];
  const flush = (): void => {
    const text = Buffer.from(held.join(''));
    hasher.update(text);
    writeSync(file, text);
    held = [];
  };
  const add = (fields: Parameters<typeof makeEntry>[0]): void => {
    const entry = makeEntry(fields, ++seq, hash);
    hash = entry.hash;
    const leaf = leafOf(hash);
    tree.append(leaf);
    tiles.append(leaf);
    held.push(`${entry.line}\n`);
    bytes += entry.line.length + 1;
    size += entry.line.length + 1;
    if (held.length === CHECKPOINT) flush();
  };
  const open = (): void =>
    add({
      type: 'segment',
      origin: ORIGIN,
      key: signer.public,
      ...(previous && { previous_file: previous }),
    });
  open();
  while (seq < entries) {
    add(callOf(seq));
    if (seq % CHECKPOINT === 0) {
      const text = checkpointText({ origin: ORIGIN, size: seq, root: tree.root() });
      notes.push(`${text}\n${signer.sign(text)}`);
      add({ type: 'checkpoint', size: seq, root: hex(tree.root()) });
    }
    if (size < SEGMENT) continue;
    flush();
    closeSync(file);
    previous = hasher.digest('hex');
    hasher = new Bun.CryptoHasher('sha256');
    size = 0;
    file = openSync(join(directory, segmentName(seq + 1)), 'w');
    open();
  }
  flush();
  closeSync(file);
  tiles.flush();
  writeFileSync(
    join(directory, 'checkpoints.jsonl'),
    notes.map((note) => `${JSON.stringify({ note })}\n`).join(''),
  );
  writeFileSync(join(directory, 'checkpoint'), notes.at(-1) ?? '');
  const state = `${JSON.stringify({ device: '0', hash: hex(hash), inode: '0', offset: 0, origin: ORIGIN, segment: segmentName(1), seq })}\n`;
  writeFileSync(join(directory, 'integrity.json'), `${state}\n${signer.sign(state)}`);
  return { directory, entries: seq, bytes, key: signer.public };
}

/** An entry of a call, with what such ones have. */
function callOf(at: number) {
  const call = Math.floor(at / 2);
  const digest = Bun.CryptoHasher.hash('sha256', String(call), 'hex');
  const subject = {
    ts: new Date(1_763_700_000_000 + at * 20).toISOString(),
    mono_us: at * 20_000,
    boot: '0123456789abcdef',
    req_id: `${digest.slice(0, 8)}-${digest.slice(8, 12)}-7${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`,
    tenant: `tenant-${call % 20}`,
    principal: Bun.CryptoHasher.hash('sha256', String(call % 5_000), 'hex').slice(0, 32),
    client: 'claude-code 2.1.4',
    era: '2026-07-28',
    transport: 'http',
    listener: '127.0.0.1:7420',
    endpoint: '/mcp',
    method: 'tools/call',
    name: TOOLS[call % TOOLS.length],
    upstream: TOOLS[call % TOOLS.length]?.split('__')[0],
    generation: 1,
  };
  return at % 2 === 0
    ? { type: 'intent', ...subject, args_digest: digest, bytes_out: 312 }
    : {
        type: 'outcome',
        ...subject,
        decision: call % 50 === 0 ? 'deny' : 'allow',
        status: call % 30 === 0 ? 'error' : 'complete',
        dur_us: 1_000 + (call % 9_000),
        bytes_in: 2_048,
        result_digest: digest,
      };
}
