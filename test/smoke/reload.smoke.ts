// A gateway.yaml with a child process and a plugin of one's own, edited while calls run.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { connectPeer, type Peer, textOf } from '../fixtures/peers.ts';
import type { Process } from './process.ts';
import { configOf, everything, Sandbox } from './sandbox.ts';
import { setTraps, sprungTraps } from './traps.ts';

/** As docs/writing-plugins.md says: the gateway's own package, a file beside it, a package of its own, zod. */
const PLUGIN = `import { definePlugin, z } from 'sluice/plugin';
import { shout } from 'shout';
import * as zod from 'zod';
import { mark } from './lib/mark.ts';

export default definePlugin({
  name: 'stamp',
  api: 1,
  about: 'Writes a word below every result.',
  schema: z.strictObject({ word: zod.z.string().min(1) }),
  setup({ word }) {
    return {
      onResult(result, x) {
        if (x.request.method !== 'tools/call' || result.kind !== 'complete') return;
        const content = Array.isArray(result.value.content) ? result.value.content : [];
        return result.with({ content: [...content, { type: 'text', text: \`\${shout(word)} \${mark}\` }] });
      },
    };
  },
});
`;
const mark = (version: number) => `interface Mark { text: string }
const made: Mark = { text: 'v${version}' };
export const mark: string = made.text;
`;
const config = (word: string) =>
  configOf(`
upstreams:
  demo: { builtin: demo }
  every: ${everything()}
pipeline:
  - ./plugins/stamp.ts: { word: ${word} }
  - progress: {}
`);

let sandbox: Sandbox;
let folder: string;
let gateway: Process;
let peer: Peer;

beforeAll(async () => {
  sandbox = await Sandbox.open({
    'own/gateway.yaml': config('one'),
    'own/plugins/stamp.ts': PLUGIN,
    'own/plugins/lib/mark.ts': mark(1),
    'own/plugins/node_modules/shout/package.json': '{ "name": "shout", "exports": "./lib/shout.cjs" }',
    'own/plugins/node_modules/shout/lib/shout.cjs': 'exports.shout = (text) => text.toUpperCase();',
  });
  folder = await setTraps(sandbox);
  gateway = sandbox.start(['run', '--config', sandbox.path('own/gateway.yaml')], { cwd: folder });
  peer = await connectPeer('modern', { url: await gateway.url() });
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const sluice = (...args: string[]) =>
  sandbox.run([...args, '--config', sandbox.path('own/gateway.yaml')], { cwd: folder });
const said = async (tool = 'demo__echo') =>
  textOf(await peer.call(tool, { text: 'hi' }))
    .split('\n')
    .pop();

/** HUP, and the line that says what came of it. */
async function hup(outcome: RegExp): Promise<string> {
  const from = gateway.log.length;
  gateway.signal('SIGHUP');
  await gateway.until(outcome, from);
  return gateway.log.slice(from);
}

test('results of the demo and of a child process pass through the plugin', async () => {
  expect(await said()).toBe('ONE v1');
  expect(await said('every__test_simple_text')).toBe('ONE v1');
});

test('an edit of a file the plugin imports counts from HUP on, and a running call ends on the old one', async () => {
  const begun = Promise.withResolvers<void>();
  const options = { onProgress: () => begun.resolve() };
  const running = peer.call('demo__slow_count', { to: 10, every_ms: 100 }, options);
  await begun.promise;
  await sandbox.write({ 'own/plugins/lib/mark.ts': mark(2) });
  await hup(/"msg":"reloaded"/);
  expect(await said()).toBe('ONE v2');
  expect(textOf(await running)).toBe('Counted to 10.\nONE v1');
});

test('a syntax error refuses the reload at its place, and the plugin keeps working', async () => {
  const place = `${sandbox.path('own/plugins/lib/mark.ts')}:2:20`;
  await sandbox.write({ 'own/plugins/lib/mark.ts': 'export const mark: string =\n  true ? "never" : ;\n' });
  expect(await hup(/"msg":"[^"]*mark\.ts/)).toContain(place);
  expect(await said()).toBe('ONE v2');
  for (const args of [['reload'], ['reload', '--dry-run'], ['check']]) {
    const { code, out, err } = await sluice(...args);
    expect({ code, out, placed: err.includes(place), entry: /gateway\.yaml:9:5/.test(err) }).toEqual({
      code: 78,
      out: '',
      placed: true,
      entry: true,
    });
  }
  expect(gateway.isRunning).toBe(true);
});

test('a plugin that throws while it loads, or is no plugin, is refused the same way', async () => {
  await sandbox.write({ 'own/plugins/lib/mark.ts': 'export const mark = null;\nundefined.boom;\n' });
  const thrown = await sluice('reload');
  expect([thrown.code, thrown.err.includes(`${sandbox.path('own/plugins/lib/mark.ts')}:2:`)]).toEqual([
    78,
    true,
  ]);
  await sandbox.write({ 'own/plugins/lib/mark.ts': mark(3), 'own/plugins/stamp.ts': 'export default 7;\n' });
  const other = await sluice('reload');
  expect([other.code, other.err.includes('exports a number by default')]).toEqual([78, true]);
  await sandbox.write({ 'own/plugins/stamp.ts': PLUGIN });
  expect(await said()).toBe('ONE v2');
});

test('a dry run tells the plan and changes nothing; the reload tells the same and does it', async () => {
  await sandbox.write({ 'own/gateway.yaml': config('two') });
  const dry = await sluice('reload', '--dry-run');
  expect({ code: dry.code, plan: /pipeline\.stamp\.word\s+one → two/.test(dry.out) }).toEqual({
    code: 0,
    plan: true,
  });
  expect(dry.out).toContain('would be reloaded');
  expect(await said()).toBe('ONE v2');
  const done = await sluice('reload');
  expect({ code: done.code, plan: /pipeline\.stamp\.word\s+one → two/.test(done.out) }).toEqual({
    code: 0,
    plan: true,
  });
  expect(await said()).toBe('TWO v3');
  const { out } = await sluice('status', '--json');
  // Refused reloads and dry runs count no generation.
  expect(JSON.parse(out).generation).toBe(3);
});

test('a wrong option of the plugin is refused at its place', async () => {
  await sandbox.write({ 'own/gateway.yaml': config('""') });
  const { code, err } = await sluice('reload');
  expect({ code, placed: /gateway\.yaml:9:33/.test(err) }).toEqual({ code: 78, placed: true });
  expect(await said()).toBe('TWO v3');
});

test('nothing of the working directory was read', async () => {
  expect(await sprungTraps(folder)).toEqual([]);
  await peer.close();
});
