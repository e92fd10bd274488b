// Which failures leave room for another try, at the same place or at another.
import { expect, test } from 'bun:test';
import { GatewayError } from '../../../src/core/errors.ts';
import { LateConnection } from '../../../src/upstreams/http-faults.ts';
import {
  isUnsent,
  lasting,
  passingFault,
  Transient,
  Unreachable,
  Unreached,
} from '../../../src/upstreams/transient.ts';

const kinds: readonly [name: string, GatewayError, elsewhere: boolean, here: boolean][] = [
  ['no connection, for now', new Unreached('UPSTREAM_UNAVAILABLE'), true, true],
  ['a connection that is late', new LateConnection('up', 'connect', 1), true, true],
  ['no connection, ever', new Unreachable('UPSTREAM_UNAVAILABLE'), true, false],
  ['no answer', new Transient('UPSTREAM_UNAVAILABLE'), false, true],
  ['anything else', new GatewayError('UPSTREAM_UNAVAILABLE'), false, false],
];

test.each(kinds)('%s: another place, and another try', (_, error, elsewhere, here) => {
  expect(isUnsent({ kind: 'failed', error })).toBe(elsewhere);
  expect(passingFault(error) !== undefined).toBe(here);
});

test.each(kinds)('%s, after something was sent: neither', (_, error) => {
  const later = lasting(error);
  expect([later.code, later.message, later.data]).toEqual([error.code, error.message, error.data]);
  expect(isUnsent({ kind: 'failed', error: later })).toBe(false);
  expect(passingFault(later)).toBeUndefined();
});
