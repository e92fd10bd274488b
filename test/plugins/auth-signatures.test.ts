// Signed requests as a method of `auth`, by each scheme: whom a key stands for, and what is refused.
import { describe, expect, test } from 'bun:test';
import { came, memory, methodOf, schemes, whsec } from '../fixtures/auth/signers.ts';
import { CALL, FORTY, mutations, NOW } from '../fixtures/signing/mutations.ts';

for (const [name, { options, sign, own: headers, covered, isWhole }] of Object.entries(schemes)) {
  describe(name, () => {
    const signed = sign(CALL);
    const placed = { url: isWhole, authority: isWhole && name.startsWith('rfc9421') };
    const all = mutations(signed, headers, { method: true, body: true, ...placed, ...covered }).filter(
      // Spaces around a value are none of it.
      ([, { headers: mutated }]) => headers.every((header) => !mutated[header]?.startsWith(' ')),
    );

    test('whom its key stands for', async () =>
      expect(await methodOf(options).verify(came(signed))).toEqual({
        kind: 'found',
        principal: { id: 'agent', tenant: 'acme', scopes: ['mcp:use'] },
      }));
    test('there are forty mutations', () => expect(all.length).toBeGreaterThanOrEqual(FORTY));
    for (const [what, mutated] of all) {
      test(`${what} is refused`, async () =>
        expect(await methodOf(options).verify(came(mutated))).toMatchObject({ kind: 'refused' }));
    }
    test('it is good once, in a later generation too', async () => {
      const kept = memory();
      expect(await methodOf(options, kept).verify(came(signed))).toMatchObject({ kind: 'found' });
      expect(await methodOf(options, kept).verify(came(signed))).toMatchObject({ reason: 'replayed' });
    });
    test('the same request is judged anew after a reload, by its key alone', async () => {
      const kept = memory();
      const [request, later] = [came(signed), { now: NOW + 3_600_000 }];
      expect(await methodOf(options, kept).verify(request)).toMatchObject({ kind: 'found' });
      expect(await methodOf(options, kept).verify({ ...request, ...later })).toMatchObject({ kind: 'found' });
      const gone = JSON.parse(
        JSON.stringify(options)
          .replace('"k1"', '"k2"')
          .replace(whsec, `whsec_${'A'.repeat(32)}`),
      );
      expect(await methodOf(gone, kept).verify({ ...request, ...later })).toMatchObject({ kind: 'refused' });
      const over = JSON.parse(
        JSON.stringify(options).replace('"k1"', '"k1","not_after":"2027-01-15T08:30:00Z"'),
      );
      expect(await methodOf(over, kept).verify({ ...request, ...later })).toMatchObject({
        reason: 'key_not_valid',
      });
    });
    test('a store that is full refuses', async () => {
      const method = methodOf({ ...options, nonces: 1 });
      expect(await method.verify(came(signed))).toMatchObject({ kind: 'found' });
      expect(await method.verify(came(sign(CALL)))).toMatchObject({ reason: 'nonces_full' });
    });
    test('so long before and after', async () => {
      const at = (now: number) => methodOf(options).verify(came(signed, { now }));
      const last = name.startsWith('rfc9421') ? 359_999 : 60_000;
      expect(await at(NOW + last)).toMatchObject({ kind: 'found' });
      expect(await at(NOW + last + 1)).toMatchObject({ reason: 'too_old' });
      expect(await at(NOW - 60_000)).toMatchObject({ kind: 'found' });
      expect(await at(NOW - 60_001)).toMatchObject({ reason: 'too_new' });
    });
    test('a key that ends is good until then', async () => {
      const text = JSON.stringify(options).replace('"k1"', '"k1","not_after":"2027-01-15T08:30:00Z"');
      expect(await methodOf(JSON.parse(text)).verify(came(signed))).toMatchObject({
        principal: { expires: NOW + 1_800_000 },
      });
    });
    test('a request without any of its headers is not its own, nor is one of a pipe', async () => {
      expect(await methodOf(options).verify(came(CALL))).toBeUndefined();
      expect(await methodOf(options).verify(came(signed, { transport: 'stdio' }))).toBeUndefined();
    });
    test('where nobody has said how clients know the listener, nothing is known of the place', async () =>
      expect(await methodOf(options).verify({ ...came(signed), url: undefined })).toMatchObject({
        reason: 'url_unknown',
      }));
    for (const method of ['GET', 'DELETE']) {
      test(`a ${method} has no body`, async () => {
        const bare = {
          ...CALL,
          method,
          headers: { 'mcp-session-id': 's1', 'last-event-id': 'e1' },
          body: '',
        };
        const verdict = await methodOf(options).verify(came(sign(bare), { body: undefined }));
        expect(verdict).toMatchObject(isWhole ? { kind: 'found' } : { reason: 'not_covered' });
      });
    }
  });
}
