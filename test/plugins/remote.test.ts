// Addresses that servers name of each other: tokens and keys go over TLS, and an issuer elsewhere leads nobody here.
import { expect, test } from 'bun:test';
import { isAsSafe } from '../../plugins/remote/fetch.ts';

test.each([
  ['https://id.example.com/keys', 'https://id.example.com', true],
  ['https://keys.example.com/', 'https://id.example.com', true],
  ['http://127.0.0.1:1/keys', 'http://localhost:1', true],
  ['https://id.example.com/keys', 'http://localhost:1', true],
  ['http://127.0.0.1:1/keys', 'https://id.example.com', false],
  ['http://localhost/keys', 'https://id.example.com', false],
  ['http://id.example.com/keys', 'http://localhost:1', false],
  ['file:///keys', 'https://id.example.com', false],
  ['keys', 'https://id.example.com', false],
])('%s, named by %s: %p', (text, named, isSafe) => {
  expect(isAsSafe(text, named)).toBe(isSafe);
});
