// `sluice stdio` as desktop clients start it: a child process with a config, real SDK clients of both eras at its
// pipes, and the conformance fixture behind it.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { DEMO } from '../fixtures/in-process.ts';
import { connectPeer, type PeerKind, type PeerOptions, peerKinds, textOf } from '../fixtures/peers.ts';
import { everythingStdio } from '../fixtures/upstreams.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-stdio-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** The command that serves these upstreams. */
async function target(name: string, upstreams: object) {
  const file = join(dir, `${name}.yaml`);
  await writeFile(file, stringify({ version: 1, upstreams }));
  const home = { XDG_STATE_HOME: dir, XDG_CACHE_HOME: dir, XDG_CONFIG_HOME: dir, XDG_RUNTIME_DIR: dir, HOME: dir };
  const env = { PATH: process.env['PATH'] ?? '', ...home };
  return { command: process.execPath, args: [MAIN, 'stdio', '--config', file], env };
}

const options: PeerOptions = {
  elicit: () => ({ action: 'accept', content: { username: 'ada', email: 'a@example.com' } }),
  sample: (prompt) => prompt.toUpperCase(),
};

for (const kind of peerKinds) {
  describe(`a ${kind} client`, () => {
    test('has its progress complete and in order, 50 times', async () => {
      const peer = await connectPeer(kind, await target('demo', DEMO));
      for (let round = 0; round < 50; round++) {
        const seen: number[] = [];
        await peer.call('slow_count', { to: 4, every_ms: 0 }, { onProgress: ({ progress }) => seen.push(progress) });
        expect(seen).toEqual([1, 2, 3, 4]);
      }
      await peer.close();
    });

    for (const era of ['2025', '2026'] as const) {
      test(`is served by a ${era} upstream: questions, subscriptions, cancelling`, async () => {
        const peer = await connectPeer(kind, await target(`everything-${era}`, { everything: everythingStdio({ era }) }), options);
        expect(await peer.tools()).toContain('test_simple_text');
        expect(textOf(await peer.call('test_elicitation', { message: 'Who?' }))).toContain('action=accept');
        expect(textOf(await peer.call('test_sampling', { prompt: 'hi' }))).toBe('LLM response: HI');
        const updated = Promise.withResolvers<string>();
        const stop = await peer.watch('test://watched-resource', updated.resolve);
        await peer.call('test_trigger_resource_update', {});
        expect(await updated.promise).toBe('test://watched-resource');
        await stop();
        expect(await cancelled(peer, kind)).toBe(true);
        expect(textOf(await peer.call('test_simple_text', {}))).toContain('simple text');
        await peer.close();
      });
    }
  });
}

/** Cancels a call at its first progress. @returns whether the client was left without a result */
async function cancelled(peer: Awaited<ReturnType<typeof connectPeer>>, _kind: PeerKind): Promise<boolean> {
  const abort = new AbortController();
  const call = peer.call('test_tool_with_progress', {}, { signal: abort.signal, onProgress: () => abort.abort() });
  return call.then(
    () => false,
    () => true,
  );
}

describe('the process', () => {
  test('writes nothing but messages, and ends with its input', async () => {
    const { command, args, env } = await target('demo', DEMO);
    const child = Bun.spawn([command, ...args], { env, cwd: dir, stdin: 'pipe', stdout: 'pipe', stderr: 'ignore' });
    for (let id = 1; id <= 3; id++) child.stdin.write(`{"jsonrpc":"2.0","id":${id},"method":"ping"}\n`);
    child.stdin.write('garbage\n');
    await child.stdin.end();
    const lines = (await new Response(child.stdout).text()).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).id)).toEqual([1, 2, 3, null]);
    expect(await child.exited).toBe(0);
  });
});
