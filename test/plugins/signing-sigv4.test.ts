// The scheme aws-sigv4: AWS's own test suite, and what verifying refuses.
import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { signSigv4 } from '../../plugins/signing/sigv4.ts';
import { authorizationOf, type Claimed } from '../fixtures/signing/canonical.ts';
import { CALL, FORTY, mutations, NOW, signedWith } from '../fixtures/signing/mutations.ts';
import { AWS_AT, AWS_CASES, AWS_KEY, type Case } from '../fixtures/signing/sigv4.ts';
import {
  AWS_DOTS,
  AWS_FIRST,
  AWS_PATHS,
  AWS_S3_PATHS,
  AWS_TOKEN_AFTER,
} from '../fixtures/signing/sigv4-paths.ts';
import { verifySigv4 } from '../fixtures/signing/verify.ts';

describe('the suite of AWS', () => {
  const scope = { region: 'us-east-1', service: 'service' };
  const held = [...AWS_CASES, ...AWS_PATHS];
  const messageOf = ([, method, target, headers, body]: Case) => ({
    method,
    url: `https://example.amazonaws.com${target}`,
    headers,
    body,
  });
  const signedOf = (one: Case, pathAsIs: boolean) =>
    signSigv4(messageOf(one), scope, [{ ...AWS_KEY, session_token: one[6] }], AWS_AT, {
      checksum: one[4] !== '',
      pathAsIs,
    });

  test('has 38 cases, and each is here', () => {
    const names = [...held, ...AWS_S3_PATHS, ...AWS_DOTS].map(([name]) => name).concat(AWS_TOKEN_AFTER);
    expect(new Set(names).size).toBe(38);
    expect(names).toHaveLength(38);
  });
  for (const [pathAsIs, cases] of [
    [false, [...held, ...AWS_FIRST]],
    [true, AWS_S3_PATHS],
  ] as const) {
    for (const one of cases) {
      const [name, , , , , authorization, token] = one;
      test(name, async () => {
        const signed = await signedOf(one, pathAsIs);
        expect(signed['x-amz-date']).toBe('20150830T123600Z');
        expect(signed['x-amz-security-token']).toBe(token);
        expect(signed.authorization).toBe(authorization);
      });
      test(`${name}, by the verifier of these tests`, () => {
        const [, list = ''] = /SignedHeaders=([^,]+)/.exec(authorization) ?? [];
        const claimed: Claimed = {
          ...scope,
          ...AWS_KEY,
          date: '20150830T123600Z',
          names: list.split(';'),
          pathAsIs,
        };
        const message = messageOf(one);
        const sha = createHash('sha256').update(message.body).digest('hex');
        const headers = {
          ...message.headers,
          'x-amz-content-sha256': sha,
          'x-amz-security-token': token ?? '',
        };
        expect(authorizationOf({ ...message, headers }, claimed)).toBe(authorization);
      });
    }
  }
  for (const one of AWS_DOTS) {
    test(`${one[0]} cannot leave: no URL has its dots`, async () => {
      const { url } = messageOf(one);
      expect(new URL(url).href).not.toContain('.com/.');
      const sent: Case = [one[0], one[1], new URL(url).pathname, one[3], one[4], one[5]];
      const [written, parsed] = [await signedOf(one, true), await signedOf(sent, true)];
      expect(written.authorization).toBe(parsed.authorization as string);
      expect(written.authorization).not.toBe(one[5]);
    });
  }
  test(`${AWS_TOKEN_AFTER} cannot leave: the token is signed`, async () => {
    const before = AWS_CASES.find(([name]) => name === 'post-sts-header-before') as Case;
    expect((await signedOf(before, false)).authorization).toContain(';x-amz-security-token,');
  });
});

test('the path is signed as it is for S3 and its relatives, and escaped once more for all others', async () => {
  const message = { ...CALL, url: 'https://up.example.com/a%20b//mcp' };
  for (const [service, pathAsIs] of [
    ['s3', true],
    ['s3express', true],
    ['s3-object-lambda', true],
    ['s3-outposts', true],
    ['s3tables', false],
    ['bedrock-agentcore', false],
  ] as const) {
    const scope = { region: 'eu-central-1', service };
    const { authorization = '', ...headers } = await signSigv4(message, scope, [AWS_KEY], NOW);
    const [, list = ''] = /SignedHeaders=([^,]+)/.exec(authorization) ?? [];
    const claimed = {
      ...scope,
      ...AWS_KEY,
      date: headers['x-amz-date'] ?? '',
      names: list.split(';'),
      pathAsIs,
    };
    expect(authorizationOf(signedWith(message, headers), claimed)).toBe(authorization);
  }
});

test('a hash that is there already is not taken for that of the body', async () => {
  const scope = { region: 'eu-central-1', service: 'execute-api' };
  for (const wrong of ['UNSIGNED-PAYLOAD', '0'.repeat(64)]) {
    const message = signedWith(CALL, { 'x-amz-content-sha256': wrong });
    const signed = signedWith(message, await signSigv4(message, scope, [AWS_KEY], NOW));
    expect(verifySigv4(signed, { ...scope, keys: [AWS_KEY], now: NOW, skew: 0 })).toBe(AWS_KEY.id);
  }
});

describe('verifying', async () => {
  const scope = { region: 'eu-central-1', service: 'bedrock-agentcore' };
  const key = { ...AWS_KEY, session_token: 'a session token' };
  const headers = await signSigv4(CALL, scope, [key], NOW);
  const signed = signedWith(CALL, headers);
  const rule = (more: object = {}) => ({ ...scope, keys: [key], now: NOW, skew: 300_000, ...more });
  const all = mutations(
    signed,
    ['authorization', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token'],
    {
      method: true,
      url: true,
      authority: true,
      body: true,
      headers: ['content-type', 'mcp-name', 'mcp-method'],
    },
  );

  test('what was signed holds; the headers of the message stay', async () => {
    expect(Object.keys(headers).sort()).toEqual([
      'authorization',
      'x-amz-content-sha256',
      'x-amz-date',
      'x-amz-security-token',
    ]);
    expect(verifySigv4(signed, rule())).toBe('AKIDEXAMPLE');
  });
  test('there are forty mutations', () => expect(all.length).toBeGreaterThanOrEqual(FORTY));
  for (const [name, mutated] of all) {
    test(`${name} is refused`, async () => {
      expect(() => verifySigv4(mutated, rule())).toThrow('the signature is refused');
    });
  }
  test('another time, place or key is refused', async () => {
    expect(() => verifySigv4(signed, rule({ now: NOW + 300_001 }))).toThrow('too_old');
    expect(() => verifySigv4(signed, rule({ now: NOW - 300_001 }))).toThrow('too_new');
    expect(() => verifySigv4(signed, rule({ region: 'us-east-1' }))).toThrow('header_invalid');
    expect(() => verifySigv4(signed, rule({ keys: [] }))).toThrow('key_unknown');
    expect(() => verifySigv4(signed, rule({ keys: [{ ...key, not_after: NOW }] }))).toThrow('key_not_valid');
  });
  test('a message without a body is signed, too', async () => {
    const get = { ...CALL, method: 'DELETE', headers: { 'mcp-session-id': 's' }, body: '' };
    expect(verifySigv4(signedWith(get, await signSigv4(get, scope, [key], NOW)), rule())).toBe('AKIDEXAMPLE');
  });
});
