// Sizes: what is one, what is none, and that writing and reading agree.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatSize, parseSize } from '../../../src/lib/size.ts';

test.each([
  ['0B', 0],
  ['512B', 512],
  ['1kB', 1_000],
  ['1KB', 1_000],
  ['1KiB', 1_024],
  ['1.5KiB', 1_536],
  ['4MiB', 4_194_304],
  ['2MB', 2_000_000],
  ['1GiB', 1_073_741_824],
  ['1GB', 1_000_000_000],
])('%s is %d bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(['', '4', 'MiB', '4 MiB', '4mib', '4M', '-1B', '0.5B', '1.3KiB', '1e3B', `${'9'.repeat(20)}GiB`])(
  '%p is no size',
  (text) => {
    expect(parseSize(text)).toBeUndefined();
  },
);

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (bytes) => {
      expect(parseSize(formatSize(bytes))).toBe(bytes);
    }),
  );
});

test('the largest unit that loses nothing', () => {
  expect([0, 1_000, 1_024, 4_194_304, 4_194_305].map(formatSize)).toEqual([
    '0B',
    '1000B',
    '1KiB',
    '4MiB',
    '4194305B',
  ]);
});
