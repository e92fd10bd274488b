// Opaque tokens at a whole gateway, with a server that is asked about them: what it says is held to the same as a JWT,
// and its troubles are nobody's fault but its own.
import { afterEach, describe, expect, test } from 'bun:test';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { plugins } from '../../plugins/index.ts';
import { call, openSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { answer, json, type Rogue, startRogue } from '../fixtures/rogue.ts';

const PUBLIC = 'https://mcp.example.com';
const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

type Answering = (res: ServerResponse, form: URLSearchParams) => void;

interface Asked {
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
}

/** An introspection endpoint. */
async function startEndpoint(answering: Answering) {
  const asked: Asked[] = [];
  const server = createServer(async (req: IncomingMessage, res) => {
    const form = new URLSearchParams(
      await new Response(await Array.fromAsync(req).then(Buffer.concat)).text(),
    );
    asked.push({ form, authorization: req.headers.authorization });
    answering(res, form);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ending.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const says =
  (claims: object): Answering =>
  (res) => {
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify(claims));
  };

const active = { active: true, sub: 'ada', aud: `${PUBLIC}/mcp`, scope: 'mcp:use' };

interface Scene {
  readonly gateway: InProcess;
  readonly upstream: Rogue;
  readonly asked: readonly Asked[];
  as(token: string): Promise<{ status: number; headers: Record<string, unknown>; code: unknown }>;
}

async function start(answering: Answering, more: object = {}, own: object = {}): Promise<Scene> {
  const { asked, url } = await startEndpoint(answering);
  const upstream = await startRogue((hit, res) => json(res, answer(hit, 'done')));
  const introspection = {
    url: `${url}/introspect`,
    client_id: 'gw',
    client_secret: 's3cret-canary',
    ...more,
  };
  const gateway = await startInProcess(
    configOf(
      { one: { url: upstream.url } },
      {
        listeners: [{ http: { listen: '127.0.0.1:0', url: PUBLIC } }],
        pipeline: [{ auth: { issuers: [{ issuer: url, introspection, ...own }], scopes: ['mcp:use'] } }],
      },
    ),
    { plugins },
  );
  ending.push(
    () => upstream.stop(),
    () => gateway.stop(),
  );
  return {
    gateway,
    upstream,
    asked,
    async as(token) {
      const got = await call(gateway.url, 'x', {}, { headers: { authorization: `Bearer ${token}` } });
      const { error } = await got.json();
      return { status: got.status, headers: got.headers, code: error?.data?.code };
    },
  };
}

test('who holds an active token is let in, and its issuer is asked once', async () => {
  const { as, asked, upstream, gateway } = await start(says(active));
  expect((await as('opaque-1')).status).toBe(200);
  expect((await as('opaque-1')).status).toBe(200);
  const headers = { authorization: 'Bearer opaque-1' };
  expect((await (await openSession(gateway.url, { headers })).ask('ping')).status).toBe(200);
  expect(asked).toEqual([
    {
      form: new URLSearchParams('token=opaque-1&token_type_hint=access_token'),
      authorization: `Basic ${btoa('gw:s3cret-canary')}`,
    },
  ]);
  // What the caller proved itself by goes no further.
  expect(JSON.stringify(upstream.hits.map((hit) => hit.headers))).not.toContain('opaque-1');
});

test('a standing stream goes by an answer for its time, and then its token is asked for again', async () => {
  const said: object[] = [active];
  const { gateway, asked } = await start((res, form) => says(said.at(-1) ?? {})(res, form), {
    cache: '0s',
    cache_denied: '0s',
    streams: '1s',
  });
  const headers = { authorization: 'Bearer opaque-1' };
  const session = await openSession(gateway.url, { headers });
  const stream = await session.stream();
  const before = asked.length;
  said.push({ active: false });
  // It ends by itself.
  await stream.messages();
  expect(asked).toHaveLength(before);
  expect((await session.ask('ping')).status).toBe(401);
  expect(asked).toHaveLength(before + 1);
});

describe('an active token that is not for here', () => {
  const wrong: [string, object][] = [
    ['for another audience', { ...active, aud: 'https://other.example.com/mcp' }],
    ['for this host, and not this endpoint', { ...active, aud: PUBLIC }],
    ['for nobody in particular', { ...active, aud: undefined }],
    ['of another issuer', { ...active, iss: 'https://evil.example.com' }],
    ['expired, whatever the issuer says', { ...active, exp: 1 }],
    ['with an end that is a text', { ...active, exp: '9999999999' }],
    ['not good yet', { ...active, nbf: Math.floor(Date.now() / 1_000) + 3_600 }],
    ['of nobody', { ...active, sub: undefined }],
    ['of an empty name', { ...active, sub: '' }],
    ['of the anonymous', { ...active, sub: 'anonymous' }],
    ['for refreshing', { ...active, typ: 'Refresh' }],
    ['bound in a way nobody knows', { ...active, cnf: { kid: 'x' } }],
    ['bound to a key, and sent without a proof', { ...active, cnf: { jkt: 'A'.repeat(43) } }],
    ['not active', { ...active, active: false }],
  ];
  test.each(wrong)('%s', async (_, claims) => {
    const { as, upstream } = await start(says(claims));
    for (let time = 1; time <= 2; time++) {
      const { status, headers } = await as('opaque-1');
      expect([status, headers['www-authenticate']]).toEqual([
        401,
        expect.stringContaining('error="invalid_token"'),
      ]);
    }
    expect(upstream.hits).toEqual([]);
  });

  test('with other scopes: 403', async () => {
    const { as, upstream } = await start(says({ ...active, scope: 'mcp:used' }));
    const { status, headers } = await as('opaque-1');
    expect([status, headers['www-authenticate']]).toEqual([
      403,
      expect.stringContaining('insufficient_scope'),
    ]);
    expect(upstream.hits).toEqual([]);
  });
});

describe('an endpoint in trouble is a 503, never "invalid_token"', () => {
  const troubles: [string, Answering][] = [
    ['that breaks', (res) => res.writeHead(500).end('{}')],
    ['that refuses the gateway', (res) => res.writeHead(401).end('{"error":"invalid_client"}')],
    ['that redirects', (res) => res.writeHead(307, { location: 'http://127.0.0.1:1/' }).end()],
    ['that is no JSON', (res) => res.end('<html>s3cret-canary</html>')],
    ['that is too long', (res) => res.end(JSON.stringify({ ...active, x: 'x'.repeat(300_000) }))],
    ['that hangs up', (res) => res.destroy()],
    ['that hangs', () => {}],
  ];
  test.each(troubles)('%s', async (_, answering) => {
    const { as, upstream, gateway } = await start(answering, { timeout: '200ms' });
    const { status, headers, code } = await as('opaque-1');
    expect([status, code, headers['retry-after'], headers['www-authenticate']]).toEqual([
      503,
      'AUTH_UNAVAILABLE',
      '1',
      undefined,
    ]);
    expect(upstream.hits).toEqual([]);
    expect(JSON.stringify(gateway.lines)).not.toMatch(/s3cret-canary|opaque-1/);
  });

  test('and lets in as soon as it works', async () => {
    let works = false;
    const { as } = await start((res, form) => (works ? says(active)(res, form) : res.writeHead(503).end()));
    expect((await as('opaque-1')).status).toBe(503);
    works = true;
    expect((await as('opaque-1')).status).toBe(200);
  });
});

test('two issuers are not shown the tokens of each other', async () => {
  const introspection = { url: 'https://id.example.com/i', client_id: 'a', client_secret: 'b' };
  const issuers = ['a', 'b'].map((name) => ({ issuer: `https://${name}.example.com`, name, introspection }));
  const config = configOf({ one: { builtin: 'demo' } }, { pipeline: [{ auth: { issuers } }] });
  await expect(startInProcess(config, { plugins })).rejects.toThrow('one issuer alone is asked');
});
