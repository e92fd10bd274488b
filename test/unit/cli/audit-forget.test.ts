// `sluice audit forget`: digests of one principal say nothing any more, those of others do, and the log is whole.
import { expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testPlugin } from 'sluice/testing';
import { saltedDigest } from '../../../plugins/audit/digests.ts';
import { segmentsOf } from '../../../plugins/audit/segments.ts';
import { verifyLog } from '../../../plugins/audit/verify.ts';
import audit from '../../../plugins/audit.ts';
import { tell } from '../../../src/cli/main.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { fakeShell } from '../../fixtures/shell.ts';

/** A log with two calls of each of two principals, of two tenants. */
async function written() {
  const stateDir = mkdtempSync(join(tmpdir(), 'sluice-forget-'));
  const gateway = await testPlugin(audit, { origin: 'gw.example.com/1' }, { stateDir });
  for (const principal of ['ada', 'bob', 'ada', 'bob'])
    await gateway.call({
      method: 'tools/call',
      params: `{"name":"search","arguments":{"q":"${principal}"}}`,
      principal: { id: principal, ...(principal === 'bob' && { tenant: 'north' }) },
    });
  await gateway.dispose();
  const directory = join(stateDir, 'audit');
  const texts = (pattern: RegExp) =>
    readdirSync(directory)
      .filter((name) => pattern.test(name))
      .map((name) => readFileSync(join(directory, name), 'utf8'))
      .join('');
  const salts = () =>
    new Map(
      texts(/^salts-/)
        .trim()
        .split('\n')
        .map((line) => line.split(' ') as [string, string]),
    );
  /** Whose arguments can still be told from their digests. */
  const told = () => {
    const lines = segmentsOf(directory).flatMap(({ name }) =>
      texts(new RegExp(`^${name}$`))
        .trim()
        .split('\n'),
    );
    const intents = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'intent');
    return intents.flatMap(({ req_id, args_digest }) => {
      const salt = Buffer.from(salts().get(req_id) ?? '', 'hex');
      return ['ada', 'bob'].filter((name) => saltedDigest(salt, `{"q":"${name}"}`) === args_digest);
    });
  };
  return {
    directory,
    keyFile: join(stateDir, 'audit.key'),
    salts,
    told,
    [Symbol.dispose]: () => rmSync(stateDir, { recursive: true }),
  };
}

async function forget(...args: string[]) {
  using shell = fakeShell();
  const code = await runProgram(shell, ['audit', 'forget', ...args]).catch((error: unknown) =>
    tell(shell, error),
  );
  return { code, ...shell.said() };
}

test('a guess at what a principal said can be checked, until it is forgotten; others stay, and the log is whole', async () => {
  using log = await written();
  expect(log.told()).toEqual(['ada', 'bob', 'ada', 'bob']);
  const only = [log.directory, '--principal', 'ada', '--key-file', log.keyFile];
  expect(await forget(...only)).toMatchObject({
    code: 0,
    out: '2 calls in the log; 2 salts would be written over: say --yes\n',
  });
  expect(log.told().length).toBe(4);
  expect((await forget(...only, '--yes')).out).toBe('2 calls in the log; 2 salts written over\n');
  expect(log.told()).toEqual(['bob', 'bob']);
  expect(log.salts().size).toBe(4);
  expect(verifyLog(log.directory).verdict).toBe('passed');
  expect((await forget(...only, '--yes')).out).toBe('2 calls in the log; 0 salts written over\n');
});

test('in a tenant it has another name, and is found', async () => {
  using log = await written();
  const { out } = await forget(log.directory, '--principal', 'bob', '--key-file', log.keyFile, '--yes');
  expect(out).toContain('2 salts written over');
  expect(log.told()).toEqual(['ada', 'ada']);
});

test('without a name, or without the key for one, nothing is done', async () => {
  using log = await written();
  expect(await forget(log.directory)).toMatchObject({ code: 2 });
  expect((await forget(log.directory, '--principal', 'ada', '--key-file', '/nowhere')).err).toContain(
    'without the key',
  );
  expect(log.told().length).toBe(4);
});

test('calls whose id somebody else has chosen, too, are left as they are, and told', async () => {
  using log = await written();
  const [file = { name: '' }] = segmentsOf(log.directory);
  const path = join(log.directory, file.name);
  const ids = [...log.salts().keys()];
  // As if bob had sent the id of a call of ada.
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll(`"req_id":"${ids[1]}"`, `"req_id":"${ids[0]}"`));
  const { out, err } = await forget(log.directory, '--principal', 'bob', '--key-file', log.keyFile, '--yes');
  expect(out).toBe('2 calls in the log; 1 salts written over\n');
  expect(err).toContain('1 of them left as they are');
  expect(log.salts().get(ids[0] ?? '')).not.toMatch(/^0+$/);
});
