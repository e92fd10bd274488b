// The built-in demo, started in a folder full of traps and used by real clients.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { connectPeer, peerKinds, textOf } from '../fixtures/peers.ts';
import { modern, modernHeaders } from '../fixtures/raw.ts';
import { eventually } from './eventually.ts';
import type { Process } from './process.ts';
import { Sandbox } from './sandbox.ts';
import { setTraps, sprungTraps } from './traps.ts';

const demo = {
  text: 'admin: { listen: off }\nupstreams:\n  demo: { builtin: demo }\npipeline:\n  - progress: {}\n',
};
const env = { MCP_LISTEN_ADDR: '127.0.0.1:0' };

let sandbox: Sandbox;
let folder: string;
let gateway: Process;
let url: string;

beforeAll(async () => {
  sandbox = await Sandbox.open();
  folder = await setTraps(sandbox);
  gateway = await startDemo();
  url = await gateway.url();
});
afterAll(() => sandbox[Symbol.asyncDispose]());

/** The admin port of a start without a file is fixed; where another gateway has it, a file must name another. */
async function startDemo(): Promise<Process> {
  const first = sandbox.start(['run'], { cwd: folder, env });
  await eventually(
    () => /listening/.test(first.log) || !first.isRunning,
    () => `a start:\n${first.log}`,
  );
  if (first.isRunning || !/in use/.test(first.log)) return first;
  console.log('The admin port is taken on this machine: the demo runs from a file instead.');
  await sandbox.write({ 'config/sluice/gateway.yaml': demo.text });
  return sandbox.start(['run'], { cwd: folder, env });
}

async function figures(): Promise<{ inFlight: number; sessions: number }> {
  const { out } = await sandbox.run(['status', '--json'], { cwd: folder });
  return JSON.parse(out);
}

test('the traps are sharp: Bun itself steps into them', async () => {
  const code = "await import('lure'); await import('zod'); console.log(process.env.SLUICE_CANARY)";
  const other = await setTraps(sandbox, 'control');
  const { out } = await sandbox.runProgram([process.execPath, '--no-install', '-e', code], { cwd: other });
  expect(out).toBe('sprung\n');
  expect(await sprungTraps(other)).toEqual(['lure', 'preload', 'zod']);
});

test('a variable of .env is not there', async () => {
  const config = `upstreams: { a: { url: https://a.example, headers: { x: "\${env:SLUICE_CANARY}" } } }\n`;
  await sandbox.write({ 'canary.yaml': config });
  const { code, err } = await sandbox.run(['check', '--config', sandbox.path('canary.yaml')], {
    cwd: folder,
  });
  expect({ code, says: err.includes('SLUICE_CANARY') }).toEqual({ code: 78, says: true });
});

for (const kind of peerKinds) {
  describe(`a ${kind} client`, () => {
    test('lists and calls', async () => {
      const peer = await connectPeer(kind, { url });
      expect(await peer.tools()).toEqual(expect.arrayContaining(['echo', 'slow_count', 'ask', 'touch']));
      expect(textOf(await peer.call('echo', { text: 'zwölf' }))).toBe('zwölf');
      expect(await peer.read('demo://readme')).toContain('# Sluice demo');
      await peer.close();
    });

    test('gets progress in order, the last of it before the result', async () => {
      const peer = await connectPeer(kind, { url });
      const seen: number[] = [];
      const result = await peer.call(
        'slow_count',
        { to: 6, every_ms: 60 },
        { onProgress: ({ progress }) => seen.push(progress) },
      );
      expect(result.structuredContent).toEqual({ counted: 6 });
      expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
      expect([seen.length > 1, seen.at(-1)]).toEqual([true, 6]);
      await peer.close();
    });

    test('cancels, and the call ends inside, too', async () => {
      const peer = await connectPeer(kind, { url });
      const cancel = new AbortController();
      const call = peer.call(
        'slow_count',
        { to: 100, every_ms: 100 },
        { signal: cancel.signal, onProgress: () => cancel.abort() },
      );
      await expect(call).rejects.toThrow();
      await eventually(
        async () => (await figures()).inFlight === 0,
        () => 'the end of the call',
      );
      expect(textOf(await peer.call('echo', { text: 'still here' }))).toBe('still here');
      await peer.close();
    });

    test('is asked a question and answers it', async () => {
      const asked: string[] = [];
      const elicit = (message: string) => {
        asked.push(message);
        return { action: 'accept' as const, content: { answer: 'teal' } };
      };
      const peer = await connectPeer(kind, { url }, { elicit });
      expect(textOf(await peer.call('ask', { question: 'Which colour?' }))).toBe('The user answered: teal');
      expect(asked).toEqual(['Which colour?']);
      await peer.close();
    });

    test('is told of what it watches', async () => {
      const peer = await connectPeer(kind, { url });
      const told = Promise.withResolvers<string>();
      const unwatch = await peer.watch('demo://clock', told.resolve);
      await peer.call('touch', {});
      expect(await told.promise).toBe('demo://clock');
      await unwatch();
      await peer.close();
    });
  });
}

test('on the wire, the result is the last message of its stream', async () => {
  const params = { name: 'slow_count', arguments: { to: 3, every_ms: 120 } };
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...modernHeaders('tools/call', 'slow_count'),
    },
    body: JSON.stringify(modern('tools/call', params)),
  });
  const text = await response.text();
  const all = text.split('\n').filter((line) => line.startsWith('data: '));
  const kinds = all.map((line) => JSON.parse(line.slice(6)).method ?? 'result');
  expect(kinds.pop()).toBe('result');
  expect([...new Set(kinds)]).toEqual(['notifications/progress']);
});

test('no trap was stepped into, and nothing was written into the folder', async () => {
  expect(await sprungTraps(folder)).toEqual([]);
  const before = await setTraps(sandbox, 'untouched');
  const names = (dir: string) => Array.fromAsync(new Bun.Glob('**').scan({ cwd: dir, dot: true }));
  expect((await names(folder)).sort()).toEqual((await names(before)).sort());
});

test('on a terminal it tells people the same URL, and stops at Ctrl-C', async () => {
  const config = sandbox.path('config/sluice/gateway.yaml');
  await sandbox.write({ 'config/sluice/gateway.yaml': `${demo.text}state: { dir: ./second }\n` });
  const second = sandbox.start(['run', '--config', config], {
    cwd: folder,
    env: { ...env, TERM: 'xterm', XDG_RUNTIME_DIR: sandbox.path('config') },
    terminal: 'own',
  });
  await second.until(/MCP .*http:\/\/127\.0\.0\.1:\d+\/mcp/);
  await second.until(/ready in \d+ ms/);
  second.type('\u0003');
  expect(await second.exited).toBe(0);
  expect(second.log).toContain('stopped');
});
