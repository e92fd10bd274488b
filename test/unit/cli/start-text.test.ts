// What `sluice run` says on a terminal: where it listens at once, and of each upstream when it is known.
import { afterAll, expect, test } from 'bun:test';
import { demoConfig, Home } from './child.ts';

const home = new Home();
afterAll(() => home[Symbol.asyncDispose]());

test('upstreams are connected to after the start, and what came of it is said in a line each', async () => {
  home.write('gateway.yaml', demoConfig('  gone: { url: "http://127.0.0.1:1/mcp" }\n'));
  const gateway = home.start(['run'], { terminal: true, env: { NO_COLOR: '1' } });
  await gateway.until(/✓ demo +\d+ tools {2}2026 {2}\d+ ms/);
  await gateway.until(/✗ gone +The upstream "gone" cannot be reached .* {2}\d+ ms/);
  expect(gateway.out).not.toContain('\u001b[3');
  expect(gateway.out.indexOf('ready in')).toBeLessThan(gateway.out.indexOf('✓ demo'));
  gateway.signal('SIGTERM');
  expect(await gateway.exited).toBe(0);
});

test('in a pipe nothing is connected to before a client wants it', async () => {
  home.write('gateway.yaml', demoConfig('  gone: { url: "http://127.0.0.1:1/mcp" }\n'));
  const gateway = home.start(['run']);
  await gateway.until(/"msg":"listening"/);
  gateway.signal('SIGTERM');
  expect(await gateway.exited).toBe(0);
  expect(gateway.err).not.toContain('link open');
  expect(gateway.err).not.toContain('✓');
});

test('an upstream with a credential of each caller has not failed before one has called', async () => {
  const own = `{ credentials: { callers: [{ principal: ada, headers: { x-key: "\${env:TOKEN}" } }] } }`;
  const auth = `pipeline:\n  - auth: { api_keys: { file: off, keys: [{ id: ada, key: "\${env:TOKEN}" }] } }\n`;
  const text = demoConfig(`  own: { url: "http://127.0.0.1:1/mcp", pipeline: [${own}] }\n${auth}`);
  home.write('gateway.yaml', text);
  const env = { NO_COLOR: '1', TOKEN: '0123456789abcdef0123456789abcdef' };
  const gateway = home.start(['run'], { terminal: true, env });
  await gateway.until(/\? own +takes a credential of each caller, and nobody has called yet/);
  gateway.signal('SIGTERM');
  expect(await gateway.exited).toBe(0);
});
