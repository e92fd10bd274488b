// Who is at a pipe: the user that the process runs as, and nobody by any other proof.
import { afterAll, describe, expect, test } from 'bun:test';
import auth from '../../plugins/auth.ts';
import { owner } from '../../src/cli/owner.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { openPipes } from '../fixtures/pipes.ts';
import { initialize, modern } from '../fixtures/raw.ts';
import { answer, json } from '../fixtures/rogue.ts';
import { running } from '../fixtures/running.ts';
import { demoConfig, Home } from '../unit/cli/child.ts';

const run = running();
const home = new Home();
afterAll(() => home[Symbol.asyncDispose]());
const uid = process.getuid?.() ?? -1;

/** What a call over a pipe comes to in either era: its error, or `done`; and how many reached the upstream. */
async function asked(options: object): Promise<unknown[]> {
  const rogue = await run.rogue((hit, res) => json(res, answer(hit)));
  const config = configOf({ up: { url: rogue.url } }, { pipeline: [{ auth: options }] });
  const gateway = await startInProcess(config, { plugins: { auth }, listen: false });
  const pipes = openPipes(gateway.gateway, { peer: owner });
  const said = async (message: { id?: unknown }) => {
    pipes.write({ ...message, id: 7 });
    const { error, result } = await pipes.next(({ id }) => id === 7);
    return error?.data?.code ?? (result ? 'done' : undefined);
  };
  const outcomes = [await said(modern('tools/call', { name: 'echo', arguments: {} }))];
  const session = openPipes(gateway.gateway, { peer: owner });
  session.write({ ...initialize('2025-11-25'), id: 1 });
  const greeted = await session.next(({ id }) => id === 1);
  outcomes.push(greeted.error?.data?.code ?? 'done');
  await Promise.all([pipes.end(), session.end()]);
  const calls = rogue.of('tools/call').length;
  await gateway.stop();
  return [...outcomes, calls];
}

describe.skipIf(process.platform === 'win32')('a client on a pipe', () => {
  test('is whom its user stands for', async () => {
    expect(await asked({ peers: [{ uid }] })).toEqual(['done', 'done', 1]);
    expect(await asked({ peers: [{ uid, scopes: ['mcp:use'] }], scopes: ['mcp:use'] })).toEqual([
      'done',
      'done',
      1,
    ]);
  });

  test('is not another user, and may do no more than that one', async () => {
    expect(await asked({ peers: [{ uid: uid + 1 }] })).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED', 0]);
    const scopes = { peers: [{ uid }], scopes: ['mcp:use'] };
    expect(await asked(scopes)).toEqual(['SCOPE_MISSING', 'SCOPE_MISSING', 0]);
  });
});

describe('`sluice stdio` with an entry that a pipe can show nothing to', () => {
  const KEYS = 'api_keys: { file: off, keys: [{ key: "0123456789abcdef0123456789abcdef", id: me }] }';
  const started = (entry: string) =>
    home.start([
      'stdio',
      '-c',
      home.write('gateway.yaml', demoConfig(`pipeline:\n  - auth: { ${entry} }\n`)),
    ]);

  test('does not start, and says what to write', async () => {
    const gateway = started(KEYS);
    expect(await gateway.exited).toBe(78);
    expect(gateway.err).toContain('PIPE_SHUT');
    expect(gateway.err).toContain('peers: [{ uid: 1000 }]; or anonymous: true');
  });

  test.skipIf(process.platform === 'win32')('serves the user that is written beside it', async () => {
    const gateway = started(`${KEYS}, peers: [{ uid: ${uid}, principal: ada }]`);
    gateway.send(`${JSON.stringify({ ...initialize('2025-11-25'), id: 1 })}\n`);
    await gateway.until(/"id":1,"result"/);
    gateway.end();
    expect(await gateway.exited).toBe(0);
    expect(gateway.err).not.toContain('AUTH_IDLE');
  });
});
