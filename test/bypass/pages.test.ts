// What anybody may see, and what they who are let in may do in other words: pages without a secret, challenges that
// say what is needed, and the credentials that differ from the others only in form.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { come, MODERN, PUBLIC, SCOPE, type Scene, startScene, WAYS, type Way } from './scene.ts';
import { speak } from './speak.ts';
import { text } from './tokens.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

const METADATA = '/.well-known/oauth-protected-resource';

describe('56: what anybody gets', () => {
  const get = (method: string, target: string, lines: readonly string[] = []) =>
    speak({
      origin: scene.plain,
      method,
      target,
      lines: [`Host: ${new URL(scene.plain).host}`, ...lines],
      body: undefined,
    });

  test.each([
    ...[
      '/',
      '/health',
      '/healthz',
      '/readyz',
      '/metrics',
      '/status',
      '/admin',
      '/debug',
      '/config',
      '/favicon.ico',
    ],
    ...[
      '/.well-known/oauth-authorization-server',
      '/.well-known/openid-configuration',
      '/.well-known/jwks.json',
    ],
    ...[
      '/register',
      '/authorize',
      '/token',
      '/.well-known/oauth-protected-resource/other',
      '/.env',
      '/gateway.yaml',
    ],
  ])('%s is nothing, in JSON', async (path) => {
    const said = await get('GET', path);
    expect(said.status).toBe(404);
    expect(said.headers['content-type']).toMatch(/^application\/json\b/);
    JSON.parse(said.body);
    expect(said.body).not.toContain(scene.issuer.url);
    expect(said.headers).not.toContainAnyKeys(['server', 'x-powered-by', 'mcp-session-id', 'set-cookie']);
  });

  test.each(['/mcp', '/sse'])('OPTIONS of %s says nothing to a page of elsewhere', async (path) => {
    const said = await get('OPTIONS', path, [
      'Origin: https://evil.example',
      'Access-Control-Request-Method: POST',
    ]);
    expect(said.status).toBe(403);
    expect(said.headers['access-control-allow-origin']).toBeUndefined();
  });

  test.each([METADATA, '/mcp'])('the metadata of %s is what clients need, and no more', async (path) => {
    const said = await get('GET', path === METADATA ? `${METADATA}/mcp` : `${path}${METADATA}`);
    expect([said.status, JSON.parse(said.body)]).toEqual([
      200,
      {
        resource: `${PUBLIC}/mcp`,
        authorization_servers: [scene.issuer.url, scene.other.url],
        scopes_supported: [SCOPE, 'mcp:admin'],
        bearer_methods_supported: ['header'],
      },
    ]);
  });

  test('no upstream hears of it', () => expect([scene.rogue.hits, scene.rogue.connections]).toEqual([[], 0]));
});

describe('57: the challenge', () => {
  const needs = (path: string) => `resource_metadata="${PUBLIC}${METADATA}${path}", scope="${SCOPE}"`;
  const challenged = async (way: Way, proof: readonly string[]) =>
    (await come(scene, way, 'delete_all', {}, { proof })).headers['www-authenticate'];
  const first = WAYS.filter((way) => way.needs === undefined);

  test.each(first)('to $name without a credential has no error', async (way) =>
    expect(await challenged(way, [])).toBe(`Bearer ${needs(way.path)}`),
  );
  test.each(first)('to $name with a bad one says so', async (way) =>
    expect(await challenged(way, ['Authorization: Bearer x'])).toBe(
      `Bearer error="invalid_token", ${needs(way.path)}`,
    ),
  );
  test.each(first)('to $name with none that can be read says so', async (way) =>
    expect(await challenged(way, ['Authorization: Bearer'])).toBe(
      `Bearer error="invalid_request", ${needs(way.path)}`,
    ),
  );
  test.each(MODERN)('to $name says all scopes of the tool', async (way) =>
    expect(await challenged(way, [`Authorization: Bearer ${scene.good}`])).toBe(
      `Bearer error="insufficient_scope", ${needs('/mcp').replace(SCOPE, `${SCOPE} mcp:admin`)}`,
    ),
  );
});

describe('is let in:', () => {
  const all: Readonly<Record<string, () => string | Promise<string>>> = {
    'bearer in small letters': () => `authorization: bearer ${scene.good}`,
    'BEARER in capitals': () => `AUTHORIZATION: BEARER ${scene.good}`,
    'spaces around the value': () => `Authorization:   Bearer ${scene.good}  `,
    'the claims as they stand': async () => `Authorization: Bearer ${await text((json) => json)(scene)}`,
    'scopes as a list': async () => `Authorization: Bearer ${await scene.token({ scope: ['x', SCOPE] })}`,
    'scopes by another name': async () =>
      `Authorization: Bearer ${await scene.token({ scope: undefined, scp: SCOPE })}`,
    'one audience': async () => `Authorization: Bearer ${await scene.token({ aud: `${PUBLIC}/mcp` })}`,
    'a name with a colon': async () => `Authorization: Bearer ${await scene.token({ sub: 'a:b' })}`,
    'typ JWT': async () => `Authorization: Bearer ${await scene.token({}, { typ: 'JWT' })}`,
    'exp within the skew': async () =>
      `Authorization: Bearer ${await scene.token({ exp: Math.floor(Date.now() / 1_000) - 5 })}`,
  };
  test.each(Object.entries(all))('%s', async (_, proof) => {
    for (const way of MODERN) {
      const before = scene.rogue.of('tools/call').length;
      expect((await come(scene, way, 'echo', {}, { proof: [await proof()] })).status).toBe(200);
      expect(scene.rogue.of('tools/call').length).toBe(before + 1);
    }
  });

  test('a name in Base64, which is the same one', async () => {
    const lines = [`Mcp-Name: =?base64?${Buffer.from('echo').toString('base64')}?=`];
    for (const way of MODERN)
      expect((await come(scene, way, 'echo', {}, { without: ['mcp-name'], lines })).status).toBe(200);
  });
});
