// Which addresses of a name are used, now and the next time.
import { expect, test } from 'bun:test';
import type { LookupAddress } from 'node:dns';
import { AddressRefused, Names, type Network } from '../../../src/upstreams/names.ts';
import { testHost } from '../../fixtures/exchanges.ts';

const OPEN = '8.8.8.8';
const OWN = '10.0.0.1';
const OPEN6 = '2606:4700::1111';

/** @returns the addresses that a connection would try, or what it fails with */
function namesOf(...answers: readonly (readonly string[])[]) {
  let asked = 0;
  const names = new Names(async () => answers[asked++] ?? [], testHost());
  const ask = (network: Network = 'auto', name = 'a.test'): Promise<string | Error> =>
    new Promise((resolve) => {
      names.for('up', network)(name, { all: true }, (error, found) =>
        resolve(error ?? (found as LookupAddress[]).map(({ address }) => address).join(' ')),
      );
    });
  return { ask, names, asked: () => asked };
}

test('what was public stays out of private networks, whatever stands beside them', async () => {
  const { ask } = namesOf([OPEN], [OWN], [OWN, OPEN], [OPEN6]);
  expect(await ask()).toBe(OPEN);
  expect(await ask()).toBeInstanceOf(AddressRefused);
  expect(await ask()).toBe(OPEN);
  expect(await ask()).toBe(OPEN6);
});

test('what was private, or both, may be either', async () => {
  const { ask } = namesOf([OPEN6, OWN], [OWN], [OPEN], [OWN]);
  expect(await ask()).toBe(`${OPEN6} ${OWN}`);
  for (const address of [OWN, OPEN, OWN]) expect(await ask()).toBe(address);
});

test('a network that is private takes what changes, one that is public takes nothing else', async () => {
  const { ask } = namesOf([OPEN], [OWN], [OWN, OPEN], [OWN]);
  expect(await ask('private')).toBe(OPEN);
  expect(await ask('private')).toBe(OWN);
  expect(await ask('public')).toBe(OPEN);
  expect(await ask('public')).toBeInstanceOf(AddressRefused);
});

test('another name is another matter, and case makes none', async () => {
  const { ask } = namesOf([OPEN], [OWN], [OWN]);
  expect(await ask('auto', 'a.test')).toBe(OPEN);
  expect(await ask('auto', 'b.test')).toBe(OWN);
  expect(await ask('auto', 'A.test')).toBeInstanceOf(AddressRefused);
});

test('a name without addresses is not there', async () => {
  expect(await namesOf([]).ask()).toMatchObject({ code: 'ENOTFOUND' });
});

test('many at once ask once', async () => {
  const { ask, asked } = namesOf([OPEN], [OPEN]);
  await Promise.all([ask(), ask(), ask()]);
  expect(asked()).toBe(1);
  await ask();
  expect(asked()).toBe(2);
});
