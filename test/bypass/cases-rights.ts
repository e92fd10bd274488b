// Groups 33, 51, 52: somebody who is known, and may not.
import { type Case, changes, proofs, tokens } from './case.ts';
import { ADMIN, AUDIENCES, SCOPE, WAYS } from './scene.ts';

const bearer = (token: string) => `Authorization: Bearer ${token}`;
const sessions = WAYS.filter(({ needs }) => needs !== undefined);

export default [
  ...proofs(
    33,
    {
      'no scope': async ({ token }) => bearer(await token({ scope: undefined })),
      'an empty scope': async ({ token }) => bearer(await token({ scope: '' })),
      'a longer one': async ({ token }) => bearer(await token({ scope: `${SCOPE}-all` })),
      'a shorter one': async ({ token }) => bearer(await token({ scope: SCOPE.slice(0, -1) })),
      'a list with a longer one': async ({ token }) =>
        bearer(await token({ scope: [`x${SCOPE}`, `${SCOPE}s`] })),
      'in capitals': async ({ token }) => bearer(await token({ scope: SCOPE.toUpperCase() })),
      'any scope': async ({ token }) => bearer(await token({ scope: '* mcp:*' })),
      'another claim': async ({ token }) =>
        bearer(await token({ scope: undefined, roles: [SCOPE], permissions: [SCOPE], scopes: [SCOPE] })),
      'more of something else': async ({ token }) => bearer(await token({ scope: ADMIN })),
    },
    { status: 403, isChallenged: true },
  ),
  {
    group: 33,
    name: 'a tool that needs more',
    tool: 'delete_',
    // The answer to what is posted beside a stream is in the stream: another test has it.
    ways: WAYS.filter(({ calls, path }) => calls && path === '/mcp'),
    change: async ({ token }) => ({ proof: [bearer(await token({ scope: `${SCOPE} ${ADMIN}-not` }))] }),
    good: async ({ token }) => ({ proof: [bearer(await token({ scope: `${ADMIN} ${SCOPE}` }))] }),
    status: 403,
    isChallenged: true,
  },
  ...changes(51, { 'a session alone': { proof: [] } }, { ways: sessions }),
  ...tokens(
    52,
    {
      'another person’s': ({ token }) => token({ sub: 'bob' }),
      'the same person of another tenant': ({ token }) => token({ tid: 'other' }),
      'somebody of that name, of another issuer': ({ other }) =>
        other.token({ aud: AUDIENCES, tid: 'acme', scope: SCOPE }),
    },
    { ways: sessions, status: 404 },
  ),
] satisfies Case[];
