// `sluice audit verify --authority`: time stamps beside a log, and elsewhere, vouch for it.
import { afterAll, expect, test } from 'bun:test';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askFor } from '../../../plugins/audit/anchors/time-stamp.ts';
import { tell } from '../../../src/cli/main.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { copyOf, writeLog } from '../../fixtures/audit/log.ts';
import { EC, startTsa } from '../../fixtures/audit/tsa.ts';
import { fakeShell } from '../../fixtures/shell.ts';

const log = await writeLog({ entries: 60 });
const tsa = startTsa({ key: EC });
const place = mkdtempSync(join(tmpdir(), 'sluice-stamps-cli-'));
const authority = join(place, 'authority.pem');
const pub = join(place, 'audit.pub');
writeFileSync(authority, tsa.authority);
writeFileSync(pub, `${log.signer?.public}\n`);
afterAll(async () => {
  log[Symbol.dispose]();
  await tsa[Symbol.asyncDispose]();
  rmSync(place, { recursive: true });
});

/** A copy of the log, and its last checkpoint stamped beside it. */
function stamped(): { directory: string; stamps: string; size: string } {
  const directory = copyOf(log);
  const note = readFileSync(join(directory, 'checkpoint'));
  const size = note.toString('utf8').split('\n')[1] ?? '';
  const stamps = join(directory, 'anchors', 'timestamp');
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, `${size}.note`), note);
  writeFileSync(join(stamps, `${size}.tsr`), tsa.reply(askFor(note).request));
  return { directory, stamps, size };
}

async function verify(...args: string[]) {
  using shell = fakeShell();
  const all = ['audit', 'verify', ...args, '--key', pub, '--authority', authority];
  const code = await runProgram(shell, all).catch((error: unknown) => tell(shell, error));
  return { code, ...shell.said() };
}

test('a stamp beside the log vouches for it, and says when', async () => {
  const { directory, size } = stamped();
  const { code, out } = await verify(directory, '--require-anchor');
  expect(code).toBe(0);
  expect(out).toContain(`anchored: up to entry ${size}, by timestamp/${size}.tsr, CN=stamps, 20`);
  rmSync(directory, { recursive: true });
});

test('stamps that were kept elsewhere are a directory of --anchor', async () => {
  const { directory, stamps, size } = stamped();
  const kept = join(place, 'kept');
  cpSync(stamps, kept, { recursive: true });
  rmSync(stamps, { recursive: true });
  expect((await verify(directory, '--require-anchor')).code).toBe(2);
  const { code, out } = await verify(directory, '--anchor', kept, '--require-anchor');
  expect(code).toBe(0);
  expect(out).toContain(`anchored: up to entry ${size}`);
  rmSync(directory, { recursive: true });
  rmSync(kept, { recursive: true });
});

test('a log that was cut off before what is stamped is tampered with', async () => {
  const { directory, stamps } = stamped();
  const kept = join(place, 'kept');
  cpSync(stamps, kept, { recursive: true });
  using other = await writeLog({ entries: 10, pem: log.pem });
  expect((await verify(other.directory, '--anchor', kept)).code).toBe(1);
  rmSync(directory, { recursive: true });
  rmSync(kept, { recursive: true });
});

test('a stamp that does not hold is said, and nothing is judged by it', async () => {
  const { directory, stamps, size } = stamped();
  writeFileSync(join(stamps, `${size}.note`), 'something else');
  const { code, err } = await verify(directory);
  expect(code).toBe(2);
  expect(err).toContain(`timestamp/${size}.tsr: the time stamp is of something else`);
  rmSync(directory, { recursive: true });
});
