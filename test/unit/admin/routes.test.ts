// What the admin server answers holds no secret, whatever its source says.
import { expect, test } from 'bun:test';
import { answer } from '../../../src/admin/routes.ts';
import { fakeSource } from './fake.ts';

const source = {
  ...fakeSource(),
  status: () => ({ generation: 47114711, name: 'up canary-4711' }),
  explain: () => ({ route: 'canary-4711' }),
  calls: () => ({ longest: [{ message: 'canary-4711', progress: 47114711 }] }),
  reload: async () => ({ ok: false, body: { diagnostics: ['canary-4711'] } }),
  metrics: {
    contentType: 'text/plain',
    metrics: async () => 'sluice_up{name="a \\" canary-4711",of="47114711"} 47114711\n',
  },
  redact: (text: string) => text.replace(/canary-4711|47114711/g, '••••'),
};

const LOOKED_AT = { longest: [{ message: '••••', progress: 47114711 }] };

function ask(path: string, method = 'GET', more: Record<string, string> = {}): Promise<Response> {
  const query = new URLSearchParams({ method: 'tools/list', ...more });
  return answer({ method, path, query, body: async () => '', trusted: true }, source);
}

test('texts are redacted, and numbers stay numbers', async () => {
  expect(await (await ask('/status')).json()).toEqual({ generation: 47114711, name: 'up ••••' });
  expect(await (await ask('/explain')).json()).toEqual({ route: '••••' });
  expect(await (await ask('/reload', 'POST')).json()).toEqual({ diagnostics: ['••••'] });
  expect(await (await ask('/calls')).json()).toEqual(LOOKED_AT);
});

test('labels of figures are, and their values are not', async () => {
  expect(await (await ask('/metrics')).text()).toBe('sluice_up{name="a \\" ••••",of="••••"} 47114711\n');
});

test('calls at work can be followed, a line each time, until nobody reads', async () => {
  const { body } = await ask('/calls', 'GET', { every: '100ms' });
  const lines: unknown[] = [];
  const decoder = new TextDecoder();
  for await (const chunk of body as ReadableStream<Uint8Array>) {
    const text = decoder.decode(chunk);
    expect(text.endsWith('\n')).toBe(true);
    lines.push(JSON.parse(text));
    if (lines.length === 2) break;
  }
  expect(lines).toEqual([LOOKED_AT, LOOKED_AT]);
});

test.each([
  ['most', '0'],
  ['most', 'all'],
  ['most', '1e9'],
  ['every', '99ms'],
  ['every', '2m'],
  ['every', 'often'],
])('%s=%s is refused', async (name, value) => {
  const refusal = await ask('/calls', 'GET', { [name]: value });
  expect(refusal.status).toBe(400);
  expect(((await refusal.json()) as { error: { code: string } }).error.code).toBe(
    `${name.toUpperCase()}_INVALID`,
  );
});

test('entries of pipelines are listed to everybody, and tell of themselves on the socket', async () => {
  const at = async (path: string, { trusted = true, method = 'GET' } = {}) => {
    const query = new URLSearchParams({ for: 'ada' });
    const response = await answer({ method, path, query, body: async () => '', trusted }, fakeSource());
    return [response.status, await response.json()];
  };
  const refused = (status: number, code: string) => [status, { error: expect.objectContaining({ code }) }];
  expect(await at('/plugins', { trusted: false })).toEqual([
    200,
    { version: 1, plugins: [{ name: 'a', plugin: 'a' }] },
  ]);
  expect(await at('/plugins/up/a', { trusted: false })).toEqual(refused(403, 'SOCKET_ONLY'));
  expect(await at('/plugins/up/a')).toEqual([200, { told: { for: 'ada' } }]);
  expect(await at('/plugins/up%2Fa')).toEqual([200, { told: { for: 'ada' } }]);
  expect(await at('/plugins/quiet')).toEqual(refused(404, 'NOTHING_TO_TELL'));
  expect(await at('/plugins/%E0%A4%A')).toEqual(refused(404, 'UNKNOWN'));
  expect(await at('/plugins/up/a', { method: 'POST' })).toEqual(refused(405, 'METHOD_NOT_ALLOWED'));
});
