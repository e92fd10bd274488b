// Names that every client takes.
import { describe, expect, test } from 'bun:test';
import { maybeShort, shortName } from '../../../src/router/short-name.ts';

const TAKEN = /^[A-Za-z0-9_-]{1,58}$/;

describe('a name', () => {
  test.each(['a', 'github__get_issue', 'A-b_9', 'x'.repeat(58)])(
    'that every client takes stays: %p',
    (name) => {
      expect(shortName(name)).toBe(name);
    },
  );

  // These very texts: clients and models remember them.
  test.each([
    ['files.read', 'files_read_601e4eb6'],
    ['', '_e3b0c442'],
    ['naïve', 'na_ve_f86fd89d'],
    ['🙂', '__d06f1525'],
    ['a b', 'a_b_c8687a08'],
    ['x'.repeat(59), `${'x'.repeat(49)}_6e20a119`],
    [`${'x'.repeat(48)}.${'y'.repeat(100)}`, `${'x'.repeat(48)}__b75a323a`],
  ])('of another kind has a short form for ever: %p is %p', (name, short) => {
    expect(shortName(name)).toBe(short);
    expect(short).toMatch(TAKEN);
    expect(maybeShort(short)).toBe(true);
  });

  test('that differs anywhere has another form', () => {
    const long = 'x'.repeat(100);
    const names = [`${long}a`, `${long}b`, `${long}.`, 'a.b', 'a b', 'a_b.', 'a/b'];
    expect(new Set(names.map(shortName)).size).toBe(names.length);
  });

  test('is its own short form', () => {
    for (const name of ['files.read', 'x'.repeat(99)])
      expect(shortName(shortName(name))).toBe(shortName(name));
  });

  test.each([
    'github__get_messages',
    'list_projects',
    'a',
    '_deadbeef.',
    'x_DEADBEEF',
    'deadbeef',
    `${'x'.repeat(60)}_deadbeef`,
  ])('is no short form: %p', (name) => {
    expect(maybeShort(name)).toBe(false);
  });
});
