// Who is the same caller: by tenant, id and who vouches for it, whatever letters these have.
import { expect, test } from 'bun:test';
import { identityKey } from '../../../src/core/client.ts';

test('two identities are one text only where everything of them is the same', () => {
  const all = [
    { id: 'ada' },
    { id: 'ada', tenant: 'north' },
    { id: 'ada', issuer: 'https://id.example' },
    { id: 'ada', tenant: 'north', issuer: 'https://id.example' },
    { id: 'ada', tenant: 'https://id.example' },
    { id: 'ada","https://id.example' },
    { id: 'ada', issuer: '' },
    { id: '', tenant: 'ada' },
    { id: 'https://id.example', tenant: 'ada' },
  ];
  expect(new Set(all.map(identityKey)).size).toBe(all.length);
  expect(identityKey({ id: 'ada', tenant: '' })).toBe(identityKey({ id: 'ada' }));
});
