// By what callers are told apart where plugins add to what is sent.
import { expect, test } from 'bun:test';
import { isSaid, passedOn } from '../../../src/core/passed-on.ts';

const headers = new Headers({
  'x-user': 'ada',
  'x-locale': 'de',
  'x-request-id': '7',
  dpop: 'a proof',
  'mcp-method': 'tools/list',
});

test('nobody sends, nothing is passed on', () => {
  expect(passedOn(headers, [])).toBe('');
});

test('those that say what they pass on pass on no more', () => {
  expect(passedOn(headers, [{ passesOn: [] }])).toBe('');
  expect(passedOn(headers, [{ passesOn: ['x-user'] }, { passesOn: [] }])).toBe('[["x-user","ada"]]');
  expect(passedOn(headers, [{ passesOn: ['x-absent'] }])).toBe('');
});

test('others may pass on anything but what is about the message', () => {
  expect(passedOn(headers, [{ passesOn: [] }, {}])).toBe('[["x-locale","de"],["x-user","ada"]]');
});

test('one that does not say so is enough for not knowing', () => {
  expect([isSaid([]), isSaid([{ passesOn: [] }]), isSaid([{ passesOn: [] }, {}])]).toEqual([
    true,
    true,
    false,
  ]);
});
