// Which listeners start: every address, with every kind of guard, with and without TLS.
import { describe, expect, test } from 'bun:test';
import { EXPIRED, load } from './world.ts';

const ADDRESSES = [
  ['127.0.0.1:1', true],
  ['127.9.9.9:1', true],
  ['localhost:1', true],
  ['"[::1]:1"', true],
  ['unix:/run/x', true],
  ['0.0.0.0:1', false],
  ['"[::]:1"', false],
  ['10.0.0.1:1', false],
  ['gateway.internal:1', false],
] as const;

const GUARDS = [
  ['none', '[]', false],
  ['by name', '[auth]', true],
  ['with options', '[{ auth: { scopes: [x] } }]', true],
  ['below others', '[progress, auth]', true],
  ['in shadow', '[{ auth: {}, mode: shadow }]', false],
  ['off', '[{ auth: {}, mode: off }]', false],
  ['that lets pass when it fails', '[{ auth: {}, on_error: ignore }]', false],
  ['for some methods', '[{ auth: {}, when: { methods: [tools/call] } }]', false],
  ['for one endpoint of two', '[{ auth: {}, when: { endpoints: [/a] } }]', false],
  [
    'for both endpoints',
    '[{ auth: {}, when: { endpoints: [/a] } }, { auth: {}, id: b, when: { endpoints: [/b] } }]',
    true,
  ],
  ['for all by pattern', '[{ auth: {}, when: { endpoints: ["/*"] } }]', true],
  [
    'for both, but one for some methods',
    '[{ auth: {}, when: { endpoints: [/a] } }, { auth: {}, id: b, when: { endpoints: [/b], methods: [ping] } }]',
    false,
  ],
  ['of anybody', '[{ auth: { anonymous: true } }]', false],
  ['of anybody with a name', '[{ auth: { anonymous: { id: guest } } }]', false],
  ['of anybody, as it is meant', '[{ auth: { anonymous: { public: true } } }]', true],
  ['of another plugin', '[ratelimit]', false],
] as const;

const TLS = [
  ['no word of TLS', '', false],
  ['TLS that is off', ', tls: off', true],
  ['TLS', ', tls: { cert: ./tls.pem, key: ./tls.key }', true],
] as const;

describe.each(ADDRESSES)('%s', (address, isLocal) => {
  describe.each(GUARDS)('auth %s', (_, pipeline, isGuarded) => {
    test.each(TLS)('and %s', (_, tls, isSaid) => {
      const codes = codesOf(`
listeners: [{ http: { listen: ${address}${tls} } }]
upstreams: { demo: { builtin: demo } }
endpoints: { /a: { upstreams: [demo] }, /b: { upstreams: [demo] } }
pipeline: ${pipeline}
`);
      expect(codes).toEqual([
        ...(isLocal || isGuarded ? [] : ['LISTEN_UNSAFE']),
        ...(isLocal || isSaid ? [] : ['LISTEN_PLAIN']),
      ]);
    });
  });
});

test('a certificate that is not valid now is a warning', () => {
  const result = load(`
listeners: [{ http: { listen: 127.0.0.1:1, tls: { cert: ./old.pem, key: ./old.key } } }]
upstreams: { demo: { builtin: demo } }
`);
  expect(result).toMatchObject({
    ok: true,
    warnings: [{ code: 'CERTIFICATE_EXPIRED', line: 2, message: 'the certificate expired on 2021-01-01' }],
  });
  expect(JSON.stringify(result)).not.toContain(EXPIRED.key.slice(40, 80));
});

function codesOf(text: string): string[] {
  const result = load(text);
  const codes = result.ok ? [] : result.diagnostics.map(({ code }) => code as string);
  return codes.filter((code) => /^LISTEN_/.test(code));
}
