// No process outlives the gateway that started it: not when it is killed, not when it stops, not when a start fails.
import { describe, expect, test } from 'bun:test';
import { call } from '../fixtures/clients.ts';
import { plainConfig, startGateway } from '../fixtures/gateway.ts';
import { openLifeline } from '../fixtures/lifeline.ts';
import { childPath } from '../fixtures/specs.ts';

/** A server behind a wrapper with a companion; all of them hold the lifeline. */
function held(lifeline: string, flags: string[] = [], more: object = {}) {
  const args = [lifeline, process.execPath, childPath('server.ts'), ...flags];
  return { command: childPath('holding.sh'), args, ...more };
}

describe('the processes of a gateway', () => {
  test.each([[[]], [['--stubborn']]])('end when it is killed (%p)', async (flags) => {
    const life = openLifeline();
    const gateway = await startGateway(plainConfig({ up: held(life.path, flags) }));
    expect(await (await call(gateway.url, 'echo', { a: 1 })).text()).toContain('\\"a\\":1');
    process.kill(gateway.pid, 'SIGKILL');
    expect(await life.released).toBe('held\n');
    await gateway.stop();
  });

  test('end when it stops, in the time that they are given, however stubborn', async () => {
    const life = openLifeline();
    const upstream = held(life.path, ['--stubborn'], { stop: '50ms', kill: '50ms' });
    const gateway = await startGateway(plainConfig({ up: upstream }));
    await (await call(gateway.url, 'echo', {})).text();
    expect(await gateway.stop()).toBe(0);
    expect(await life.released).toBe('held\n');
  });

  test('end when they do not answer as servers', async () => {
    const life = openLifeline();
    const args = [life.path, '/bin/sh', '-c', 'cat >/dev/null'];
    const upstream = {
      command: childPath('holding.sh'),
      args,
      timeouts: { start: '200ms' },
      stop: '50ms',
      kill: '50ms',
      era: 2025,
    };
    const gateway = await startGateway(plainConfig({ up: upstream }));
    expect(await (await call(gateway.url, 'echo', {})).text()).toContain('"error"');
    // How often it is tried depends on how long the start of each takes.
    expect(await life.released).toMatch(/^(held\n)+$/);
    expect(await gateway.stop()).toBe(0);
  });
});

test('what a process wrote when it failed is in the log, without the secrets it was given, and not told to clients', async () => {
  const upstream = {
    command: '/bin/sh',
    args: ['-c', 'echo "cannot log in with $TOKEN" >&2; exit 4'],
    env: { TOKEN: 'sk-0123456789' },
  };
  const config = { ...plainConfig({ up: upstream }), telemetry: { log: { level: 'debug' } } };
  const gateway = await startGateway(config);
  const text = await (await call(gateway.url, 'echo', {})).text();
  expect(JSON.parse(text).error.data).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  expect(text).not.toContain('cannot log in');
  await gateway.stop();
  expect(gateway.log()).toContain('cannot log in with ••••');
  expect(gateway.log()).toContain('exited with code 4');
  expect(gateway.log() + text).not.toContain('sk-0123456789');
});
