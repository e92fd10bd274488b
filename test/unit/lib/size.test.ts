// Sizes: what is one, and what is none.
import { expect, test } from 'bun:test';
import { parseSize } from '../../../src/lib/size.ts';

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
