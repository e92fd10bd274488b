import { expect, test } from 'bun:test';
import { ofLatest, remembered } from '../../../src/lib/remembered.ts';

function counted() {
  const asked: string[] = [];
  const made = remembered((text) => {
    asked.push(text);
    return text.toUpperCase();
  });
  return { asked, made };
}

test('a text is made once, whatever comes between', () => {
  const { asked, made } = counted();
  expect([made('a'), made('b'), made('a'), made('b')]).toEqual(['A', 'B', 'A', 'B']);
  expect(asked).toEqual(['a', 'b']);
});

test('a long text is not kept', () => {
  const { asked, made } = counted();
  const [kept, long] = ['x'.repeat(1_024), 'x'.repeat(1_025)];
  for (const text of [kept, long, kept, long]) expect(made(text)).toBe(text.toUpperCase());
  expect(asked).toEqual([kept, long, long]);
});

test('of new texts without end, so many are kept', () => {
  const { asked, made } = counted();
  for (let i = 0; i < 256; i++) made(`${i}`);
  made('0');
  expect(asked).toHaveLength(256);
  made('one more');
  expect(made('0')).toBe('0');
  expect(asked.slice(256)).toEqual(['one more', '0']);
});

test('what fails is asked again', () => {
  let calls = 0;
  const made = remembered(() => {
    calls++;
    throw new Error('no');
  });
  expect(() => made('a')).toThrow('no');
  expect(() => made('a')).toThrow('no');
  expect(calls).toBe(2);
});

test('of the latest object, what was made stays the same object', () => {
  const made = ofLatest((of: { n: number }) => ({ twice: of.n * 2 }));
  const [one, two] = [{ n: 1 }, { n: 2 }];
  const first = made(one);
  expect(made(one)).toBe(first);
  expect(made(two)).toEqual({ twice: 4 });
  const again = made(one);
  expect(again).toEqual(first);
  expect(again).not.toBe(first);
});
