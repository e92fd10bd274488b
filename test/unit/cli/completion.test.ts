// Completion scripts: every command and option is in each, and the shells of this machine accept them.
import { afterAll, describe, expect, test } from 'bun:test';
import { SHELLS } from '../../../src/cli/commands.ts';
import { helpPages } from '../../../src/cli/program.ts';
import { Home } from './child.ts';

const home = new Home();
afterAll(() => home[Symbol.asyncDispose]());

// Taken from the help, not from the table the scripts are made from.
const commands = helpPages().filter(({ command }) => command !== '');

for (const shell of SHELLS) {
  describe(shell, () => {
    const script = home.run(['completion', shell]);

    test('has every command', async () => {
      const { code, out } = await script;
      expect(code).toBe(0);
      for (const { command } of commands)
        for (const word of command.split(' ')) expect(out).toMatch(new RegExp(`[\\s'"(]${word}[\\s':)"]`));
    });

    test('has every long option of every command', async () => {
      const { out } = await script;
      const flags = commands.flatMap(({ text }) => [...text.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)]);
      expect(flags.length).toBeGreaterThan(20);
      for (const [, flag] of flags) expect(out).toMatch(new RegExp(`(--|-l )${flag}\\b`));
    });

    const there = Bun.which(shell);
    test.skipIf(there === null)('is a script the shell can read', async () => {
      const { out } = await script;
      const check = shell === 'pwsh' ? ['-NoProfile', '-NonInteractive', '-Command', '-'] : ['-n'];
      const child = Bun.spawn([there ?? '', ...check], { stdin: new Blob([out]), stderr: 'pipe' });
      expect({ code: await child.exited, err: await child.stderr.text() }).toEqual({ code: 0, err: '' });
    });
  });
}

test('PowerShell offers by the word before, files where nothing is offered', async () => {
  const { out } = await home.run(['completion', 'pwsh']);
  expect(out).toContain("'tools' { 'list', ");
  expect(out).toContain("'completion' { 'bash', 'zsh', 'fish', 'pwsh', '--help', '--color' }");
  expect(out).toMatch(/-cin '-c', '--config', .*\) \{ \}/);
  expect(out).toMatch(/-ceq '--color'\) \{ 'always', 'never', 'auto' \}/);
  // What stands in quotes is no text that the shell would look into, and every bracket is closed.
  const bare = out.replaceAll(/'[\w-]*'/g, '').replaceAll(/^#.*$/gm, '');
  expect(bare).not.toMatch(/['"`]/);
  for (const [open, close] of ['{}', '()', '[]'])
    expect(bare.split(open as string).length).toBe(bare.split(close as string).length);
});

test.skipIf(Bun.which('bash') === null)('bash completes commands, verbs and options', async () => {
  const { out } = await home.run(['completion', 'bash']);
  const complete = async (...words: string[]) => {
    const ask = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _sluice; echo "\${COMPREPLY[*]}"`;
    const child = Bun.spawn(['bash', '--norc'], { stdin: new Blob([`${out}\n${ask}\n`]) });
    return (await child.stdout.text()).trim();
  };
  expect(await complete('sluice', 're')).toBe('reload');
  expect(await complete('sluice', 'tools', 'l')).toBe('list');
  expect(await complete('sluice', 'reload', '--dr')).toBe('--dry-run');
  expect(await complete('sluice', 'completion', 'z')).toBe('zsh');
  expect(await complete('sluice', 'run', '--color', 'ne')).toBe('never');
});
