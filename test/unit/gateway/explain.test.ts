// What `sluice explain` and `sluice status` say of a running gateway; no upstream is asked for it.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { z } from 'zod';
import { definePlugin } from '../../../src/plugin.ts';
import { configOf, type InProcess, startInProcess } from '../../fixtures/in-process.ts';

const looking = definePlugin({
  name: 'looking',
  api: 1,
  about: 'Looks.',
  schema: z.strictObject({}),
  setup: () => ({ onRequest() {}, onSend() {} }),
});

let gateway: InProcess;
beforeAll(async () => {
  const upstreams = {
    a: { builtin: 'demo', pipeline: [{ looking: {}, id: 'leg' }] },
    b: { url: 'http://127.0.0.1:1/mcp?key=secret' },
    c: { command: '/nowhere/server', args: ['--token', 'secret'] },
  };
  const pipeline = [
    { looking: {}, id: 'tools', when: { methods: ['tools/*'] } },
    { looking: {}, id: 'watch', mode: 'shadow' },
    { looking: {}, id: 'off', mode: 'off' },
  ];
  const endpoints = { '/mcp': {}, '/one': { upstreams: ['a'], names: 'none' } };
  gateway = await startInProcess(configOf(upstreams, { pipeline, endpoints }), { plugins: { looking } });
});
afterAll(() => gateway.stop());

const explain = (method: string, name?: string, path?: string) => gateway.gateway.explain(method, name, path);

test('a call goes to the upstream whose name it has, past these plugins', () => {
  expect(explain('tools/call', 'a__echo')).toEqual({
    method: 'tools/call',
    name: 'a__echo',
    endpoint: '/mcp',
    route: 'upstream a, as echo',
    notes: [],
    steps: [
      { id: 'tools', where: 'pipeline', hooks: ['onRequest', 'onSend'], mode: 'enforce', applies: true },
      { id: 'watch', where: 'pipeline', hooks: ['onRequest', 'onSend'], mode: 'shadow', applies: true },
      {
        id: 'leg',
        where: 'upstreams.a.pipeline',
        hooks: ['onRequest', 'onSend'],
        mode: 'enforce',
        applies: true,
      },
    ],
  });
});

test('every kind of way is told', () => {
  expect(explain('tools/list')?.route).toBe('all of a, b, c');
  expect(explain('server/discover')).toMatchObject({
    route: 'answered by the gateway',
    steps: [{ applies: false }, { applies: true }],
  });
  expect(explain('tools/call', 'nobody__x')?.route).toBe('refused: Unknown tool: nobody__x');
  expect(explain('tasks/get', 'x')?.route).toBe('refused: Unknown task.');
  expect(explain('widgets/list')?.route).toBe('the upstream whose extension has it');
  expect(explain('widgets/list', undefined, '/one')?.route).toBe('upstream a');
  expect(explain('resources/read', 'demo://clock')?.route).toBe('the upstream whose list has it');
  expect(explain('resources/read', 'demo://clock', '/one')?.route).toBe('upstream a, as demo://clock');
  expect(explain('tools/call', 'echo', '/nowhere')).toBeUndefined();
});

test('the report names everything, and no secret', () => {
  const report = gateway.gateway.report();
  expect(report).toMatchObject({
    generation: 1,
    inFlight: 0,
    sessions: 0,
    streams: 0,
    draining: 0,
    pipeline: ['tools', 'watch'],
  });
  expect(report.listeners.map(({ urls }) => urls.map((url) => new URL(url).pathname))).toEqual([
    ['/mcp', '/one'],
  ]);
  expect(report.upstreams.map(({ name, kind, target, links }) => [name, kind, target, links])).toEqual([
    ['a', 'builtin', 'demo', 0],
    ['b', 'url', 'http://127.0.0.1:1/mcp', 0],
    ['c', 'command', '/nowhere/server', 0],
  ]);
  expect(JSON.stringify(report)).not.toContain('secret');
});
