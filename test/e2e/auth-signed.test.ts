// Callers who sign, over real sockets: what is altered on its way reaches no upstream, in neither era.
import { describe, expect, test } from 'bun:test';
import auth from '../../plugins/auth.ts';
import { HMAC_FORM, signHmac } from '../../plugins/signatures/hmac-v1.ts';
import type { Message } from '../../plugins/signatures/message.ts';
import { schemes } from '../fixtures/auth/signers.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { initialize, modern, modernHeaders } from '../fixtures/raw.ts';
import { answer, json } from '../fixtures/rogue.ts';
import { running } from '../fixtures/running.ts';
import { FORTY, mutations, signedWith } from '../fixtures/signing/mutations.ts';
import { type Answer, POST_HEADERS, send } from '../fixtures/wire.ts';

const run = running();
const PUBLIC = 'https://gateway.example';

/** A gateway that is known to its callers as PUBLIC, and an upstream that counts. */
async function started(options: object) {
  const rogue = await run.rogue((hit, res) => json(res, answer(hit)), { era: 'both' });
  const config = configOf({ up: { url: rogue.url } });
  const listeners = [{ http: { listen: '127.0.0.1:0', url: PUBLIC } }];
  const whole = { ...config, listeners, pipeline: [{ auth: { signatures: options } }] };
  const gateway = await startInProcess(whole, { plugins: { auth } });
  return { rogue, gateway, origin: new URL(gateway.url).origin };
}

/** The request as it goes over the wire: to wherever the gateway listens, whoever it says it is for. */
function sent(origin: string, { method, url, headers, body }: Message): Promise<Answer> {
  const { pathname, search } = new URL(url);
  return send(origin + pathname + search, { method, headers: { ...headers }, ...(body !== '' && { body }) });
}

const call = (): Message => ({
  method: 'POST',
  url: `${PUBLIC}/mcp?a=1`,
  headers: { ...POST_HEADERS, ...modernHeaders('tools/call', 'echo') },
  body: JSON.stringify(modern('tools/call', { name: 'echo', arguments: { n: 1, text: 'ä' } })),
});

for (const [name, { options, sign, own, covered, isWhole }] of Object.entries(schemes)) {
  describe(name, () => {
    test('a call that is signed reaches its upstream, and comes once', async () => {
      const { rogue, gateway, origin } = await started(options);
      const signed = sign(call(), Date.now());
      expect((await sent(origin, signed)).status).toBe(200);
      expect(rogue.of('tools/call')).toHaveLength(1);
      const again = await sent(origin, signed);
      expect([again.status, again.headers['www-authenticate']]).toEqual([401, 'Signature']);
      expect(rogue.of('tools/call')).toHaveLength(1);
      expect(gateway.lines.filter(({ message }) => message === 'refused')).toMatchObject([
        { fields: { by: 'signatures', reason: 'replayed' } },
      ]);
      await gateway.stop();
    });

    test('forty and more that are altered in one place reach none', async () => {
      const { rogue, gateway, origin } = await started(options);
      const signed = sign(call(), Date.now());
      const all = mutations(signed, own, { method: true, body: true, url: isWhole, ...covered }).filter(
        ([, mutated]) => canBeSent(mutated, own),
      );
      expect(all.length).toBeGreaterThanOrEqual(FORTY);
      const passed: string[] = [];
      for (const [what, mutated] of all) {
        const { status } = await sent(origin, mutated);
        // Another path is no endpoint, another method none of MCP, other JSON none at all.
        if (![400, 401, 404, 405, 415].includes(status)) passed.push(`${what}: ${status}`);
      }
      expect(passed).toEqual([]);
      expect(rogue.hits.map(({ message }) => message.method)).toEqual([]);
      // And as it was, it is still good: what did not hold used up no nonce.
      expect((await sent(origin, signed)).status).toBe(200);
      await gateway.stop();
    });

    test('a session of 2025 from initialize to its end', async () => {
      const { rogue, gateway, origin } = await started(options);
      const say = (method: string, message: object | undefined, headers: object) =>
        sent(
          origin,
          sign(
            {
              method,
              url: `${PUBLIC}/mcp`,
              headers: { ...(message && POST_HEADERS), ...headers },
              body: message ? JSON.stringify(message) : '',
            },
            Date.now(),
          ),
        );
      const hello = await say('POST', initialize('2025-11-25'), {});
      expect(hello.status).toBe(200);
      const headers = {
        'mcp-session-id': String(hello.headers['mcp-session-id']),
        'mcp-protocol-version': '2025-11-25',
      };
      await hello.text();
      const told = { jsonrpc: '2.0', method: 'notifications/initialized' };
      expect((await say('POST', told, headers)).status).toBe(202);
      const asked = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'echo', arguments: {} } };
      expect((await say('POST', asked, headers)).status).toBe(200);
      const bare = await send(`${origin}/mcp`, {
        method: 'GET',
        headers: { ...headers, accept: 'text/event-stream' },
      });
      expect(bare.status).toBe(401);
      const standing = await say('GET', undefined, { ...headers, accept: 'text/event-stream' });
      // Of a GET and a DELETE a webhook covers nothing.
      expect(standing.status).toBe(isWhole ? 200 : 401);
      expect((await say('DELETE', undefined, headers)).status).toBe(isWhole ? 200 : 401);
      expect(rogue.of('tools/call')).toHaveLength(1);
      await gateway.stop();
      await standing.text().catch(() => {});
    });
  });
}

/** Spaces around a value are none of it; the client of these tests writes methods in capitals, and the type of a body. */
function canBeSent({ method, headers }: Message, own: readonly string[]): boolean {
  const isItsOwn = method !== method.toUpperCase() || headers['content-type'] === undefined;
  return !isItsOwn && own.every((name) => !headers[name]?.startsWith(' '));
}

describe('what else a request may say', () => {
  const { options, sign } = schemes['hmac-v1'];
  const other = (headers: Record<string, string>) => (message: Message) => ({
    ...message,
    headers: { ...message.headers, ...headers },
  });

  for (const [what, headers] of [
    ['who it is for', { 'x-forwarded-host': 'other.example', 'x-original-url': '/other' }],
    ['who calls', { 'x-forwarded-user': 'root', 'x-tenant-id': 'other', 'mcp-init-host': 'other.example' }],
    ['another name, with an underscore', { mcp_name: 'other', mcp_method: 'tools/list' }],
  ] as const) {
    test(`${what}, and nothing comes of it`, async () => {
      const { rogue, gateway, origin } = await started(options);
      const signed = sign(call(), Date.now());
      expect((await sent(origin, other(headers)(signed))).status).toBe(200);
      const [hit] = rogue.of('tools/call');
      expect(hit?.message.params?.name).toBe('echo');
      for (const name of Object.keys(headers)) expect(hit?.headers).not.toHaveProperty(name);
      await gateway.stop();
    });
  }
  for (const [what, headers] of [
    ['another name', { 'mcp-name': 'other' }],
    ['the name twice', { 'mcp-name': 'echo, echo' }],
    ['the name in another spelling', { 'mcp-name': '=?base64?b3RoZXI=?=' }],
    ['another method', { 'mcp-method': 'tools/list' }],
    ['an older version', { 'mcp-protocol-version': '2025-11-25' }],
  ] as const) {
    test(`${what} than its body: 400, whoever signed it`, async () => {
      const { rogue, gateway, origin } = await started(options);
      const message = other(headers)(call());
      const signed = signedWith(
        message,
        signHmac(
          message,
          HMAC_FORM,
          [{ id: 'k1', secret: 'a secret of thirty-two bytes, yes', encoding: 'text' }],
          Date.now(),
        ),
      );
      expect((await sent(origin, signed)).status).toBe(400);
      expect(rogue.of('tools/call')).toEqual([]);
      await gateway.stop();
    });
  }
  for (const body of [
    '{"method":"tools/list",',
    '{"Method":"tools/list",',
    '{"method\\u0000":"x","params":{},',
  ]) {
    test(`a body that begins ${body}: 400, or the one method`, async () => {
      const { rogue, gateway, origin } = await started(options);
      const message = { ...call(), body: call().body.replace('{', body) };
      const { status } = await sent(origin, sign(message, Date.now()));
      expect(status).toBe(400);
      expect(rogue.of('tools/call')).toEqual([]);
      await gateway.stop();
    });
  }
});
