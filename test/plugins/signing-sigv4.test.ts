// The scheme aws-sigv4: AWS's own test suite, and what verifying refuses.
import { describe, expect, test } from 'bun:test';
import { signSigv4 } from '../../plugins/signing/sigv4.ts';
import { CALL, FORTY, mutations, NOW, signedWith } from '../fixtures/signing/mutations.ts';
import { AWS_AT, AWS_CASES, AWS_KEY } from '../fixtures/signing/sigv4.ts';
import { verifySigv4 } from '../fixtures/signing/verify.ts';

describe('the suite of AWS', () => {
  const scope = { region: 'us-east-1', service: 'service' };
  for (const [name, method, target, headers, body, authorization, token] of AWS_CASES) {
    test(name, async () => {
      const message = { method, url: `https://example.amazonaws.com${target}`, headers, body };
      const key = { ...AWS_KEY, session_token: token };
      const signed = await signSigv4(message, scope, [key], AWS_AT, { checksum: body !== '' });
      expect(signed['x-amz-date']).toBe('20150830T123600Z');
      expect(signed['x-amz-security-token']).toBe(token);
      expect(signed.authorization).toBe(authorization);
    });
  }
});

describe('verifying', async () => {
  const scope = { region: 'eu-central-1', service: 'bedrock-agentcore' };
  const key = { id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
  const headers = await signSigv4(CALL, scope, [key], NOW);
  const signed = signedWith(CALL, headers);
  const rule = (more: object = {}) => ({ ...scope, keys: [key], now: NOW, skew: 300_000, ...more });
  const all = mutations(signed, ['authorization', 'x-amz-date', 'x-amz-content-sha256'], {
    method: true,
    url: true,
    authority: true,
    body: true,
    headers: ['content-type', 'mcp-name', 'mcp-method'],
  });

  test('what was signed holds; the headers of the message stay', async () => {
    expect(Object.keys(headers).sort()).toEqual(['authorization', 'x-amz-content-sha256', 'x-amz-date']);
    expect(await verifySigv4(signed, rule())).toBe('AKIDEXAMPLE');
  });
  test('there are forty mutations', () => expect(all.length).toBeGreaterThanOrEqual(FORTY));
  for (const [name, mutated] of all) {
    test(`${name} is refused`, async () => {
      await expect(verifySigv4(mutated, rule())).rejects.toThrow('the signature is refused');
    });
  }
  test('another time, place or key is refused', async () => {
    await expect(verifySigv4(signed, rule({ now: NOW + 300_001 }))).rejects.toThrow('too_old');
    await expect(verifySigv4(signed, rule({ now: NOW - 300_001 }))).rejects.toThrow('too_new');
    await expect(verifySigv4(signed, rule({ region: 'us-east-1' }))).rejects.toThrow('header_invalid');
    await expect(verifySigv4(signed, rule({ keys: [] }))).rejects.toThrow('key_unknown');
    await expect(verifySigv4(signed, rule({ keys: [{ ...key, not_after: NOW }] }))).rejects.toThrow(
      'key_not_valid',
    );
  });
  test('a message without a body is signed, too', async () => {
    const get = { ...CALL, method: 'DELETE', headers: { 'mcp-session-id': 's' }, body: '' };
    expect(await verifySigv4(signedWith(get, await signSigv4(get, scope, [key], NOW)), rule())).toBe(
      'AKIDEXAMPLE',
    );
  });
});
