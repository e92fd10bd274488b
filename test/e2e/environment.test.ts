// A gateway from variables alone: it takes what is not signed from this machine, and signs it to an upstream that lets
// nothing else in.
import { afterEach, describe, expect, test } from 'bun:test';
import { HMAC_FORM, verifyHmac } from '../../plugins/signatures/hmac-v1.ts';
import { call, openSession } from '../fixtures/clients.ts';
import { answer, type Behaviour, type Hit, json } from '../fixtures/rogue.ts';
import { running } from '../fixtures/running.ts';
import { ruleOf } from '../fixtures/signing/rule.ts';
import { Home, urlOf } from '../unit/cli/child.ts';

const run = running();
const KEY = 'canary-key-4711';
const SECRET = 'canary-secret-of-more-than-32-bytes';

const homes: Home[] = [];
afterEach(() => Promise.all(homes.splice(0).map((home) => home[Symbol.asyncDispose]())));

/** Lets in what is signed with this secret, and notes who it was. */
function guard(secret = SECRET) {
  const rule = ruleOf({ form: HMAC_FORM, keys: [{ id: KEY, secret, encoding: 'text' as const }] });
  const let_in: string[] = [];
  const before: Behaviour = ({ method, path, headers, text, message }: Hit, res) => {
    const sent = {
      method,
      url: `http://${headers.host}${path}`,
      headers: headers as Record<string, string>,
      body: text,
    };
    try {
      let_in.push(verifyHmac(sent, { ...rule, now: Date.now() }).id);
      return false;
    } catch (error) {
      let_in.push(String(error));
      return json(res, {
        jsonrpc: '2.0',
        id: message.id ?? null,
        error: { code: -32000, message: `not signed with ${SECRET}`, data: { wanted: [secret] } },
      });
    }
  };
  return { before, let_in };
}

function environment(url: string, more: Record<string, string> = {}) {
  const home = new Home();
  homes.push(home);
  const env: Record<string, string> = {
    MCP_UPSTREAM_URL: url,
    MCP_API_KEY: KEY,
    MCP_API_SECRET: SECRET,
    MCP_LISTEN_ADDR: '127.0.0.1:0',
    MCP_ADMIN_ADDR: 'off',
    MCP_READ_TIMEOUT: '20s',
    MCP_LOG_LEVEL: 'debug',
    ...more,
  };
  return { home, env, command: (...args: string[]) => home.run(args, '', env) };
}

for (const era of ['2025', '2026'] as const) {
  test(`every message to an upstream of ${era} verifies, and the secret is nowhere`, async () => {
    const { before, let_in } = guard();
    const rogue = await run.rogue((hit, res) => json(res, answer(hit)), { era, before });
    const { home, env, command } = environment(rogue.url);
    const gateway = home.start(['run'], { env });
    const url = await urlOf(gateway);
    expect(await (await call(url, 'tool')).messages()).toMatchObject([{ result: {} }]);
    const session = await openSession(url);
    expect(await (await session.call('tool')).messages()).toMatchObject([{ result: {} }]);
    expect(rogue.hits.length).toBeGreaterThan(2);
    expect(new Set(let_in)).toEqual(new Set([KEY]));
    for (const hit of rogue.hits) expect(hit.headers['x-api-key']).toBeUndefined();
    const shown = [
      await command('check'),
      await command('status', '--json'),
      await command('explain', 'tools/call', 'tool', '--json'),
    ];
    gateway.signal('SIGTERM');
    expect(await gateway.exited).toBe(0);
    expect(shown.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(shown[2]?.out).toContain('"signing"');
    expect(gateway.said + JSON.stringify(shown)).not.toContain(SECRET);
  });
}

test('an upstream that does not know the secret: its caller is told, and not what it was', async () => {
  const { before, let_in } = guard('another-secret-of-more-than-32-bytes');
  const rogue = await run.rogue((hit, res) => json(res, answer(hit)), { before });
  const { home, env } = environment(rogue.url);
  const gateway = home.start(['run'], { env });
  const told = await (await call(await urlOf(gateway), 'tool')).text();
  expect(told).toContain('"error"');
  expect(new Set(let_in)).toEqual(new Set(['Error: the signature is refused: signature_wrong']));
  expect(told).toContain('not signed with ••••');
  expect(told + gateway.said).not.toContain(SECRET);
});

describe('refused before anything is opened', () => {
  test.each([
    ['an address of other machines', { MCP_LISTEN_ADDR: '0.0.0.0:0' }, 'LISTEN_UNSAFE'],
    ['a secret that is too short', { MCP_API_SECRET: 'canary-short' }, 'environment: MCP_API_SECRET'],
    ['a key that cannot be sent', { MCP_API_KEY: 'canary key' }, 'environment: MCP_API_KEY'],
    ['a URL that is none', { MCP_UPSTREAM_URL: 'mcp.example.com' }, 'environment: MCP_UPSTREAM_URL'],
  ])('%s', async (_, more, told) => {
    const { command } = environment('http://127.0.0.1:1/mcp', more);
    for (const args of [['check'], ['run']]) {
      const { code, out, err } = await command(...args);
      expect(code).toBe(78);
      expect(err).toContain(told);
      expect(out + err).not.toContain('canary');
    }
  });
});
