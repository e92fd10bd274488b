// What `sluice audit` prints, and with which code it ends.
import { afterAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AUDIT_ROWS } from '../../../src/cli/audit-rows.ts';
import { tell } from '../../../src/cli/main.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { copyOf, filesOf, writeLog } from '../../fixtures/audit/log.ts';
import { fakeShell } from '../../fixtures/shell.ts';
import { root } from '../../house/tree.ts';

const log = await writeLog({ entries: 300 });
const place = mkdtempSync(join(tmpdir(), 'sluice-audit-cli-'));
const pub = join(place, 'audit.pub');
writeFileSync(pub, `${log.signer?.public}\n`);
const keyFile = join(place, 'audit.key');
writeFileSync(keyFile, log.pem, { mode: 0o600 });
const at = (name: string): string => join(place, name);
afterAll(() => {
  log[Symbol.dispose]();
  rmSync(place, { recursive: true, force: true });
});

/** Runs `sluice audit …`. */
async function audit(...args: string[]) {
  using shell = fakeShell();
  const code = await runProgram(shell, ['audit', ...args]).catch((error: unknown) => tell(shell, error));
  return { code, ...shell.said() };
}

/** A copy in which an entry was changed. */
function damaged(seq: number): string {
  const copy = copyOf(log);
  const [name = '', bytes = Buffer.alloc(0)] =
    [...filesOf(copy)].findLast(
      ([each]) => each.startsWith('segment-') && Number(each.slice(8, 24)) <= seq,
    ) ?? [];
  const text = bytes.toString('utf8').replace(`"seq":${seq},`, `"seq":${seq}0,`);
  rmSync(join(copy, name));
  writeFileSync(join(copy, name), text);
  return copy;
}

test('a log that is whole passes, and its end is said not to be anchored', async () => {
  const { code, out } = await audit('verify', log.directory, '--key', pub);
  expect({ code, out }).toMatchObject({ code: 0 });
  expect(out).toContain('entries 1 to 322 follow each other: 11 files, 11 checkpoints');
  expect(out).toContain('signed: up to entry 321, by gateway.example.com/1+');
  expect(out).toContain('UNANCHORED TAIL: truncation after entry 0 cannot be excluded');
});

test('without a key, the key is said to be the word of the log', async () => {
  const { out } = await audit('verify', log.directory);
  expect(out).toContain('the log’s own word: say --key');
});

test('an anchor covers what it is of', async () => {
  const anchor = join(log.directory, 'checkpoint');
  const { code, out } = await audit(
    'verify',
    log.directory,
    '--key',
    pub,
    '--anchor',
    anchor,
    '--require-anchor',
  );
  expect(code).toBe(0);
  expect(out).toContain('anchored: up to entry 321, by checkpoint');
  expect(out).not.toContain('UNANCHORED');
  expect(await audit('verify', log.directory, '--require-anchor')).toMatchObject({ code: 2 });
});

test('what is wrong is said with entry, kind, file, offset and what to do; the code is 1', async () => {
  const copy = damaged(40);
  const { code, out } = await audit('verify', copy, '--key', pub);
  expect(code).toBe(1);
  expect(out).toStartWith(`tampered: ${copy} (gateway.example.com/1)\n  first: entry 40, hash: `);
  expect(out).toMatch(/in segment-0000000000000032\.jsonl, at byte \d+/);
  expect(out).toContain('keep a copy of all of it, then: compare the entry with a copy kept elsewhere');
  const json = await audit('verify', copy, '--key', pub, '--json');
  expect(JSON.parse(json.out)).toMatchObject({
    version: 1,
    verdict: 'tampered',
    logs: [{ origin: 'gateway.example.com/1', last: 39, findings: [{ seq: 40, kind: 'hash' }] }],
  });
  rmSync(copy, { recursive: true });
});

test('what cannot be told is 2', async () => {
  const missing = await audit('verify', at('nothing'));
  expect(missing).toMatchObject({ code: 2, out: '' });
  expect(missing.err).toContain('is it the directory of a log?');
  mkdirSync(at('empty'));
  expect(await audit('verify', at('empty'))).toMatchObject({ code: 2 });
  const key = await audit('verify', log.directory, '--key', 'gateway');
  expect(key.err).toContain('write it as NAME+ID+KEY');
  expect(key.code).toBe(2);
  using other = await writeLog({ entries: 1, origin: 'other.example.com/1' });
  const foreign = await audit('verify', log.directory, '--key', other.signer?.public ?? '');
  expect(foreign).toMatchObject({ code: 2 });
  expect(foreign.err).toContain('none of the keys is of gateway.example.com/1');
});

test('what is looked for where there is no log is not looked for', async () => {
  const { code, err } = await audit('query', at('nowhere'), '--tool', 'echo');
  expect(code).toBe(2);
  expect(err).toContain('is it the directory of a log?');
});

test('several logs are judged one by one, and together', async () => {
  using other = await writeLog({ entries: 10, origin: 'gateway.example.com/2' });
  const keys = ['--key', pub, '--key', other.signer?.public ?? ''];
  const both = await audit('verify', log.directory, other.directory, ...keys);
  expect(both.code).toBe(0);
  expect(both.out).toContain('passed: 2 logs, 334 entries');
  const copy = damaged(7);
  expect(await audit('verify', other.directory, copy, ...keys)).toMatchObject({ code: 1 });
  rmSync(copy, { recursive: true });
});

test('a log is found by the configuration, with its key and the names of principals', async () => {
  const directory = copyOf(log);
  const config = at('gateway.yaml');
  mkdirSync(at('state'), { recursive: true });
  writeFileSync(at('state/audit.key'), log.pem, { mode: 0o600 });
  const text = `state: { dir: ${at('state')} }\nupstreams: {}\npipeline: [{ audit: { to: ${directory} } }]\n`;
  writeFileSync(config, text);
  const { code, out } = await audit('verify', '--config', config);
  expect(code).toBe(0);
  expect(out).toContain(`passed: ${directory}`);
  expect(out).not.toContain('own word');
  expect(await audit('query', '--config', config, '--principal', 'ada')).toMatchObject({ code: 0, out: '' });
  writeFileSync(config, 'upstreams: {}\n');
  const none = await audit('verify', '--config', config);
  expect(none.err).toContain('no audit log is named, and the configuration writes none');
  rmSync(directory, { recursive: true });
});

test('the last entries are shown, for people and as they stand', async () => {
  const { out } = await audit('tail', log.directory, '-n', '2');
  const lines = out.trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatch(/^ +322 {2}\S+ \S+ {2}checkpoint {2}of 321 entries$/);
  const json = await audit('tail', log.directory, '-n', '30', '--json');
  const seqs = json.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).seq);
  expect(seqs).toEqual(Array.from({ length: 30 }, (_, index) => 293 + index));
});

test('a repair says what it would do, and does it when that is agreed to', async () => {
  const copy = damaged(40);
  const asked = await audit('repair', copy, '--key-file', keyFile);
  expect(asked).toMatchObject({ code: 2, out: '' });
  expect(asked.err).toContain('keep entries 1 to 39; entries 40 to 322 leave the log');
  expect(asked.err).toContain('say --yes');
  const plan = await audit('repair', copy, '--key-file', keyFile, '--json');
  expect(plan.code).toBe(1);
  expect(JSON.parse(plan.out)).toMatchObject({ needed: true, keep: 39, lost_from: 40, lost_to: 322 });
  const done = await audit('repair', copy, '--key-file', keyFile, '--yes');
  expect(done.code).toBe(0);
  expect(done.out).toMatch(
    /REPAIRED at entry 40, .*: hash: .*; entries 40 to 322 are not in this log, see aside\//,
  );
  expect(await audit('repair', copy)).toMatchObject({ code: 0, out: `nothing to repair: ${copy}\n` });
  rmSync(copy, { recursive: true });
});

test('an entry is proved, and the proof checked, without the log', async () => {
  const { code, out } = await audit('prove', log.directory, '--seq', '77');
  expect(code).toBe(0);
  expect(out).toStartWith('c2sp.org/tlog-proof@v1\nextra ');
  writeFileSync(at('77.proof'), out);
  const checked = await audit('prove', '--check', at('77.proof'), '--key', pub);
  expect(checked.out).toBe('passed: entry 77 is in the log gateway.example.com/1 of 321 entries\n');
  writeFileSync(at('78.proof'), out.replace('\nindex 76\n', '\nindex 77\n'));
  expect(await audit('prove', '--check', at('78.proof'), '--key', pub)).toMatchObject({ code: 1 });
  using other = await writeLog({ entries: 1 });
  const foreign = await audit('prove', '--check', at('77.proof'), '--key', other.signer?.public ?? '');
  expect(foreign).toMatchObject({ code: 1, out: 'tampered: the checkpoint is not signed by the key\n' });
  expect(await audit('prove', log.directory, '--seq', '322')).toMatchObject({ code: 2 });
  expect(await audit('prove', '--check', pub)).toMatchObject({ code: 2 });
});

test('every entry has a proof that holds, and none of another', async () => {
  for (let seq = 1; seq <= 321; seq += 16) {
    const { out } = await audit('prove', log.directory, '--seq', String(seq));
    writeFileSync(at('one.proof'), out);
    expect(await audit('prove', '--check', at('one.proof'), '--key', pub)).toMatchObject({ code: 0 });
  }
});

test('a log has grown from an older checkpoint, or has not', async () => {
  const notes = readFileSync(join(log.directory, 'checkpoints.jsonl'), 'utf8').trimEnd().split('\n');
  writeFileSync(at('old'), JSON.parse(notes[2] ?? '').note);
  const grown = await audit('consistency', log.directory, '--old', at('old'), '--key', pub);
  expect(grown.code).toBe(0);
  expect(grown.out).toStartWith('passed: the log of 90 entries is the beginning of that of 321\n');
  using other = await writeLog({ entries: 300, pem: log.pem });
  const foreign = await audit('consistency', other.directory, '--old', at('old'), '--key', pub);
  expect(foreign).toMatchObject({ code: 1, out: 'tampered: 90 entries are not the beginning of the 321\n' });
});

test('a part is exported with what proves it', async () => {
  const [part, proof] = [at('part.jsonl'), at('part.proof')];
  const done = await audit(
    'export',
    log.directory,
    '--from',
    '100',
    '--to',
    '200',
    '-o',
    part,
    '--proof',
    proof,
  );
  expect(done.code).toBe(0);
  const check = ['prove', '--check', proof, '--entries', part, '--key', pub];
  expect(await audit(...check)).toMatchObject({
    code: 0,
    out: 'passed: entries 100 to 200 are in the log gateway.example.com/1 of 321 entries\n',
  });
  const lines = readFileSync(part, 'utf8').split('\n');
  writeFileSync(part, lines.toSpliced(50, 1).join('\n'));
  expect(await audit(...check)).toMatchObject({ code: 1 });
});

test('a table has no cell that a spreadsheet would run', async () => {
  using written = await writeLog({
    entries: 4,
    more: { client: '=HYPERLINK("http://x")', name: '-1+1', bytes_in: -1 },
  });
  const { out } = await audit('export', written.directory, '--format', 'csv');
  const [head, first] = out.split('\r\n');
  expect(head).toStartWith('seq,ts,type,req_id,tenant,principal,');
  expect(first).toStartWith('1,');
  expect(out).toContain(`,"'=HYPERLINK(""http://x"")",`);
  expect(out).toContain(",'-1+1,");
  expect(out).toContain(',-1,');
});

test('what pages show of it can be typed', () => {
  const pages = ['docs/audit.md', 'docs/audit-format.md', 'docs/audit-anchors.md', 'docs/plugins/audit.md'];
  const lines = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/^sluice (audit \w+)([^#\n]*)/gm)].map(
      ([, name = '', rest = '']) => ({
        name,
        flags: [...rest.matchAll(/(?<= )--?[a-z][a-z-]*/g)].map(([flag]) => flag),
      }),
    ),
  );
  expect(lines.length).toBeGreaterThan(10);
  for (const { name, flags } of lines) {
    const declared = AUDIT_ROWS.find((row) => row.name === name)?.options ?? [];
    const known = declared.flatMap(([all]) => all.split(/[ ,]+/).filter((part) => part.startsWith('-')));
    expect([name, flags.filter((flag) => !known.includes(flag))]).toEqual([name, []]);
  }
});
