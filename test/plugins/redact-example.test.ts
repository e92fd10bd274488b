// examples/plugin-redact is run as its README says: a gateway with its gateway.yaml, and a call through it.
import { afterAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type RunningGateway, startGateway } from '../fixtures/gateway.ts';

const root = join(import.meta.dir, '../..');
const example = join(root, 'examples/plugin-redact');
let gateway: RunningGateway | undefined;
afterAll(() => gateway?.stop());

test('the tool that leaks leaks no more', async () => {
  const config = parse(
    readFileSync(join(example, 'gateway.yaml'), 'utf8').replace('./redact.ts', join(example, 'redact.ts')),
  );
  gateway = await startGateway({
    ...config,
    listeners: [{ http: { listen: '127.0.0.1:0' } }],
    admin: { listen: 'off', socket: 'off' },
  });
  const command = [process.execPath, join(root, 'src/main.ts'), 'call', 'leak_email', '--url', gateway.url];
  const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'ignore' });
  const [, shown] = /```text\n(.*?)```/s.exec(readFileSync(join(example, 'README.md'), 'utf8')) ?? [];
  expect(await child.stdout.text()).toBe(shown ?? 'nothing in README.md');
  expect(await child.exited).toBe(0);
});

test('its README names every option with its default', async () => {
  const { default: redact } = await import('../../examples/plugin-redact/redact.ts');
  const readme = readFileSync(join(example, 'README.md'), 'utf8');
  const written = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  const rows = Object.entries(redact.schema.parse({})).map(
    ([name, value]) => `| \`${name}\` | \`${written(value)}\` |`,
  );
  expect(rows.filter((row) => !readme.includes(row))).toEqual([]);
});
