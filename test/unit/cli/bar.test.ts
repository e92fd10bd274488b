// The progress bar as text: shares, bounds, and never wider than the terminal.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { type BarState, renderBar } from '../../../src/cli/bar.ts';

const base: BarState = { name: 'count', progress: 0, elapsedMs: 2_840, columns: 100, tick: 0, color: false };

function bar(state: Partial<BarState>): string {
  return renderBar({ ...base, ...state });
}

test('with a total it shows percent, message and time', () => {
  expect(bar({ progress: 55, total: 100, message: 'counting 3 of 5' })).toBe(
    'count  ███████████░░░░░░░░░ 55%  "counting 3 of 5"  2.8s',
  );
});

test('its ends are empty and full', () => {
  expect(bar({ progress: 0, total: 8 })).toBe('count  ░░░░░░░░░░░░░░░░░░░░  0%  2.8s');
  expect(bar({ progress: 8, total: 8 })).toBe('count  ████████████████████ 100%  2.8s');
});

test('what is out of bounds stays within', () => {
  expect(bar({ progress: 20, total: 8 })).toContain(' 100%');
  expect(bar({ progress: -1, total: 8 })).toContain(' 0%');
});

test('99.9 percent is not 100', () => {
  expect(bar({ progress: 999, total: 1000 })).toContain(' 99%');
});

test('without a total a block walks to the end and back, beside the amount', () => {
  const at = (tick: number) => bar({ tick, progress: 7 });
  expect(at(0)).toBe('count  ████░░░░░░░░░░░░░░░░ 7  2.8s');
  expect(at(3)).toBe('count  ░░░████░░░░░░░░░░░░░ 7  2.8s');
  expect(at(16)).toBe('count  ░░░░░░░░░░░░░░░░████ 7  2.8s');
  expect(at(29)).toBe(at(3));
  expect(at(32)).toBe(at(0));
  expect(bar({ progress: 1.25 })).toContain(' 1.3 ');
});

test('a total that measures nothing is none', () => {
  for (const total of [0, -5, Number.NaN, Number.POSITIVE_INFINITY])
    expect(bar({ progress: 1, total })).not.toContain('%');
});

test('what a server says cannot leave the line', () => {
  const line = bar({ progress: 1, total: 2, message: 'a\nb\u001b[2Jc\rd' });
  expect(line).toContain('"a\\nb\\u001b[2Jc\\rd"');
});

test('colours change nothing but colours', () => {
  const state = { progress: 1, total: 3, message: 'x' };
  expect(bar({ ...state, color: true })).toContain('\u001b[36m');
  expect(Bun.stripANSI(bar({ ...state, color: true }))).toBe(bar(state));
});

test('it fits the terminal, whatever it has to say', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 300 });
  const state = fc.record({
    name: text,
    message: fc.option(text, { nil: undefined }),
    progress: fc.double({ noNaN: true, min: -1e6, max: 1e12 }),
    total: fc.option(fc.double({ noNaN: true, min: -10, max: 1e12 }), { nil: undefined }),
    elapsedMs: fc.nat(1e9),
    columns: fc.integer({ min: 12, max: 200 }),
    tick: fc.nat(1000),
  });
  fc.assert(
    fc.property(state, (given) => {
      const line = renderBar({ ...given, color: false });
      expect(Bun.stringWidth(line)).toBeLessThanOrEqual(given.columns);
      expect(line).not.toMatch(/\p{Cc}/u);
    }),
  );
});
