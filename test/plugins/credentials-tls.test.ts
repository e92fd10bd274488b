// Authorization servers with a certificate of the operator's own authority, and those that know the gateway by one.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { testPlugin } from 'sluice/testing';
import credentials from '../../plugins/credentials.ts';
import { type Certificate, createAuthority, selfSigned } from '../fixtures/certificates.ts';

const authority = createAuthority('an authority');
const another = createAuthority('another');
const ours: Certificate = authority.issue({ host: 'gateway.example.com' });

let server: Server;
/** Of the last request: the name in the certificate of its client, and its form. */
let asked: { by: string | undefined; form: URLSearchParams };

/** As much of HTTP as one client says. */
const REQUEST = /^(GET|POST) (\S+) .*?\r\n\r\n(.*)$/s;

beforeAll(async () => {
  const own = authority.issue({ host: '127.0.0.1' });
  const options = { ...own, ca: authority.cert, requestCert: true, rejectUnauthorized: false };
  server = createServer(options, (socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += String(chunk);
      const [, method, path = '', body = ''] = REQUEST.exec(text) ?? [];
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (method === undefined || body.length < length) return;
      const by = socket.authorized ? String(socket.getPeerCertificate().subject.CN) : undefined;
      asked = { by, form: new URLSearchParams(body) };
      const said =
        method === 'POST'
          ? { access_token: `by${path}`.replace('/', '-'), token_type: 'Bearer' }
          : metadata();
      const answer = JSON.stringify(said);
      const head = `content-type: application/json\r\ncontent-length: ${answer.length}\r\nconnection: close`;
      socket.end(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${answer}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

const origin = (): string => `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
const metadata = (): object => ({
  issuer: origin(),
  token_endpoint: `${origin()}/token`,
  mtls_endpoint_aliases: { token_endpoint: `${origin()}/mtls` },
});

/** What an upstream is sent with a client of these options; the error's code where it is sent nothing. */
async function sent(options: object): Promise<string | undefined> {
  const entry = { client_credentials: { issuer: origin(), client_id: 'gw', ...options } };
  await using bench = await testPlugin(credentials, entry as never, { upstream: 'up' });
  const { sent, result } = await bench.call({ method: 'tools/call' });
  return sent.at(-1)?.headers.authorization ?? String(Object(result.value.data).code);
}

test('a server is believed by the word of the authority that is written, and of no other', async () => {
  const client = { client_secret: 's' };
  expect(await sent({ ...client, ca: authority.cert })).toBe('Bearer by-token');
  expect(asked.by).toBeUndefined();
  expect(await sent({ ...client, ca: another.cert })).toBe('CREDENTIAL_UNAVAILABLE');
  expect(await sent(client)).toBe('CREDENTIAL_UNAVAILABLE');
});

test('a certificate proves the client, at the place that the server has for it', async () => {
  expect(await sent({ ca: authority.cert, tls: ours })).toBe('Bearer by-mtls');
  expect(asked.by).toBe('gateway.example.com');
  expect(Object.fromEntries(asked.form)).toEqual({ grant_type: 'client_credentials', client_id: 'gw' });
  const secret = { client_secret: 's', auth: 'client_secret_post' };
  expect(await sent({ ca: authority.cert, tls: ours, ...secret })).toBe('Bearer by-mtls');
  expect(asked.by).toBe('gateway.example.com');
  expect(asked.form.get('client_secret')).toBe('s');
});

const { key } = selfSigned('another.example.com');
test.each([
  ['a key of another', { tls: { ...ours, key } }, 'tls.key', 'is not the key of the certificate'],
  ['a path', { tls: { ...ours, cert: 'client.pem' } }, 'tls.cert', 'not a certificate in PEM'],
  [
    'a certificate as proof, and a secret',
    { tls: ours, client_secret: 's', auth: 'tls_client_auth' },
    'auth',
    'needs `tls`, and neither',
  ],
  [
    'a certificate as proof, and none',
    { auth: 'tls_client_auth', client_secret: 's' },
    'auth',
    'needs `tls`, and neither',
  ],
  ['no proof', {}, 'client_secret', 'write `client_secret`, `private_key` or `tls`'],
  ['a path of authorities', { client_secret: 's', ca: 'ca.pem' }, 'ca', 'is no certificate in PEM'],
])('%s is refused where it stands', (_, options, path, says) => {
  const read = credentials.schema.safeParse({
    client_credentials: { issuer: 'https://id.example.com', client_id: 'gw', ...options },
  });
  const told = read.error?.issues.map((issue) => [issue.path.slice(1).join('.'), issue.message]);
  expect(told).toEqual([[path, expect.stringContaining(says)]]);
});
