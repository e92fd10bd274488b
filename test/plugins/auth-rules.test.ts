// What callers may do by their scopes, and what they are told who lack one; the metadata of endpoints.
import { describe, expect, test } from 'bun:test';
import { type Call, testPlugin } from 'sluice/testing';
import auth from '../../plugins/auth.ts';

const METADATA = 'https://gateway.example/.well-known/oauth-protected-resource/mcp';
const issuers = [{ issuer: 'https://id.example.com' }];
const guest = (...scopes: string[]) => ({ id: 'guest', scopes });

const RULES = [
  { methods: ['tools/call'], names: ['delete_*', 'drop'], scopes: ['mcp:admin', 'mcp:write'] },
  { methods: ['resources/*', 'subscriptions/listen'], names: ['secret://*'], scopes: ['mcp:secret'] },
  { methods: ['prompts/get', 'completion/complete'], scopes: ['mcp:prompts'] },
];

const call = (name: string): Call => ({ method: 'tools/call', params: { name } });

async function needed(request: Call, ...has: string[]): Promise<unknown> {
  await using harness = await testPlugin(auth, {
    issuers,
    anonymous: guest(...has),
    scopes: ['mcp:use'],
    rules: RULES,
  });
  const { result, request: passed } = await harness.call(request);
  if (result.kind !== 'error') return undefined;
  expect(passed).toBeUndefined();
  expect([result.http, result.code]).toEqual([403, 1412]);
  const scopes = result.raw.object('data')?.get('scopes') as string[];
  const challenge = `Bearer error="insufficient_scope", resource_metadata="${METADATA}", scope="${scopes.join(' ')}"`;
  expect(result.headers?.['www-authenticate']).toBe(challenge);
  return scopes;
}

test('a rule for resources that are watched is one for both eras', async () => {
  const rules = [{ methods: ['resources/subscribe'], names: ['secret://*'], scopes: ['mcp:secret'] }];
  await using harness = await testPlugin(auth, { anonymous: true, rules });
  const http = async (method: string, params: NonNullable<Call['params']>) =>
    (await harness.call({ method, params })).result.http;
  const watched = (...resourceSubscriptions: string[]) => ({ notifications: { resourceSubscriptions } });
  expect(await http('resources/subscribe', { uri: 'secret://a' })).toBe(403);
  expect(await http('subscriptions/listen', watched('open://a', 'secret://a'))).toBe(403);
  expect(await http('subscriptions/listen', watched('open://a'))).toBeUndefined();
  expect(await http('subscriptions/listen', { notifications: { toolsListChanged: true } })).toBeUndefined();
});

test('a name of any length is judged at once', async () => {
  const rules = [{ methods: ['tools/call'], names: ['*a*a*a*b'], scopes: ['mcp:admin'] }];
  await using harness = await testPlugin(auth, { anonymous: true, rules });
  expect((await harness.call(call('a'.repeat(1_000_000)))).result.http).toBeUndefined();
  expect((await harness.call(call(`${'a'.repeat(1_000_000)}b`))).result.http).toBe(403);
});

test.each([
  'secret://a/b',
  'SECRET://a/b',
  'secret://a/%62',
  'secret://a/./b',
  'secret://a/x/../b',
  'secret://a/x/%2e%2E/b',
  'secret:\n//a/b',
])('a resource is the same however it is written: %j', async (uri) => {
  const rules = [{ methods: ['resources/*'], names: ['secret://a/b'], scopes: ['mcp:secret'] }];
  await using harness = await testPlugin(auth, { anonymous: true, rules });
  expect((await harness.call({ method: 'resources/read', params: { uri } })).result.http).toBe(403);
  const watched = { notifications: { resourceSubscriptions: [uri] } };
  const listens = { method: 'subscriptions/listen', params: watched };
  expect((await harness.call(listens)).result.http).toBe(403);
});

describe('scopes', () => {
  const all: [string, Call, string[], unknown][] = [
    ['every call needs some', { method: 'tools/list' }, [], ['mcp:use']],
    [
      'and those that are like them are not them',
      { method: 'tools/list' },
      ['mcp:use-all', 'mcp', 'MCP:USE'],
      ['mcp:use'],
    ],
    ['who has them passes', { method: 'tools/list' }, ['mcp:use'], undefined],
    ['a rule is for its names', call('read'), ['mcp:use'], undefined],
    [
      'and tells all that is needed',
      call('delete_all'),
      ['mcp:use', 'mcp:write'],
      ['mcp:use', 'mcp:admin', 'mcp:write'],
    ],
    ['a name is the whole of it', call('undelete_x'), ['mcp:use'], undefined],
    [
      'a rule is for its methods',
      { method: 'prompts/get', params: { name: 'drop' } },
      ['mcp:use', 'mcp:prompts'],
      undefined,
    ],
    [
      'URIs are names',
      { method: 'resources/read', params: { uri: 'secret://a' } },
      ['mcp:use'],
      ['mcp:use', 'mcp:secret'],
    ],
    [
      'those that are watched, too',
      {
        method: 'subscriptions/listen',
        params: { notifications: { resourceSubscriptions: ['a://b', 'secret://a'] } },
      },
      ['mcp:use'],
      ['mcp:use', 'mcp:secret'],
    ],
    [
      'a rule without names is for all',
      { method: 'completion/complete', params: { ref: { name: 'x' } } },
      ['mcp:use'],
      ['mcp:use', 'mcp:prompts'],
    ],
    ['all of them open all', call('drop'), ['mcp:use', 'mcp:write', 'mcp:admin'], undefined],
  ];
  test.each(all)('%s', async (_, request, has, scopes) => {
    expect(await needed(request, ...has)).toEqual(scopes);
  });

  test('a dot in a pattern is a dot', async () => {
    await using harness = await testPlugin(auth, {
      anonymous: true,
      rules: [{ names: ['a.*'], scopes: ['x'] }],
    });
    expect((await harness.call(call('a.b'))).result.http).toBe(403);
    expect((await harness.call(call('aXb'))).result.kind).toBe('complete');
  });

  test('who calls without a credential is told what it is for', async () => {
    await using harness = await testPlugin(auth, { issuers, scopes: ['mcp:use', 'mcp:more'] });
    const { result } = await harness.call({ method: 'tools/list' });
    const said = `Bearer resource_metadata="${METADATA}", scope="mcp:use mcp:more"`;
    expect([result.http, result.headers?.['www-authenticate']]).toEqual([401, said]);
  });

  test('an endpoint without issuers tells of no metadata', async () => {
    await using harness = await testPlugin(auth, { anonymous: guest(), scopes: ['x'] });
    const { result } = await harness.call({ method: 'tools/list' });
    expect(result.headers?.['www-authenticate']).toBe('Bearer error="insufficient_scope", scope="x"');
    expect(await harness.page('/.well-known/oauth-protected-resource/mcp')).toBeUndefined();
  });
});

describe('metadata', () => {
  const endpoints = [
    { path: '/mcp', url: 'https://mcp.example.com/base/mcp', endpoint: '/mcp' },
    { path: '/sse', url: 'https://mcp.example.com/base/sse', endpoint: '/mcp' },
  ];
  const ci = { path: '/mcp/ci', url: 'https://mcp.example.com/base/mcp/ci', endpoint: '/mcp/ci' };
  const at = async (path: string, own = endpoints) => {
    await using harness = await testPlugin(auth, { issuers, scopes: ['mcp:use'], rules: RULES });
    const page = await harness.page(path, { endpoints: own });
    return page && { ...page, body: JSON.parse(page.body ?? '') };
  };

  test('is all that a client needs', async () => {
    const page = await at('/.well-known/oauth-protected-resource/mcp');
    expect(page).toEqual({
      status: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' },
      body: {
        resource: 'https://mcp.example.com/base/mcp',
        authorization_servers: ['https://id.example.com'],
        scopes_supported: ['mcp:use', 'mcp:admin', 'mcp:write', 'mcp:secret', 'mcp:prompts'],
        bearer_methods_supported: ['header'],
      },
    });
  });

  test.each([
    ['/.well-known/oauth-protected-resource/mcp', '/mcp'],
    ['/.well-known/oauth-protected-resource/base/mcp', '/mcp'],
    ['/mcp/.well-known/oauth-protected-resource', '/mcp'],
    ['/.well-known/oauth-protected-resource/sse', '/sse'],
    ['/.well-known/oauth-protected-resource', '/mcp'],
    ['/.well-known/oauth-protected-resource/', undefined],
    ['/.well-known/oauth-protected-resource/other', undefined],
    ['/.well-known/oauth-protected-resource/mcp/', undefined],
    ['/.well-known/oauth-authorization-server', undefined],
    ['/.well-known/openid-configuration', undefined],
  ])('%s is that of %p', async (path, place) => {
    expect((await at(path))?.body.resource).toBe(place && `https://mcp.example.com/base${place}`);
  });

  test('of several endpoints none is that of all', async () => {
    expect(await at('/.well-known/oauth-protected-resource', [...endpoints, ci])).toBeUndefined();
    const own = await at('/.well-known/oauth-protected-resource/mcp/ci', [...endpoints, ci]);
    expect(own?.body.resource).toBe(ci.url);
  });

  test('is not there where nobody has said the public URL', async () => {
    const unknown = endpoints.map((each) => ({ ...each, url: undefined as never }));
    expect(await at('/.well-known/oauth-protected-resource/mcp', unknown)).toBeUndefined();
  });
});
