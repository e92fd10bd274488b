// Digests against a published vector.
import { expect, test } from 'bun:test';
import { digest } from '../../../src/lib/digest.ts';

test('is SHA-256 of the UTF-8 text in lower-case hexadecimal', () => {
  expect(digest('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(digest('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(digest('ü')).not.toBe(digest('u'));
});
