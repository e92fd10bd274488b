// What the admin server answers holds no secret, whatever its source says.
import { expect, test } from 'bun:test';
import { answer } from '../../../src/admin/routes.ts';
import { fakeSource } from './fake.ts';

const source = {
  ...fakeSource(),
  status: () => ({ generation: 47114711, name: 'up canary-4711' }),
  explain: () => ({ route: 'canary-4711' }),
  reload: async () => ({ ok: false, body: { diagnostics: ['canary-4711'] } }),
  metrics: {
    contentType: 'text/plain',
    metrics: async () => 'sluice_up{name="a \\" canary-4711",of="47114711"} 47114711\n',
  },
  redact: (text: string) => text.replace(/canary-4711|47114711/g, '••••'),
};

function ask(path: string, method = 'GET'): Promise<Response> {
  const query = new URLSearchParams({ method: 'tools/list' });
  return answer({ method, path, query, body: async () => '', trusted: true }, source);
}

test('texts are redacted, and numbers stay numbers', async () => {
  expect(await (await ask('/status')).json()).toEqual({ generation: 47114711, name: 'up ••••' });
  expect(await (await ask('/explain')).json()).toEqual({ route: '••••' });
  expect(await (await ask('/reload', 'POST')).json()).toEqual({ diagnostics: ['••••'] });
});

test('labels of figures are, and their values are not', async () => {
  expect(await (await ask('/metrics')).text()).toBe('sluice_up{name="a \\" ••••",of="••••"} 47114711\n');
});
