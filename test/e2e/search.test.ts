// An endpoint that shows two tools, used whole: clients of every kind find and call through it, with progress and a
// question, and plugins see the tool itself.
import { expect, test } from 'bun:test';
import { definePlugin, z } from '../../src/plugin.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { connectPeer, httpPeerKinds, textOf } from '../fixtures/peers.ts';

test.each([...httpPeerKinds])('%s', async (kind) => {
  const names: unknown[] = [];
  const witness = definePlugin({
    name: 'witness',
    api: 1,
    about: 'Remembers the names of tools that are called.',
    schema: z.strictObject({}).nullish(),
    setup: () => ({
      onRequest({ method, params }) {
        if (method === 'tools/call') names.push(params.name);
      },
    }),
  });
  await using gateway = await startInProcess(
    configOf(
      { demo: { builtin: 'demo' }, other: { builtin: 'demo' } },
      { endpoints: { '/mcp': { expose: { mode: 'search' } } }, pipeline: ['witness'] },
    ),
    { plugins: { witness } },
  );
  const elicit = () => ({ action: 'accept' as const, content: { answer: 'Ada' } });
  const url = kind === 'sse' ? gateway.url.replace(/mcp$/, 'sse') : gateway.url;
  const client = await connectPeer(kind, { url }, { elicit });
  expect(await client.tools()).toEqual(['find_tool', 'call_tool']);
  const found = JSON.parse(textOf(await client.call('find_tool', { query: 'count slowly' })));
  expect(found.tools[0].name).toMatch(/^(?:demo|other)__slow_count$/);
  const counts: number[] = [];
  const counted = await client.call(
    'call_tool',
    { name: 'demo__slow_count', arguments: { to: 3, every_ms: 1 } },
    { onProgress: ({ progress }) => counts.push(progress) },
  );
  expect(textOf(counted)).toBe('Counted to 3.');
  expect(counts.at(-1)).toBe(3);
  const asked = await client.call('call_tool', { name: 'other__ask', arguments: {} });
  expect(textOf(asked)).toContain('Ada');
  expect(new Set(names)).toEqual(new Set(['find_tool', 'demo__slow_count', 'other__ask']));
  await client.close();
});
