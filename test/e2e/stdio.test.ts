// `sluice stdio` as desktop clients start it: a child process with a config, real SDK clients of both eras at its
// pipes, and the conformance fixture behind it.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { withEnvelope } from '../fixtures/clients.ts';
import { DEMO } from '../fixtures/in-process.ts';
import { connectPeer, type Peer, type PeerOptions, peerKinds, textOf } from '../fixtures/peers.ts';
import type { Message } from '../fixtures/pipes.ts';
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
  const home = {
    XDG_STATE_HOME: dir,
    XDG_CACHE_HOME: dir,
    XDG_CONFIG_HOME: dir,
    XDG_RUNTIME_DIR: dir,
    HOME: dir,
  };
  const env = { PATH: process.env.PATH ?? '', ...home };
  return { command: process.execPath, args: [MAIN, 'stdio', '--config', file], env };
}

const options: PeerOptions = {
  elicit: () => ({ action: 'accept', content: { username: 'ada', email: 'a@example.com' } }),
  sample: (prompt) => prompt.toUpperCase(),
};

for (const kind of peerKinds) {
  describe(`a ${kind} client`, () => {
    test('has its progress in order, 50 times', async () => {
      const peer = await connectPeer(kind, await target('demo', DEMO));
      for (let round = 0; round < 50; round++) {
        const seen: number[] = [];
        await peer.call(
          'slow_count',
          { to: 4, every_ms: 0 },
          { onProgress: ({ progress }) => seen.push(progress) },
        );
        // The SDKs lose progress that they read in one chunk with the result, which a busy machine makes of any
        // two writes; that it was all written is what the test by hand below looks at.
        expect(seen).toEqual([1, 2, 3, 4].slice(0, seen.length));
      }
      await peer.close();
    });

    for (const era of ['2025', '2026'] as const) {
      test(`is served by a ${era} upstream: questions, subscriptions, cancelling`, async () => {
        const peer = await connectPeer(
          kind,
          await target(`everything-${era}`, { everything: everythingStdio({ era }) }),
          options,
        );
        expect(await peer.tools()).toContain('test_simple_text');
        expect(textOf(await peer.call('test_elicitation', { message: 'Who?' }))).toContain('action=accept');
        expect(textOf(await peer.call('test_sampling', { prompt: 'hi' }))).toBe('LLM response: HI');
        const updated = Promise.withResolvers<string>();
        const stop = await peer.watch('test://watched-resource', updated.resolve);
        await peer.call('test_trigger_resource_update', {});
        expect(await updated.promise).toBe('test://watched-resource');
        await stop();
        expect(await cancelled(peer)).toBe(true);
        expect(textOf(await peer.call('test_simple_text', {}))).toContain('simple text');
        await peer.close();
      });
    }
  });
}

/** Cancels a call at its first progress. @returns whether the client was left without a result */
async function cancelled(peer: Peer): Promise<boolean> {
  const abort = new AbortController();
  const call = peer.call(
    'test_tool_with_progress',
    {},
    { signal: abort.signal, onProgress: () => abort.abort() },
  );
  return call.then(
    () => false,
    () => true,
  );
}

describe('the process', () => {
  test('writes nothing but messages, and ends with its input', async () => {
    const lines = await conversation(
      [1, 2, 3].map((id) => ({ jsonrpc: '2.0', id, method: 'ping' })),
      4,
      'garbage\n',
    );
    expect(lines.map(({ id }) => id)).toEqual([1, 2, 3, null]);
  });

  test('writes all progress of a call, in order, before its result, 50 times at once', async () => {
    const ids = [...Array(50).keys()];
    const calls = ids.map((id) => {
      const params = { name: 'slow_count', arguments: { to: 4, every_ms: id % 3 } };
      return { jsonrpc: '2.0', id, method: 'tools/call', params: withEnvelope(params, { token: id }) };
    });
    const lines = await conversation(calls, 50 * 5);
    for (const id of ids) {
      const mine = lines.filter((line) => line.id === id || line.params?.progressToken === id);
      expect(mine.map(({ params }) => params?.progress)).toEqual([1, 2, 3, 4, undefined]);
    }
  });
});

/** Writes messages, reads so many lines, closes the input, and expects a good end. */
async function conversation(messages: readonly object[], count: number, last = ''): Promise<Message[]> {
  const { command, args, env } = await target('demo', DEMO);
  const child = Bun.spawn([command, ...args], {
    env,
    cwd: dir,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
  });
  for (const message of messages) child.stdin.write(`${JSON.stringify(message)}\n`);
  child.stdin.write(last);
  await child.stdin.flush();
  const lines: Message[] = [];
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    const whole = text.split('\n');
    text = whole.pop() ?? '';
    for (const line of whole) lines.push(JSON.parse(line));
    if (lines.length >= count) await child.stdin.end();
  }
  expect([text, await child.exited]).toEqual(['', 0]);
  return lines;
}
