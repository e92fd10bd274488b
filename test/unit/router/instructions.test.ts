// Instructions of several upstreams as one bounded text.
import { expect, test } from 'bun:test';
import { joinedTexts } from '../../../src/router/instructions.ts';

const told = (...texts: string[]) => texts.map((text, i) => ({ name: 'abc'[i] ?? '', text }));

test('each stands under its heading; none is none', () => {
  const never = () => expect.unreachable();
  expect(joinedTexts([], 100, never)).toBeUndefined();
  expect(joinedTexts(told('Do a.', 'Do b.'), 100, never)).toBe('## a\nDo a.\n\n## b\nDo b.');
});

test('who says much is cut, and who says little is not; the whole keeps its bound', () => {
  let cuts = 0;
  const text = joinedTexts(told('x'.repeat(1_000), 'short', 'y'.repeat(500)), 200, () => void cuts++) ?? '';
  expect(text).toContain('## b\nshort');
  expect(text.length).toBeLessThanOrEqual(200);
  expect(text).toMatch(/^## a\nx{80,}…\n\n## b\nshort\n\n## c\ny{80,}…$/);
  expect(cuts).toBe(1);
});

test('a bound that leaves no room leaves the headings', () => {
  expect(joinedTexts(told('xxx', 'yyy'), 5, () => {})).toBe('## a\n…\n\n## b\n…');
});
