// Proofs of possession over a Unix socket: they are for the public URL that is configured, whatever Host the client of
// a socket makes up; where nobody has said one, there is nothing that a proof could be for.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import auth from '../../plugins/auth.ts';
import { type Holder, holder } from '../fixtures/auth/proofs.ts';
import { configOf, DEMO, startInProcess } from '../fixtures/in-process.ts';
import { AUDIENCE, type Issuer, startIssuer } from '../fixtures/issuer.ts';
import { modern, modernHeaders } from '../fixtures/raw.ts';
import { send } from '../fixtures/wire.ts';

const dir = mkdtempSync(join(tmpdir(), 'sluice-proofs-'));
const socketPath = join(dir, 's');
let issuer: Issuer;
let owner: Holder;

beforeAll(async () => {
  issuer = await startIssuer();
  owner = await holder();
});
afterAll(async () => {
  await issuer[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

async function asked(url: string | undefined, htu: string, host = 'localhost'): Promise<unknown[]> {
  await using gateway = await startInProcess(
    configOf(DEMO, {
      listeners: [{ http: { listen: `unix:${socketPath}`, ...(url !== undefined && { url }) } }],
      pipeline: [{ auth: { issuers: [{ issuer: issuer.url, audiences: [AUDIENCE] }], dpop: {} } }],
    }),
    { plugins: { auth } },
  );
  const token = await issuer.token({ cnf: { jkt: owner.jkt } });
  const dpop = await owner.prove(token, { htu, iat: Math.floor(Date.now() / 1_000) });
  const { status } = await send('http://localhost/mcp', {
    socketPath,
    headers: { ...modernHeaders('tools/list'), authorization: `DPoP ${token}`, dpop, host },
    body: modern('tools/list'),
  });
  return [status, gateway.lines.findLast(({ message }) => message === 'refused')?.fields.reason];
}

const ORIGIN = new URL(AUDIENCE).origin;
const wrong = [401, 'proof_of_other_url'];

test.each([
  ['for the public URL', ORIGIN, AUDIENCE, 'localhost', [200, undefined]],
  ['for it, with another Host', ORIGIN, AUDIENCE, 'elsewhere.example', [200, undefined]],
  ['for what the client calls the socket', ORIGIN, 'http://localhost/mcp', 'localhost', wrong],
  ['for the Host that it says', ORIGIN, 'https://elsewhere.example/mcp', 'elsewhere.example', wrong],
  ['for the path of the socket', ORIGIN, `unix:${socketPath}`, 'localhost', wrong],
  ['for an endpoint beside it', ORIGIN, `${AUDIENCE}/other`, 'localhost', wrong],
  ['where no URL is configured', undefined, 'http://localhost/mcp', 'localhost', [401, 'url_unknown']],
])('a proof %s', async (_, url, htu, host, said) => expect(await asked(url, htu, host)).toEqual(said));
