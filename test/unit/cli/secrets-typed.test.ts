// A secret typed at a terminal: nothing of it is shown, and a slip is no secret.
import { afterAll, expect, test } from 'bun:test';
import { Home } from './child.ts';

const home = new Home();
afterAll(() => home[Symbol.asyncDispose]());

const typing = (args: readonly string[]) => home.start(['secrets', ...args], { terminal: true });
const PROMPT = /value of .* \(it is not shown\): /;

async function valueIn(name: string): Promise<string> {
  const header = `{ a: "\${secret:${name}}" }`;
  home.write('gateway.yaml', `upstreams: { x: { command: "true", env: ${header} } }`);
  const { readSecretFile } = await import('../../../src/cli/secret-file.ts');
  const { masterKey } = await import('../../../src/cli/master-key.ts');
  const dir = home.path('state/sluice');
  return readSecretFile(dir).open(name, masterKey({ env: {} }, dir, { make: false })) ?? '';
}

test.skipIf(process.platform === 'win32')('is kept as typed, and not shown', async () => {
  const child = typing(['set', 'typed']);
  await child.until(PROMPT);
  child.type('wrong\u0015canary-47x\u007f11 é\r');
  expect(await child.exited).toBe(0);
  expect(child.out).not.toContain('canary');
  expect(child.out).toContain('typed is in ');
  expect(await valueIn('typed')).toBe('canary-4711 é');
});

test.skipIf(process.platform === 'win32')('Ctrl-C and Ctrl-D keep what was there', async () => {
  for (const key of ['\u0003', '\u0004']) {
    const child = typing(['set', 'typed']);
    await child.until(PROMPT);
    child.type(key);
    expect(await child.exited).toBe(130);
    expect(child.out).toContain('nothing was changed');
  }
  expect(await valueIn('typed')).toBe('canary-4711 é');
});

test.skipIf(process.platform === 'win32')('of several lines that are pasted none is kept', async () => {
  const child = typing(['set', 'pasted']);
  await child.until(PROMPT);
  child.type('first-line\rsecond-line\r');
  expect(await child.exited).toBe(2);
  expect(child.out).toContain('that has several lines');
  expect(child.out).not.toMatch(/first-line|second-line/);
  expect(await valueIn('pasted')).toBe('');
});

test.skipIf(process.platform === 'win32')('rm asks where the configuration uses it', async () => {
  expect(await valueIn('typed')).toBe('canary-4711 é');
  for (const [answer, code] of [
    ['n', 1],
    ['y', 0],
  ] as const) {
    const child = typing(['rm', 'typed']);
    await child.until(/is used by upstreams\.x\.env\.a\. Remove it\? \[y\/N\]/);
    child.type(`${answer}\r`);
    expect(await child.exited).toBe(code);
  }
  expect(await valueIn('typed')).toBe('');
});
