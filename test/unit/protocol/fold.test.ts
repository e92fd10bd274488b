// caseFoldTwin: keys that Go's encoding/json and its kin would take for a reserved one.

import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { caseFoldTwin } from '../../../src/protocol/raw.ts';

const RESERVED = new Set(['jsonrpc', 'id', 'method', 'params', 'task', 'requestState', '_meta']);

describe('caseFoldTwin', () => {
  test.each([
    ['Method'],
    ['METHOD'],
    ['ID'],
    ['iD'],
    ['param\u017f'],
    ['jſonrpc'],
    ['tas\u212a'],
    ['TAS\u212a'],
    ['reque\u017ftState'],
    ['requeststate'],
    ['ｍｅｔｈｏｄ'],
    ['_META'],
    ['\u2170d'],
  ])('refuses %s', (key) => {
    expect(caseFoldTwin(['id', 'x', key], RESERVED)).toBe(key);
  });

  test.each([
    ['method'],
    ['methods'],
    ['meth od'],
    ['metho'],
    [''],
    ['té'],
    ['mеthod'],
    ['__meta'],
    ['toString'],
    ['aMuchLongerKey'],
  ])('accepts %s', (key) => {
    expect(caseFoldTwin([key], RESERVED)).toBeUndefined();
  });

  test('finds every change of case, and nothing in reserved keys themselves', () => {
    const name = fc.constantFrom(...RESERVED);
    fc.assert(
      fc.property(name, fc.infiniteStream(fc.boolean()), fc.array(name), (reserved, flips, others) => {
        const key = [...reserved].map((c) => (flips.next().value ? c.toUpperCase() : c)).join('');
        const found = caseFoldTwin([...others, key], RESERVED);
        expect(found).toBe(RESERVED.has(key) ? undefined : key);
      }),
    );
  });

  test('agrees with a slow reading of the rule', () => {
    const fold = (key: string) => key.normalize('NFKC').toUpperCase().toLowerCase();
    const folded = new Set([...RESERVED].map(fold));
    const unit = fc.constantFrom(...'idIDtaskTASKmethod_\u017f\u212aſéＩＤ'.split(''));
    fc.assert(
      fc.property(fc.array(fc.string({ unit, maxLength: 6 })), (keys) => {
        expect(caseFoldTwin(keys, RESERVED)).toBe(
          keys.find((key) => !RESERVED.has(key) && folded.has(fold(key))),
        );
      }),
      { numRuns: 2000 },
    );
  });
});
