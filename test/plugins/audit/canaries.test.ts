// Secrets of every kind, wherever callers and servers can put them, through success and failure: none of them is in the
// log, in what sinks are sent, in figures, in what the gateway logs, or in the directory of state.
import { beforeAll, expect, test } from 'bun:test';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { McpResult, RawObject, refuse } from 'sluice/plugin';
import { type Call, type Harness, testPlugin } from 'sluice/testing';
import audit from '../../../plugins/audit.ts';
import { keyOf } from '../../../plugins/auth/key-text.ts';
import { receiver } from '../../fixtures/audit/receiver.ts';
import { until } from '../../fixtures/until.ts';

/** By kind: what stands in a text, and the part of it that must come out nowhere. */
const CANARIES: Readonly<Record<string, readonly [text: string, secret: string]>> = {
  bearer: ['Bearer cAnArYbearer0815', 'cAnArYbearer0815'],
  basic: ['Basic Y0FuQXJZYmFzaWM6MDgxNQ==', 'Y0FuQXJZYmFzaWM6MDgxNQ'],
  jwt: ['eyJjQW5BclkiOiJqd3QifQ.eyJzdWIiOiJjQW5BclkifQ.c2lnbmF0dXJl', 'eyJjQW5BclkiOiJqd3QifQ'],
  proof: ['DPoP eyJjQW5BclkiOiJkcG9wIn0.eyJodG0iOiJQT1NUIn0.cHJvb2Y', 'eyJjQW5BclkiOiJkcG9wIn0'],
  cookie: ['cookie: sid=cAnArYcookie0815', 'cAnArYcookie0815'],
  key: [keyOf('canarycanary', 'cAnArY7'.padEnd(43, 'k')), 'cAnArY7'],
  clientSecret: ['client_secret=cAnArYclient0815', 'cAnArYclient0815'],
  password: ['"password":"cAnArYpassword0815"', 'cAnArYpassword0815'],
  signature: ['signature=:Y0FuQXJZc2lnbmF0dXJl:', 'Y0FuQXJZc2lnbmF0dXJl'],
  state: ['requestState=cAnArYstate0815', 'cAnArYstate0815'],
  pem: ['-----BEGIN PRIVATE KEY-----\nY0FuQXJZcGVt\n-----END', 'Y0FuQXJZcGVt'],
  address: ['https://me:cAnArYaddress0815@host/path', 'cAnArYaddress0815'],
  random: ['cAnArY0815cAnArY4711cAnArY2342cAnArY', 'cAnArY0815cAnArY4711cAnArY2342cAnArY'],
};

const ORIGIN = 'gw.example.com/1';
const keys = [{ id: 'k1', secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}` }];

/** Calls with the text in every place there is, and every end a call can have. */
function callsWith(text: string): Call[] {
  const json = JSON.stringify(text);
  const header = text.replace(/\s+/g, ' ');
  const params = (name: string): string =>
    `{"name":${JSON.stringify(name)},"arguments":{"q":${json},"deep":[{"k":${json}}]},"requestState":${json},"_meta":{"x":${json}}}`;
  const told = { resultType: 'complete', content: [{ type: 'text', text }] };
  const from = {
    client: { info: { name: text, version: text } },
    headers: {
      authorization: header,
      cookie: header,
      'x-api-key': header,
      dpop: header,
      signature: header,
      'user-agent': header,
    },
    principal: { id: text, tenant: 'north' },
  };
  const call = (more: Partial<Call>): Call => ({
    method: 'tools/call',
    params: params('search'),
    ...from,
    ...more,
  });
  const error = RawObject.trusted(
    JSON.stringify({ code: -32000, message: text, data: { code: text, rule: text } }),
  );
  const unknown = { kind: 'none' as const, asked: text };
  return [
    call({ result: told }),
    call({ result: { ...told, isError: true } }),
    call({ upstream: () => new McpResult('error', error) }),
    call({ upstream: () => refuse('FORBIDDEN', text, { rule: text }) }),
    call({
      upstream: () => {
        throw new Error(text);
      },
    }),
    call({ params: params(text) }),
    call({
      params: params(text),
      route: { kind: 'one', upstream: 'upstream', asked: text, name: text } as never,
    }),
    call({ params: params(text), route: unknown as never }),
    call({ method: `tools/${text}`, params: `{"name":${json}}` }),
    call({ method: text, params: `{"x":${json}}`, route: unknown as never }),
    call({
      method: 'resources/read',
      params: `{"uri":${JSON.stringify(`db://me:${text}@host/x?token=${text}#${text}`)}}`,
    }),
    call({
      result: { resultType: 'input_required', requestState: text, inputRequests: { a: { method: text } } },
    }),
  ];
}

let out: Readonly<Record<string, string>> = {};

const below = (directory: string): string =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(directory, name)).isFile())
    .map((name) => `${name}\n${readFileSync(join(directory, name), 'utf8')}`)
    .join('\n');

async function throughAll(gateway: Harness): Promise<void> {
  for (const [text] of Object.values(CANARIES))
    for (const call of callsWith(text)) await gateway.call(call).catch(() => undefined);
}

beforeAll(async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'sluice-canaries-'));
  const syslog = createSocket('udp4');
  const got: string[] = [];
  syslog.on('message', (message) => void got.push(message.toString()));
  await new Promise<void>((resolve) => syslog.bind(0, '127.0.0.1', resolve));
  await using hook = receiver();
  await using collector = receiver(() => new Response('{}'));
  const sinks = [
    { kind: 'syslog', to: `udp://127.0.0.1:${syslog.address().port}`, longest: 65_000 },
    { kind: 'otlp', url: collector.url },
    { kind: 'webhook', url: hook.url, keys },
  ];
  // The worst there is: all arguments of a tool are wanted as they are.
  const options = { origin: ORIGIN, level: 2, sinks, arguments: { search: ['q', 'deep'] } };
  const gateway = await testPlugin(audit, options as never, { stateDir });
  await throughAll(gateway);
  const report = JSON.stringify(await gateway.report());
  await gateway.dispose();
  await until(() => got.length > 0);
  out = {
    log: below(join(stateDir, 'audit')),
    state: below(stateDir),
    syslog: got.join('\n'),
    otlp: collector.requests.map(({ body }) => body).join('\n'),
    webhook: hook.requests.map(({ body }) => body).join('\n'),
    'what the gateway logs': JSON.stringify(gateway.log),
    figures: JSON.stringify([[...gateway.counts], [...gateway.levels]]),
    report,
  };
  syslog.close();
  rmSync(stateDir, { recursive: true });
}, 60_000);

test('they were written down, each with its end', () => {
  const lines = (out.log ?? '').split('\n').filter((line) => line.startsWith('{'));
  const outcomes = lines.filter((line) => line.includes('"type":"outcome"'));
  expect(outcomes.length).toBeGreaterThanOrEqual(Object.keys(CANARIES).length * 9);
  expect(out.log).toContain('arg.q');
  expect(out.log?.split('••••').length).toBeGreaterThan(50);
  for (const sink of ['syslog', 'otlp', 'webhook'])
    expect(out[sink]?.split('outcome').length).toBeGreaterThan(100);
});

for (const where of [
  'log',
  'state',
  'syslog',
  'otlp',
  'webhook',
  'what the gateway logs',
  'figures',
  'report',
])
  test(`${where}: nothing of them`, () => {
    const text = out[where] ?? '';
    expect(text.length).toBeGreaterThan(1);
    const found = Object.entries(CANARIES).filter(([, [, secret]]) => text.includes(secret));
    expect(
      found.map(
        ([kind, [, secret]]) =>
          `${kind}: ${text.slice(Math.max(0, text.indexOf(secret) - 80), text.indexOf(secret) + 20)}`,
      ),
    ).toEqual([]);
  });

test('the operator chooses fields: others are not written', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'sluice-fields-'));
  const options = { origin: ORIGIN, fields: ['method', 'status'], redact: ['sea..h'] };
  const gateway = await testPlugin(audit, options as never, { stateDir });
  await gateway.call({ method: 'tools/call', params: { name: 'search' } });
  await gateway.dispose();
  const lines = readFileSync(join(stateDir, 'audit', 'segment-0000000000000001.jsonl'), 'utf8').split('\n');
  const outcome = JSON.parse(lines.find((line) => line.includes('"outcome"')) ?? '{}');
  const log = ['boot', 'entry_hash', 'mono_us', 'prev_hash', 'seq', 'ts', 'v'];
  expect(Object.keys(outcome).sort()).toEqual([...log, 'method', 'req_id', 'status', 'type'].sort());
  rmSync(stateDir, { recursive: true });
});

test.each([['('], ['[a'], ['']])('%p is no pattern', (pattern) => {
  expect(audit.schema.safeParse({ redact: [pattern] }).success).toBe(false);
});
