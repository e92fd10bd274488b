// What may become a label of a figure: names this gateway knows, never one that somebody made up.
import { expect, test } from 'bun:test';
import { errorLabel } from '../../../src/core/errors.ts';
import { methodLabel, noteLabel } from '../../../src/protocol/methods.ts';

test('names that are known stay, all others are one', () => {
  expect([methodLabel('tools/call'), methodLabel('tools/made-up'), methodLabel('constructor')]).toEqual([
    'tools/call',
    'other',
    'other',
  ]);
  expect([noteLabel('notifications/progress'), noteLabel('notifications/x'), noteLabel('__proto__')]).toEqual(
    ['notifications/progress', 'other', 'other'],
  );
  expect([errorLabel('BUSY'), errorLabel('EVIL'), errorLabel('toString')]).toEqual([
    'BUSY',
    'other',
    'other',
  ]);
});
