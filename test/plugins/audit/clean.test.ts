// What is taken out of texts that a client or a server chose, and what is not.
import { expect, test } from 'bun:test';
import { cleaner, HIDDEN } from '../../../plugins/audit/clean.ts';
import { keyOf } from '../../../plugins/auth/key-text.ts';

const clean = cleaner();
const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWEtdG9rZW4';

test.each([
  ['a bearer token', 'search Bearer abcdef123456', 'abcdef'],
  ['one with a colon', 'authorization: bearer:abcdef123456', 'abcdef'],
  ['a JWT', `search ${jwt}`, 'eyJ'],
  ['half a JWT', jwt.slice(0, 30), 'eyJ'],
  ['a cookie', 'Cookie: id=hunter2-hunter2', 'hunter2'],
  ['a password', 'password=hunter2', 'hunter2'],
  ['one in JSON', '{"client_secret":"hunter2"}', 'hunter2'],
  ['a requestState', 'requestState=opaque-state', 'opaque-state'],
  ['a key of ours', keyOf('aaaabbbbcccc', 'S'.repeat(43)), 'SSSS'],
  ['a key with a mark', 'tool-ghp_0123456789abcdefghij', '456789'],
  ['a secret of webhooks', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLAyc', 'MfKQ9'],
  ['a private key', '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n', 'MC4CAQ'],
  ['user and password', 'db://me:hunter2@host/x', 'hunter2'],
  ['something random', 'x A9f3kQ7zL2mX8wR4tB6nV1cD5gH0jK3s', 'A9f3kQ7z'],
  ['hexadecimal digits', `run ${'0123456789abcdef'.repeat(3)}`, '0123456789abcdef'],
])('%s is hidden', (_, text, secret) => {
  const out = clean(text) ?? '';
  expect(out).toContain(HIDDEN);
  expect(out).not.toContain(secret);
});

test.each([
  'github__create_pull_request',
  'mcp__some_server__a_tool_with_a_rather_long_name_indeed',
  'Claude Code 2.1.0',
  'file:///srv/data/report-2026-11.pdf',
  'café “au lait”',
  'sessions__list',
  'get_token_price',
  '日本語のツール',
])('%s stays as it is', (text) => {
  expect(clean(text)).toBe(text);
});

test('nothing steers a terminal, turns a text or begins a line', () => {
  expect(clean('a\nb\r\u001b[31mc\u202ed\u2028e\u200bf\u{e0041}g\ud800h\u0085')).toBe(
    'a�b��[31mc�d�e�f�g�h�',
  );
});

test('a text is cut, and no half of a credential is left at its end', () => {
  expect(clean('x'.repeat(300))).toBe(`${'x'.repeat(255)}…`);
  const out = clean(`${'x '.repeat(122)}Bearer ${'k1'.repeat(400)}`) ?? '';
  expect(out.length).toBeLessThanOrEqual(256);
  expect(out).not.toContain('k1');
  expect(clean(`${'y'.repeat(5_000)}`)?.length).toBe(256);
});

test('nothing is nothing', () => {
  expect([clean(undefined), clean('')]).toEqual([undefined, undefined]);
});

test('the operator says what else is hidden', () => {
  const own = cleaner(['\\bEMP-\\d+\\b']);
  expect(own('lookup EMP-4711 now')).toBe(`lookup ${HIDDEN} now`);
  expect(clean('lookup EMP-4711 now')).toBe('lookup EMP-4711 now');
});
