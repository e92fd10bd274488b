// Tokens that their issuer is asked about: what is asked, what holds for how long, and that trouble is no verdict.
import { expect, test } from 'bun:test';
import type { Attempt, Verdict } from '../../../plugins/auth/attempt.ts';
import {
  type Answered,
  type IntrospectionOptions,
  introspection,
  introspectionSchema,
} from '../../../plugins/auth/introspection.ts';
import { newKey } from '../../../plugins/auth/key-text.ts';
import { recordingLog } from '../../../src/testing/host.ts';
import type { Line } from '../../fixtures/in-process.ts';

const NOW = 1_800_000_000_000;
const URL = 'https://id.example.com/introspect';

interface Asked {
  readonly form: URLSearchParams;
  readonly headers: Record<string, string>;
  answer(json: unknown, status?: number, headers?: Record<string, string>): void;
  fail(): void;
}

function scene(options: Partial<Record<keyof IntrospectionOptions, unknown>> = {}) {
  const asked: Asked[] = [];
  const lines: Line[] = [];
  const counted: string[] = [];
  const clock = { now: NOW };
  const parsed = introspectionSchema.parse({
    url: URL,
    client_id: 'gw',
    client_secret: 's3cret',
    ...options,
  });
  const method = introspection(parsed, {
    host: {
      id: 'auth',
      log: recordingLog(lines),
      now: () => clock.now,
      keep: (_, make) => make(),
      count: (event, labels = {}) => counted.push([event, labels.kind, labels.reason].join(' ')),
      limitHit: (limit) => counted.push(limit),
      stateDir: undefined,
      replaced: new AbortController().signal,
    },
    post(form, headers) {
      const { promise, resolve, reject } = Promise.withResolvers<Answered>();
      asked.push({
        form: new URLSearchParams(form),
        headers,
        answer: (json, status = 200, more = {}) => resolve({ status, json, headers: new Headers(more) }),
        fail: () => reject(new Error('no answer within 3s')),
      });
      return promise;
    },
    judge: (claims) => ({
      kind: 'found',
      principal: {
        id: String(claims.sub),
        scopes: [],
        ...(claims.until ? { expires: Number(claims.until) } : {}),
      },
    }),
  });
  const verify = async (credentials: string, scheme = 'bearer', address = '192.0.2.1') => {
    const authorization = { scheme, credentials };
    const peer = () => ({ address });
    return method.verify({ authorization, now: clock.now, peer } as unknown as Attempt);
  };
  return { asked, lines, counted, clock, verify };
}

type Scene = ReturnType<typeof scene>;

/** Verifies a token that is asked for, and answers. */
async function answered({ asked, verify }: Scene, token: string, json: unknown, ...more: [number?, object?]) {
  const verdict = verify(token);
  asked.at(-1)?.answer(json, ...(more as [number?, Record<string, string>?]));
  return verdict;
}

const found = { kind: 'found', principal: { id: 'ada' } };
const inactive: Verdict = { kind: 'refused', reason: 'token_inactive', error: 'invalid_token' };

test('asks as the RFC says, and proves itself in the head', async () => {
  const at = scene({ client_id: 'gate way', client_secret: 'a:b%é' });
  expect(await answered(at, 'abc', { active: true, sub: 'ada' })).toMatchObject(found);
  const [{ form, headers } = { form: undefined, headers: {} }] = at.asked;
  expect([...(form ?? [])]).toEqual([
    ['token', 'abc'],
    ['token_type_hint', 'access_token'],
  ]);
  expect(headers).toMatchObject({
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
    // RFC 6749 §2.3.1: both parts are encoded first.
    authorization: `Basic ${btoa('gate+way:a%3Ab%25%C3%A9')}`,
  });
});

test('proves itself in the body where it is asked to', async () => {
  const at = scene({ client_auth: 'post', client_id: 'gw', client_secret: 'a&b' });
  await answered(at, 'abc', { active: true, sub: 'ada' });
  expect(at.asked[0]?.form.get('client_id')).toBe('gw');
  expect(at.asked[0]?.form.get('client_secret')).toBe('a&b');
  expect(at.asked[0]?.headers.authorization).toBeUndefined();
});

test.each([
  ['a JWT', `${btoa('{"alg":"ES256"}')}.bbb.ccc`],
  ['a JWT without a signature', `${btoa('{"alg":"none"}')}.bbb.`],
  ['an API key', newKey().key],
  ['what begins like one', 'sluice_x'],
])('%s is for others, and does not leave', async (_, token) => {
  const { asked, verify } = scene();
  expect(await verify(token)).toBeUndefined();
  expect(await verify('abc', 'basic')).toBeUndefined();
  expect(asked).toEqual([]);
});

test('an answer holds for its time, or as long as the token', async () => {
  const at = scene({ cache: '1m' });
  await answered(at, 'long', { active: true, sub: 'ada', exp: NOW / 1_000 + 3_600 });
  await answered(at, 'short', { active: true, sub: 'ada', exp: NOW / 1_000 + 10 });
  expect(await at.verify('long')).toMatchObject(found);
  at.clock.now = NOW + 9_999;
  expect(await at.verify('short')).toMatchObject(found);
  expect(at.asked).toHaveLength(2);
  at.clock.now = NOW + 10_000;
  expect(await answered(at, 'short', { active: false })).toEqual(inactive);
  at.clock.now = NOW + 59_999;
  expect(await at.verify('long')).toMatchObject(found);
  expect(at.asked).toHaveLength(3);
  at.clock.now = NOW + 60_000;
  expect(await answered(at, 'long', { active: false })).toEqual(inactive);
});

test('that a token is not active holds shortly, whatever else is said of it', async () => {
  const at = scene({ cache_denied: '10s' });
  expect(await answered(at, 'abc', { active: false, sub: 'ada' })).toEqual(inactive);
  at.clock.now += 9_999;
  expect(await at.verify('abc')).toEqual(inactive);
  at.clock.now += 1;
  expect(await answered(at, 'abc', { active: true, sub: 'ada' })).toMatchObject(found);
  expect(at.asked).toHaveLength(2);
});

test('with nothing kept each request asks', async () => {
  const at = scene({ cache: '0s', cache_denied: '0s' });
  await answered(at, 'abc', { active: true, sub: 'ada' });
  expect(await answered(at, 'abc', { active: false })).toEqual(inactive);
  expect(await answered(at, 'abc', { active: true, sub: 'ada' })).toMatchObject(found);
});

test('a hundred callers with one token ask once', async () => {
  const { asked, verify } = scene();
  const verdicts = Array.from({ length: 100 }, () => verify('abc'));
  expect(asked).toHaveLength(1);
  asked[0]?.answer({ active: true, sub: 'ada' });
  for (const verdict of await Promise.all(verdicts)) expect(verdict).toMatchObject(found);
});

test.each([
  ['does not answer', (one: Asked) => one.fail(), 1_000],
  ['refuses the gateway', (one: Asked) => one.answer({ error: 'invalid_client' }, 401), 1_000],
  ['breaks', (one: Asked) => one.answer({}, 500), 1_000],
  ['is busy for a while', (one: Asked) => one.answer({}, 503, { 'retry-after': '7' }), 7_000],
  ['is busy for ever', (one: Asked) => one.answer({}, 429, { 'retry-after': '99999' }), 60_000],
  [
    'is busy until a date',
    (one: Asked) => one.answer({}, 503, { 'retry-after': 'Sat, 21 Nov 2026 03:00:00 GMT' }),
    1_000,
  ],
  ['redirects', (one: Asked) => one.answer({ active: true, sub: 'eve' }, 302), 1_000],
  ['answers a list', (one: Asked) => one.answer([{ active: true, sub: 'eve' }]), 1_000],
  ['answers nothing', (one: Asked) => one.answer(null), 1_000],
  ['answers a text', (one: Asked) => one.answer({ active: 'true', sub: 'eve' }), 1_000],
  ['forgets the answer', (one: Asked) => one.answer({ sub: 'eve' }), 1_000],
])('an endpoint that %s says nothing of a token', async (_, act, retryAfterMs) => {
  const at = scene();
  const verdict = at.verify('abc');
  act(at.asked[0] as Asked);
  expect(await verdict).toEqual({ kind: 'unavailable', reason: 'introspection', retryAfterMs });
  // Nothing of that is kept: it may work at once.
  expect(await answered(at, 'abc', { active: true, sub: 'ada' })).toMatchObject(found);
  expect(at.lines.map(({ level }) => level)).toEqual(['error', 'info']);
  expect(JSON.stringify(at.lines)).not.toMatch(/abc|s3cret/);
});

test('trouble is told once, not with each token', async () => {
  const at = scene();
  for (const token of ['a', 'b', 'c']) await answered(at, token, {}, 500);
  expect(at.lines).toHaveLength(1);
  expect(at.counted.filter((each) => each === 'introspection  failed')).toHaveLength(3);
});

test('what is known of one token outlives the trouble with another', async () => {
  const at = scene();
  await answered(at, 'abc', { active: true, sub: 'ada' });
  await answered(at, 'new', {}, 500);
  expect(await at.verify('abc')).toMatchObject(found);
});

test('no more are asked for at once than the options say', async () => {
  const at = scene({ max_pending: 2 });
  const pending = [at.verify('a'), at.verify('b')];
  expect(await at.verify('c')).toEqual({ kind: 'unavailable', reason: 'introspection', retryAfterMs: 1_000 });
  expect(at.counted).toEqual(['introspection_pending']);
  for (const one of at.asked) one.answer({ active: true, sub: 'ada' });
  expect(await Promise.all(pending)).toMatchObject([found, found]);
  expect(await answered(at, 'c', { active: true, sub: 'ada' })).toMatchObject(found);
});

const LATER = { kind: 'unavailable', reason: 'introspection', retryAfterMs: 1_000 } as const;

test('a flood of made-up tokens from one network leaves turns to others', async () => {
  const at = scene({ max_pending: 8, max_pending_network: 3 });
  const flood = (n: number, address: string) =>
    Array.from({ length: n }, (_, i) => at.verify(`made up ${address} ${i}`, 'bearer', address));
  // One host has all addresses of its network.
  const held = [...flood(2, '2001:db8::1'), ...flood(1, '2001:db8::2:1')];
  expect(await Promise.all(flood(5, '2001:db8::3'))).toEqual(Array(5).fill(LATER));
  expect(at.counted).toEqual(Array(5).fill('introspection_network'));
  const other = at.verify('good', 'bearer', '2001:db8:0:1::1');
  at.asked.at(-1)?.answer({ active: true, sub: 'ada' });
  expect(await other).toMatchObject(found);
  for (const one of at.asked.slice(0, 3)) one.answer({ active: false });
  expect(await Promise.all(held)).toEqual(Array(3).fill(inactive));
  expect(await answered(at, 'next', { active: true, sub: 'ada' })).toMatchObject(found);
});

test('a token that was found good is asked for while made-up ones from everywhere wait', async () => {
  const at = scene({ max_pending: 8, max_pending_network: 3, cache: '0s' });
  expect(await answered(at, 'good', { active: true, sub: 'ada' })).toMatchObject(found);
  const held = Array.from({ length: 6 }, (_, i) => at.verify(`made up ${i}`, 'bearer', `192.0.2.${i}`));
  expect(await at.verify('stranger', 'bearer', '198.51.100.1')).toEqual(LATER);
  expect(at.counted).toEqual(['introspection_pending']);
  expect(await answered(at, 'good', { active: true, sub: 'ada' })).toMatchObject(found);
  // Once it is not good any more, it is a token like any other.
  expect(await answered(at, 'good', { active: false })).toEqual(inactive);
  at.clock.now += 60_000;
  expect(await at.verify('good')).toEqual(LATER);
  for (const one of at.asked.slice(-8)) one.answer({ active: false });
  expect(await Promise.all(held)).toEqual(Array(6).fill(inactive));
});

test('made-up tokens take no room from good ones', async () => {
  const at = scene({ max_tokens: 2 });
  await answered(at, 'good', { active: true, sub: 'ada' });
  for (const token of ['1', '2', '3', '4']) await answered(at, token, { active: false });
  expect(at.counted).toEqual(['introspection_denied', 'introspection_denied']);
  expect(await at.verify('good')).toMatchObject(found);
  expect(at.asked).toHaveLength(5);
});

test('a stream goes by one answer no longer than the options say, and never longer than the token', async () => {
  const at = scene({ streams: '15m' });
  const expires = async (token: string, until?: number) => {
    const verdict = await answered(at, token, { active: true, sub: 'ada', until });
    return verdict?.kind === 'found' ? verdict.principal.expires : undefined;
  };
  expect(await expires('a')).toBe(NOW + 900_000);
  expect(await expires('b', NOW + 5_000)).toBe(NOW + 5_000);
  expect(await expires('c', NOW + 5_000_000)).toBe(NOW + 900_000);
});
