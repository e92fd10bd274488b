// JWTs that were verified are remembered: for as long as they and the keys behind them hold, and nothing of a request.
import { afterEach, beforeEach, expect, spyOn, test } from 'bun:test';
import { type Attempt, attemptOf, type Verdict } from '../../../plugins/auth/attempt.ts';
import { issuers } from '../../../plugins/auth/issuers.ts';
import { jwtMethod } from '../../../plugins/auth/jwt.ts';
import { exchangeOf } from '../../../src/testing/call.ts';
import { recordingLog } from '../../../src/testing/host.ts';
import { AUDIENCE, type Issuer, startIssuer } from '../../fixtures/issuer.ts';

const START = 1_800_000_000_000;
const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

let issuer: Issuer;
let clock: { now: number };
const verify = spyOn(crypto.subtle, 'verify');
beforeEach(async () => {
  clock = { now: START };
  issuer = await startIssuer(() => clock.now);
  verify.mockClear();
});
afterEach(() => issuer[Symbol.asyncDispose]());

function scene(most = 10, more: object = {}) {
  const limits: string[] = [];
  const kept = new Map<string, unknown>();
  const host = {
    id: 'auth',
    log: recordingLog([]),
    now: () => clock.now,
    count() {},
    limitHit: (limit: string) => void limits.push(limit),
    keep<T>(key: string, make: () => T): T {
      if (!kept.has(key)) kept.set(key, make());
      return kept.get(key) as T;
    },
    stateDir: undefined,
    replaced: new AbortController().signal,
  };
  const make = (options: object = {}) =>
    jwtMethod(issuers.parse([{ issuer: issuer.url, ...more, ...options }]), most, host);
  const attempt = (token: string, url: string): Attempt =>
    attemptOf(
      exchangeOf(
        { method: 'tools/list', headers: { authorization: `Bearer ${token}` }, inbound: { url } },
        'r',
        new AbortController().signal,
        clock.now,
      ),
      clock.now,
    );
  const by =
    (method: ReturnType<typeof make>) =>
    async (token: string, url = AUDIENCE) =>
      said(await method.verify(attempt(token, url)));
  return { limits, reloaded: (options?: object) => by(make(options)), judge: by(make()) };
}

const said = (verdict: Verdict): string | undefined =>
  verdict?.kind === 'found' ? verdict.principal.id : verdict?.reason;

/** How many signatures were looked at since it was asked last. */
function verified(): number {
  const { length } = verify.mock.calls;
  verify.mockClear();
  return length;
}

test('a token is verified once, and each other one for itself', async () => {
  const { judge } = scene();
  const [ada, bob] = [await issuer.token(), await issuer.token({ sub: 'bob' })];
  expect([await judge(ada), await judge(ada), await judge(ada)]).toEqual(['ada', 'ada', 'ada']);
  expect(verified()).toBe(1);
  expect([await judge(bob), await judge(ada)]).toEqual(['bob', 'ada']);
  expect(verified()).toBe(1);
});

test('with 0 remembered it is verified each time', async () => {
  const { judge, limits } = scene(0);
  const token = await issuer.token();
  expect([await judge(token), await judge(token)]).toEqual(['ada', 'ada']);
  expect([verified(), limits]).toEqual([2, []]);
});

test('a signature that does not hold is never remembered, nor one that did taken for it', async () => {
  const { judge } = scene();
  const token = await issuer.token();
  const [head, payload, signature = ''] = token.split('.');
  const forged = `${head}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
  expect(await judge(token)).toBe('ada');
  expect([await judge(forged), await judge(forged)]).toEqual(['signature_wrong', 'signature_wrong']);
  expect(verified()).toBe(3);
  expect([await judge(token), verified()]).toEqual(['ada', 0]);
});

test('ends at the millisecond at which it expires, with the leeway of clocks', async () => {
  const { judge } = scene(10, { skew: '5s' });
  const token = await issuer.token({ exp: START / 1_000 + 60 });
  expect(await judge(token)).toBe('ada');
  clock.now = START + 64_999;
  expect(await judge(token)).toBe('ada');
  expect(verified()).toBe(1);
  clock.now = START + 65_000;
  expect([await judge(token), verified()]).toEqual(['expired', 0]);
});

test('is not good before it begins, when the clock is set back', async () => {
  const { judge } = scene(10, { skew: '5s' });
  const token = await issuer.token({ nbf: START / 1_000, iat: undefined });
  expect(await judge(token)).toBe('ada');
  clock.now = START - 5_000;
  expect(await judge(token)).toBe('ada');
  clock.now = START - 5_001;
  expect(await judge(token)).toBe('not_yet');
});

test('one endpoint’s verdict is nothing to another', async () => {
  const { judge } = scene();
  const [here, there] = [AUDIENCE, `${AUDIENCE}/ci`];
  const [one, both] = [await issuer.token(), await issuer.token({ aud: [here, there], sub: 'bob' })];
  expect([await judge(one, here), await judge(one, there), await judge(one, here)]).toEqual([
    'ada',
    'audience_wrong',
    'ada',
  ]);
  expect([await judge(both, here), await judge(both, there)]).toEqual(['bob', 'bob']);
  expect(verified()).toBe(2);
});

test('a key that is taken back takes its tokens along, as soon as the keys are looked at again', async () => {
  const { judge } = scene();
  const old = await issuer.token();
  expect(await judge(old)).toBe('ada');
  await issuer.rotate('two');
  clock.now += 30_000;
  // Before anybody could know of it.
  expect([await judge(old), verified()]).toEqual(['ada', 1]);
  expect(await judge(await issuer.token({ sub: 'bob' }))).toBe('bob');
  expect(await judge(old)).toBe('key_unknown');
});

test('another key under the same id takes them along, too', async () => {
  const { judge } = scene();
  const old = await issuer.token();
  expect(await judge(old)).toBe('ada');
  await issuer.rotate('one');
  clock.now += 10 * MINUTE;
  expect(await judge(old)).toBe('signature_wrong');
});

test('a token outlives a look at the keys that finds the same ones', async () => {
  const { judge } = scene();
  const token = await issuer.token();
  expect(await judge(token)).toBe('ada');
  clock.now += 11 * MINUTE;
  expect([await judge(token), verified()]).toEqual(['ada', 1]);
  expect(issuer.asked.filter((path) => path === '/keys')).toHaveLength(2);
});

test('keys that are too old to be believed take their tokens along', async () => {
  const { judge } = scene();
  const token = await issuer.token({ exp: START / 1_000 + 7 * 86_400 });
  expect(await judge(token)).toBe('ada');
  issuer.answers = (_, res) => {
    res.writeHead(503).end();
    return true;
  };
  clock.now += DAY - 1;
  expect(await judge(token)).toBe('ada');
  clock.now += 1;
  expect(await judge(token)).toBe('keys_unavailable');
});

test('nothing is remembered over a reload, whose options may be others', async () => {
  const { judge, reloaded } = scene();
  const token = await issuer.token();
  expect(await judge(token)).toBe('ada');
  expect([await reloaded()(token), verified()]).toEqual(['ada', 2]);
  expect(await reloaded({ algorithms: ['RS256'] })(token)).toBe('algorithm_refused');
});

test('a flood of tokens takes the room there is, and says so; bad ones take none', async () => {
  const { judge, limits } = scene(3);
  const first = await issuer.token();
  expect(await judge(first)).toBe('ada');
  for (let at = 0; at < 20; at++) await judge(`${(await issuer.token({ jti: `${at}` })).slice(0, -4)}AAAA`);
  verified();
  expect([await judge(first), verified(), limits]).toEqual(['ada', 0, []]);
  for (let at = 0; at < 5; at++) expect(await judge(await issuer.token({ jti: `${at}` }))).toBe('ada');
  expect(limits).toEqual(['verified_tokens', 'verified_tokens', 'verified_tokens']);
  verified();
  expect([await judge(first), verified()]).toEqual(['ada', 1]);
});
