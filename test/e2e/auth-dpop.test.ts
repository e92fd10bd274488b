// Tokens that are bound to a key or to a certificate, over real sockets: whoever has the token alone has nothing.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash, X509Certificate } from 'node:crypto';
import auth from '../../plugins/auth.ts';
import { type Holder, holder } from '../fixtures/auth/proofs.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { AUDIENCE, type Issuer, startIssuer } from '../fixtures/issuer.ts';
import { initialize, json as JSON_HEADERS, modern, modernHeaders } from '../fixtures/raw.ts';
import { answer, json, type Rogue } from '../fixtures/rogue.ts';
import { running } from '../fixtures/running.ts';
import { type Secured, secured, trusting } from '../fixtures/secured.ts';
import { type Answer, post, send } from '../fixtures/wire.ts';

const run = running();
let issuer: Issuer;
let owner: Holder;

beforeAll(async () => {
  issuer = await startIssuer();
  owner = await holder();
});
afterAll(() => issuer[Symbol.asyncDispose]());

const bound = () => issuer.token({ cnf: { jkt: owner.jkt } });
const now = () => Math.floor(Date.now() / 1_000);
/** A proof as it should be, for the public URL of the gateway. */
const proofOf = (token: string, claims: object = {}, by = owner) =>
  by.prove(token, { htu: AUDIENCE, iat: now(), ...claims });

/** Why the last caller was refused, as the log says. */
const reasonAt = ({ lines }: InProcess) =>
  lines.findLast(({ message }) => message === 'refused')?.fields.reason;

interface Guarded {
  readonly rogue: Rogue;
  readonly gateway: InProcess;
  call(headers: Record<string, string>): Promise<Answer>;
}

async function guarded(entry: object = {}, mode = 'optional'): Promise<Guarded> {
  const rogue = await run.rogue((hit, res) => json(res, answer(hit)), { era: 'both' });
  const config = {
    ...configOf({ up: { url: rogue.url } }),
    listeners: [{ http: { listen: '127.0.0.1:0', url: new URL(AUDIENCE).origin } }],
    pipeline: [{ auth: { issuers: [{ issuer: issuer.url, dpop: mode }], ...entry } }],
  };
  const gateway = await startInProcess(config, { plugins: { auth } });
  const body = modern('tools/call', { name: 'echo', arguments: {} });
  const call = (headers: Record<string, string>) =>
    post(gateway.url, body, { ...modernHeaders('tools/call', 'echo'), ...headers });
  return { rogue, gateway, call };
}

describe('a token bound to a key', () => {
  test('with a new proof for each request it is let in', async () => {
    const { rogue, gateway, call } = await guarded({ dpop: {} });
    const token = await bound();
    for (const scheme of ['DPoP', 'dpop'])
      expect((await call({ authorization: `${scheme} ${token}`, dpop: await proofOf(token) })).status).toBe(
        200,
      );
    expect(rogue.of('tools/call')).toHaveLength(2);
    // The caller's own token, and what proves it, stay here.
    for (const { headers } of rogue.hits)
      expect([headers.authorization, headers.dpop]).toEqual([undefined, undefined]);
    expect(JSON.stringify(gateway.lines)).not.toContain(token);
    await gateway.stop();
  });

  test('and without one, or with another, it is not', async () => {
    const { rogue, gateway, call } = await guarded({ dpop: {} });
    const token = await bound();
    const used = await proofOf(token);
    expect((await call({ authorization: `DPoP ${token}`, dpop: used })).status).toBe(200);
    const stranger = await holder();
    const host = 'http://127.0.0.1:1/mcp';
    const table: [reason: string, headers: Record<string, string>][] = [
      ['bound_token_as_bearer', { authorization: `Bearer ${token}` }],
      ['bound_token_as_bearer', { authorization: `Bearer ${token}`, dpop: await proofOf(token) }],
      ['proof_missing', { authorization: `DPoP ${token}` }],
      ['proof_replayed', { authorization: `DPoP ${token}`, dpop: used }],
      [
        'proof_of_other_method',
        { authorization: `DPoP ${token}`, dpop: await proofOf(token, { htm: 'GET' }) },
      ],
      [
        'proof_of_other_url',
        { authorization: `DPoP ${token}`, dpop: await proofOf(token, { htu: gateway.url }) },
      ],
      [
        'proof_of_other_url',
        {
          authorization: `DPoP ${token}`,
          dpop: await proofOf(token, { htu: host }),
          'x-forwarded-host': '127.0.0.1:1',
        },
      ],
      ['proof_too_old', { authorization: `DPoP ${token}`, dpop: await proofOf(token, { iat: now() - 120 }) }],
      ['proof_of_other_token', { authorization: `DPoP ${token}`, dpop: await proofOf('another') }],
      ['proof_of_other_key', { authorization: `DPoP ${token}`, dpop: await proofOf(token, {}, stranger) }],
      ['not_bound', { authorization: `DPoP ${await issuer.token()}`, dpop: await proofOf(token) }],
      ['binding_unknown', { authorization: `Bearer ${await issuer.token({ cnf: { kid: 'x' } })}` }],
    ];
    for (const [reason, headers] of table) {
      const refused = await call(headers);
      expect([reason, refused.status]).toEqual([reason, 401]);
      const challenge = String(refused.headers['www-authenticate']);
      const metadata = 'resource_metadata="https://gateway.example/.well-known/oauth-protected-resource/mcp"';
      expect(challenge).toContain(
        reason.startsWith('proof_')
          ? 'DPoP error="invalid_dpop_proof", algs="ES256'
          : 'Bearer error="invalid_token"',
      );
      expect(challenge).toMatch(/DPoP .*algs="/);
      expect(challenge.split(metadata)).toHaveLength(3);
      expect(reasonAt(gateway)).toBe(reason);
    }
    expect(rogue.of('tools/call')).toHaveLength(1);
    await gateway.stop();
  });

  test('a nonce of the gateway is asked for, and taken', async () => {
    const { rogue, gateway, call } = await guarded({ dpop: { nonce: 'required' } });
    const token = await bound();
    const asked = await call({ authorization: `DPoP ${token}`, dpop: await proofOf(token) });
    expect([asked.status, asked.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining('DPoP error="use_dpop_nonce"'),
    ]);
    const nonce = String(asked.headers['dpop-nonce']);
    const told = await call({ authorization: `DPoP ${token}`, dpop: await proofOf(token, { nonce }) });
    expect(told.status).toBe(200);
    expect(rogue.of('tools/call')).toHaveLength(1);
    await gateway.stop();
  });

  test('where tokens have to be bound, others are refused, and everybody is told', async () => {
    const { rogue, gateway, call } = await guarded({}, 'required');
    expect((await call({ authorization: `Bearer ${await issuer.token()}` })).status).toBe(401);
    const nobody = await call({});
    expect([nobody.status, nobody.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining('DPoP algs='),
    ]);
    expect(rogue.hits).toEqual([]);
    await gateway.stop();
  });

  test('a session of 2025 proves each request of it, the standing stream and the end, too', async () => {
    const { gateway } = await guarded();
    const token = await bound();
    const with_ = async (htm: string, more: object = {}) => ({
      authorization: `DPoP ${token}`,
      dpop: await proofOf(token, { htm }),
      ...more,
    });
    const hello = await post(gateway.url, initialize('2025-11-25'), await with_('POST'));
    expect(hello.status).toBe(200);
    await hello.text();
    const session = {
      'mcp-session-id': String(hello.headers['mcp-session-id']),
      'mcp-protocol-version': '2025-11-25',
      accept: 'text/event-stream',
    };
    const get = async (headers: Record<string, string>) => send(gateway.url, { method: 'GET', headers });
    expect((await get({ authorization: `Bearer ${token}`, ...session })).status).toBe(401);
    expect((await get(await with_('POST', session))).status).toBe(401);
    expect((await get(await with_('GET', session))).status).toBe(200);
    const headers = await with_('DELETE', session);
    expect((await send(gateway.url, { method: 'DELETE', headers })).status).toBe(200);
    await gateway.stop();
  });
});

describe('a token bound to a certificate', () => {
  let on: Secured;
  beforeAll(() => {
    on = secured();
  });
  afterAll(() => on[Symbol.dispose]());

  test('is good on a connection with that certificate', async () => {
    const [robot, stranger] = ['robot.test', 'stranger.test'].map((host) => on.authority.issue({ host }));
    if (!robot || !stranger) throw new Error('no certificates');
    const http = { url: new URL(AUDIENCE).origin };
    const listeners = on.listeners({ client: { ca: on.path('ca.pem'), require: false } }, http);
    const pipeline = [{ auth: { issuers: [{ issuer: issuer.url }] } }];
    const gateway = await startInProcess(configOf(DEMO, { ...listeners, pipeline }), { plugins: { auth } });
    const thumbprint = createHash('sha256').update(new X509Certificate(robot.cert).raw).digest('base64url');
    const token = await issuer.token({ cnf: { 'x5t#S256': thumbprint } });
    const call = async (shown?: typeof robot) => {
      const headers = {
        ...JSON_HEADERS,
        ...modernHeaders('tools/call', 'echo'),
        authorization: `Bearer ${token}`,
      };
      const body = JSON.stringify(modern('tools/call', { name: 'echo', arguments: { text: 'x' } }));
      const answered = await trusting(on.authority.cert, shown)(gateway.url, {
        method: 'POST',
        headers,
        body,
      });
      await answered.text();
      return [answered.status, reasonAt(gateway)];
    };
    expect(await call(robot)).toEqual([200, undefined]);
    expect(await call(stranger)).toEqual([401, 'certificate_of_another']);
    expect(await call()).toEqual([401, 'certificate_missing']);
    await gateway.stop();
  });
});
