// Groups 31, 32, 34–36, 39, 40: tokens that are signed well and say something wrong.
import { tokens } from './case.ts';
import { PUBLIC } from './scene.ts';
import { claims, HOUR, header, now, text } from './tokens.ts';

export default [
  ...tokens(
    31,
    {
      'another issuer': claims({ iss: 'https://evil.example' }),
      'a slash behind its issuer': (scene) => scene.token({ iss: `${scene.issuer.url}/` }),
      'its issuer in capitals': (scene) => scene.token({ iss: scene.issuer.url.toUpperCase() }),
      'its issuer by another name of the host': (scene) =>
        scene.token({ iss: scene.issuer.url.replace('127.0.0.1', 'localhost') }),
      'its issuer with something behind it': (scene) =>
        scene.token({ iss: `${scene.issuer.url}.evil.example` }),
      'a list of issuers': (scene) => scene.token({ iss: [scene.issuer.url] }),
      'no issuer': claims({ iss: undefined }),
      'an issuer that objects have': claims({ iss: '__proto__' }),
    },
    { reason: 'issuer_unknown' },
  ),
  ...tokens(
    32,
    {
      'another audience': claims({ aud: 'https://other.example/mcp' }),
      'the host alone': claims({ aud: PUBLIC }),
      'a beginning of it': claims({ aud: `${PUBLIC}/m` }),
      'more than it': claims({ aud: [`${PUBLIC}/mcp/x`, `${PUBLIC}/sse/x`] }),
      'a slash behind it': claims({ aud: [`${PUBLIC}/mcp/`, `${PUBLIC}/sse/`] }),
      'it in capitals': claims({ aud: [`${PUBLIC}/MCP`, `${PUBLIC}/SSE`] }),
      'other people’s endpoints': claims({ aud: [`${PUBLIC}/ci`, 'https://other.example'] }),
      'an empty list': claims({ aud: [] }),
      'a list within a list': claims({ aud: [[`${PUBLIC}/mcp`, `${PUBLIC}/sse`]] }),
      'all in one text': claims({ aud: `${PUBLIC}/mcp ${PUBLIC}/sse` }),
      'any audience': claims({ aud: '*' }),
      'no audience': claims({ aud: undefined }),
      'the resource in its place': claims({ aud: undefined, resource: `${PUBLIC}/mcp` }),
    },
    { reason: 'audience_wrong' },
  ),
  ...tokens(34, {
    'exp past': claims({ exp: now() - 61 }),
    'no exp': claims({ exp: undefined }),
    'exp as text': claims({ exp: String(now() + HOUR) }),
    'exp with a fraction': claims({ exp: now() + HOUR + 0.5 }),
    'exp below zero': claims({ exp: -1 }),
    'exp null': claims({ exp: null }),
    'exp without end': text((json) => json.replace(/"exp":\d+/, '"exp":1e99')),
    'exp in milliseconds': claims({ exp: Date.now() + HOUR * 1_000 }),
  }),
  ...tokens(35, {
    'nbf to come': claims({ nbf: now() + 3 * HOUR }),
    'iat to come': claims({ iat: now() + 3 * HOUR }),
    'nbf as text': claims({ nbf: '0' }),
    'iat below zero': claims({ iat: -1 }),
  }),
  ...tokens(
    36,
    {
      'token_use id': claims({ token_use: 'id' }),
      'token_use refresh': claims({ token_use: 'refresh' }),
      'typ ID in its claims': claims({ typ: 'ID' }),
      'typ Refresh in its claims': claims({ typ: 'Refresh' }),
      'a hash that ID tokens have': claims({ at_hash: 'x' }),
      'typ of a proof': header({ typ: 'dpop+jwt' }),
      'typ of a logout token': header({ typ: 'logout+jwt' }),
      'typ as a number': header({ typ: 1 }),
    },
    { reason: 'type_wrong' },
  ),
  ...tokens(
    39,
    {
      'no tenant': claims({ tid: undefined }),
      'a list of tenants': claims({ tid: ['acme'] }),
      'an empty tenant': claims({ tid: '' }),
      'a tenant that is an object': claims({ tid: { toString: 'acme' } }),
      'a tenant by another spelling': claims({ tid: undefined, TID: 'acme' }),
      'a tenant of the prototype': text((json) => json.replace('"tid":"acme"', '"__proto__":{"tid":"acme"}')),
      'a line break in its tenant': claims({ tid: 'acme\nother' }),
      'a space behind its tenant': claims({ tid: 'acme ' }),
    },
    { reason: 'tenant_malformed' },
  ),
  ...tokens(
    40,
    {
      'no sub': claims({ sub: undefined }),
      'an empty sub': claims({ sub: '' }),
      'a sub of spaces': claims({ sub: '   ' }),
      'a sub that is a number': claims({ sub: 7 }),
      'a line break in its sub': claims({ sub: 'ada\nroot' }),
      'a zero in its sub': claims({ sub: 'ada\0' }),
      'a letter without width in its sub': claims({ sub: 'a\u200bda' }),
      'a sub without end': claims({ sub: 'a'.repeat(257) }),
    },
    { reason: 'subject_malformed' },
  ),
];
