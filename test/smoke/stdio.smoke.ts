// The binary as a local server of one client: stdout carries messages and nothing else, whatever a plugin prints.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { connectPeer, peerKinds, textOf } from '../fixtures/peers.ts';
import { initialize, modern } from '../fixtures/raw.ts';
import { eventually } from './eventually.ts';
import { everything, Sandbox } from './sandbox.ts';

/** Prints wherever a plugin's code runs. */
const NOISY = `import { definePlugin, z } from 'sluice/plugin';

console.log('noise at the top');
export default definePlugin({
  name: 'noisy',
  api: 1,
  about: 'Prints.',
  schema: z.strictObject({}),
  setup() {
    console.log('noise in setup');
    process.stdout.write('noise written in setup\\n');
    setTimeout(() => console.info('noise in a timer'), 1);
    return {
      onRequest() {
        console.log('noise in a hook');
        console.table([{ noise: 1 }]);
        process.stdout.write('noise written in a hook\\n');
      },
      onResult() {
        console.dir({ noise: 2 });
      },
      dispose() {
        console.log('noise at the end');
      },
    };
  },
});
`;
const config = (listeners: string) => `version: 1
${listeners}
admin: { listen: off, socket: off }
upstreams:
  demo: { builtin: demo }
  every: ${everything()}
pipeline:
  - ./noisy.ts: {}
  - progress: {}
`;

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await Sandbox.open({
    'noisy.ts': NOISY,
    'gateway.yaml': config(''),
    'listener.yaml': config('listeners: [{ stdio: {} }]'),
    'quiet.yaml': 'admin: { listen: off, socket: off }\nupstreams: { demo: { builtin: demo } }\n',
  });
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const call = { name: 'demo__slow_count', arguments: { to: 3, every_ms: 30 }, _meta: { progressToken: 'p' } };
const first: Record<'2025' | '2026', object[]> = {
  '2025': [
    initialize('2025-11-25'),
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 7, method: 'tools/call', params: call },
  ],
  '2026': [modern('tools/call', { name: call.name, arguments: call.arguments })],
};

for (const command of [['stdio'], ['run', '--config', 'listener.yaml']]) {
  for (const era of ['2025', '2026'] as const) {
    test(`sluice ${command.join(' ')}, ${era}: every line of stdout is a message`, async () => {
      const server = sandbox.start(command);
      await server.send(first[era].map((message) => `${JSON.stringify(message)}\n`).join(''));
      await eventually(
        () => server.out.includes('"id":7'),
        () => `an answer; so far:\n${server.out}\n${server.err}`,
      );
      await server.end();
      expect(await server.exited).toBe(0);
      const lines = server.out.split('\n');
      expect(lines.pop()).toBe('');
      const messages = lines.map((line) => JSON.parse(line));
      expect(messages.filter(({ jsonrpc }) => jsonrpc !== '2.0')).toEqual([]);
      // This client does not wait for the answer to initialize, which may thus be the later one.
      const called = messages.filter(({ id }) => id !== 1);
      expect(called.pop()).toMatchObject({ id: 7, result: { structuredContent: { counted: 3 } } });
      expect(new Set(called.map(({ method }) => method))).toEqual(new Set(['notifications/progress']));
      // What was printed is not lost.
      const said = [
        'at the top',
        'in setup',
        'written in setup',
        'in a timer',
        'in a hook',
        'written in a hook',
        'at the end',
      ];
      expect(said.filter((where) => !server.err.includes(`noise ${where}\n`))).toEqual([]);
    });
  }
}

test('broken lines are answered with errors, and the client after them is served', async () => {
  const ping = { jsonrpc: '2.0', id: 2, method: 'ping' };
  const input = [
    '{bad',
    '[]',
    '{"jsonrpc":"2.0"}',
    JSON.stringify(initialize('2025-11-25')),
    JSON.stringify(ping),
    '',
  ];
  const { code, out } = await sandbox.run(['stdio', '--config', 'quiet.yaml'], { input: input.join('\n') });
  const messages = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(code).toBe(0);
  expect(messages.map(({ id, error }) => `${id} ${error?.code ?? 'result'}`).sort()).toEqual(
    ['null -32700', 'null -32600', 'null -32600', '1 result', '2 result'].sort(),
  );
  expect(out).not.toMatch(/\bat \S+:\d+:\d+|node_modules|\$bunfs/);
});

describe('the SDKs start it themselves', () => {
  for (const kind of peerKinds) {
    test(`a ${kind} client`, async () => {
      const args = ['stdio', '--config', sandbox.path('gateway.yaml')];
      const elicit = () => ({ action: 'accept' as const, content: { answer: kind } });
      const peer = await connectPeer(
        kind,
        { command: sandbox.binary, args, env: { ...sandbox.env } },
        { elicit },
      );
      expect(await peer.tools()).toEqual(expect.arrayContaining(['demo__echo', 'every__test_simple_text']));
      expect(textOf(await peer.call('demo__ask', {}))).toBe(`The user answered: ${kind}`);
      expect(textOf(await peer.call('every__test_simple_text', {}))).toContain('simple text response');
      const told = Promise.withResolvers<string>();
      const unwatch = await peer.watch('demo://clock', told.resolve);
      await peer.call('demo__touch', {});
      expect(await told.promise).toBe('demo://clock');
      await unwatch();
      await peer.close();
    });
  }
});

test('commands that load a plugin keep their stdout clean, too', async () => {
  const check = await sandbox.run(['check', '--json']);
  expect(JSON.parse(check.out)).toMatchObject({ errors: 0 });
  const explain = await sandbox.run(['explain', 'tools/call', 'demo__echo', '--json']);
  expect(JSON.parse(explain.out)).toMatchObject({ method: 'tools/call' });
});
