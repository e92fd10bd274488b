// Clients that are slow on purpose, over real sockets: a head, or a body, that never ends.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { configOf, DEMO, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { RawConnection } from '../../fixtures/wire.ts';

let gateway: InProcess;
beforeAll(async () => {
  const limits = { body_idle: '60ms', body_timeout: '20s', body_rate: '1MiB' };
  gateway = await startInProcess(configOf(DEMO, { limits }));
});
afterAll(() => gateway.stop());

const HEAD = 'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';

async function refused(text: string, by: string): Promise<void> {
  expect(text).toStartWith('HTTP/1.1 408 ');
  expect(text).toContain(`The body did not arrive fast enough for limits.${by}.`);
  const listener = new URL(gateway.url).host.replace(/:\d+$/, ':0');
  expect(await gateway.figure('timeouts', { kind: by, listener })).toBeGreaterThan(0);
}

describe('a body', () => {
  test.each([
    ['small', 'content-length: 10\r\n\r\n{"a'],
    ['large', `content-length: 100000\r\n\r\n${' '.repeat(70_000)}`],
    ['in chunks', 'transfer-encoding: chunked\r\n\r\n2\r\n{"\r\n'],
  ])('that pauses for ever is given up: %s', async (_, rest) => {
    await refused(await new RawConnection(gateway.url).write(HEAD + rest).closed(), 'body_idle');
  });

  test('that drips is given up, though it never pauses', async () => {
    const connection = new RawConnection(gateway.url).write(`${HEAD}content-length: 100000\r\n\r\n`);
    const drip = setInterval(() => connection.write(' '), 5);
    await refused(await connection.closed().finally(() => clearInterval(drip)), 'body_rate');
  });
});

describe('a head', () => {
  // The runtime's own deadline: neither can it be set, nor does it tell (Bun 1.4.5).
  test.each([
    ['silent', 0],
    ['dripping', 500],
  ])(
    'that never ends closes the connection: %s',
    async (_, every) => {
      const connection = new RawConnection(gateway.url).write('POST /mcp HTTP/1.1\r\nhost: localhost\r\n');
      const drip = every > 0 ? setInterval(() => connection.write('x-a: b\r\n'), every) : undefined;
      expect(await connection.closed().finally(() => clearInterval(drip))).toBe('');
    },
    40_000,
  );
});
