// The official client with a header of its own: it stays with it, whatever comes of it, and begins no OAuth.
import { afterEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { mintKey } from '../../plugins/auth/key-file.ts';
import { plugins } from '../../plugins/index.ts';
import { configOf, DEMO, startInProcess } from '../fixtures/in-process.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

async function start() {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-sdk-keys-'));
  const { key } = mintKey(join(dir, 'api-keys.json'), { principal: 'ada' }, Date.now());
  const gateway = await startInProcess(configOf(DEMO, { pipeline: [{ auth: { api_keys: {} } }] }), {
    plugins,
    stateDir: dir,
  });
  ending.push(
    () => rmSync(dir, { recursive: true, force: true }),
    () => gateway.stop(),
  );
  return { url: new URL(gateway.url), key };
}

/** A client, and what it asked for. */
function clientOf(url: URL, headers: Record<string, string>) {
  const asked: string[] = [];
  const transport = new StreamableHTTPClientTransport(url, {
    requestInit: { headers },
    fetch: (input, init) => {
      asked.push(new URL(input).pathname);
      return fetch(input, init);
    },
  });
  const client = new Client({ name: 'test', version: '1' });
  ending.push(() => client.close());
  return { asked, client, connect: () => client.connect(transport) };
}

test.each(['authorization', 'x-api-key'])(
  'a good key in %s: it calls tools, and asks for nothing else',
  async (name) => {
    const { url, key } = await start();
    const { asked, client, connect } = clientOf(url, {
      [name]: name === 'authorization' ? `Bearer ${key}` : key,
    });
    await connect();
    const { content } = await client.callTool({ name: 'echo', arguments: { text: 'hi' } });
    expect(JSON.stringify(content)).toContain('hi');
    expect(new Set(asked)).toEqual(new Set(['/mcp']));
  },
);

test.each([
  ['none', {}],
  ['a bad key', { authorization: 'Bearer nonsense' }],
])('%s: it is told so, and looks for no authorization server', async (_, headers) => {
  const { url } = await start();
  const { asked, connect } = clientOf(url, headers);
  await expect(connect()).rejects.toThrow(/401|unauthor/i);
  expect(new Set(asked)).toEqual(new Set(['/mcp']));
});
