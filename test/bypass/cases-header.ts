// Groups 1–10, 42, 50: how a credential is sent, or something that looks like one.
import { type Case, changes, proofs } from './case.ts';
import { WAYS } from './scene.ts';

const bob = (token: string) => `Authorization: Bearer ${token}`;
const bad = 'Authorization: Bearer eyJhbGciOiJFUzI1NiJ9.e30.AA';
const posts = WAYS.filter(({ method }) => method === 'POST');

export default [
  ...changes(1, { 'no header': { proof: [] } }),
  ...changes(2, {
    'an empty header': { proof: ['Authorization:'] },
    'a header of spaces': { proof: ['Authorization:    '] },
  }),
  ...changes(3, {
    'Bearer alone': { proof: ['Authorization: Bearer'] },
    'Bearer and a space': { proof: ['Authorization: Bearer '] },
    'Bearer null': { proof: ['Authorization: Bearer null'] },
  }),
  ...proofs(4, {
    'a good one, then a bad one': ({ good }) => [bob(good), bad],
    'a bad one, then a good one': ({ good }) => [bad, bob(good)],
    'those of two people': async ({ good, token }) => [bob(good), bob(await token({ sub: 'bob' }))],
    'a good one twice': ({ good }) => [bob(good), bob(good)],
    'a good one, then an empty one': ({ good }) => [bob(good), 'Authorization:'],
    'a good one, then Basic': ({ good }) => [bob(good), 'authorization: Basic YWRhOng='],
  }),
  ...proofs(5, {
    'two with a comma': ({ good }) => `${bob(good)}, Bearer x`,
    'two with a comma, the good one last': ({ good }) => `Authorization: Bearer x, Bearer ${good}`,
    'two tokens of one Bearer': ({ good }) => `${bob(good)},${good}`,
    'a comma behind it': ({ good }) => `${bob(good)},`,
  }),
  ...proofs(6, {
    'a word behind it': ({ good }) => `${bob(good)} x`,
    'a fourth part': ({ good }) => `${bob(good)}.x`,
    'a dot behind it': ({ good }) => `${bob(good)}.`,
    'a parameter behind it': ({ good }) => `${bob(good)};scope=admin`,
    'quotes around it': ({ good }) => `Authorization: Bearer "${good}"`,
    'something before it': ({ good }) => `Authorization: Bearer x${good}`,
  }),
  ...proofs(7, {
    'a tab for the space': ({ good }) => `Authorization: Bearer\t${good}`,
    'two spaces': ({ good }) => `Authorization: Bearer  ${good}`,
    'a space that does not break': ({ good }) => `Authorization: Bearer\xa0${good}`,
    'a space that does not break, behind it': ({ good }) => `${bob(good)}\xa0`,
    'a tab within it': ({ good }) => `Authorization: Bearer ${good.replace('.', '\t.')}`,
    'no space': ({ good }) => `Authorization: Bearer${good}`,
    'a colon for the space': ({ good }) => `Authorization: Bearer:${good}`,
  }),
  ...proofs(
    7,
    {
      'a space before the colon': ({ good }) => `Authorization : Bearer ${good}`,
      'a zero behind it': ({ good }) => `${bob(good)}\0`,
      'a line that goes on': ({ good }) => ['Authorization: Bearer', ` ${good}`],
    },
    { status: 400 },
  ),
  ...proofs(8, {
    Basic: ({ good }) => `Authorization: Basic ${good}`,
    Token: ({ good }) => `Authorization: Token ${good}`,
    'DPoP with a token that is bound to no key': ({ good }) => `Authorization: DPoP ${good}`,
    'a scheme that begins alike': ({ good }) => `Authorization: BearerX ${good}`,
    'no scheme': ({ good }) => `Authorization: ${good}`,
    'another header': ({ good }) => [
      `X-Authorization: Bearer ${good}`,
      `Proxy-Authorization: Bearer ${good}`,
    ],
    'the header with an underscore': ({ good }) => `Authorization_: Bearer ${good}`,
  }),
  {
    group: 9,
    name: 'a token in the query',
    change: ({ good }) => ({
      proof: [],
      target: (at) => `${at}${at.includes('?') ? '&' : '?'}access_token=${good}`,
    }),
  },
  {
    group: 9,
    name: 'a token in the query, as well',
    change: ({ good }) => ({ target: (at) => `${at}${at.includes('?') ? '&' : '?'}access_token=${good}` }),
  },
  {
    group: 9,
    name: 'a token in the query, by another name',
    change: ({ good }) => ({
      proof: [],
      target: (at) => `${at}${at.includes('?') ? '&' : '?'}token=${good}`,
    }),
  },
  ...proofs(10, {
    'a cookie': ({ good }) => `Cookie: access_token=${good}; Authorization=Bearer ${good}; token=${good}`,
  }),
  {
    group: 10,
    name: 'a member of the body',
    ways: posts,
    change: ({ good }) => ({ proof: [], body: (text) => text.replace('{', `{"access_token":"${good}",`) }),
  },
  {
    group: 10,
    name: 'a member of the _meta',
    ways: posts,
    change: ({ good }) => ({
      proof: [],
      body: (text) => text.replace('"params":{', `"params":{"authorization":"Bearer ${good}",`),
    }),
  },
  {
    group: 10,
    name: 'a form',
    ways: posts,
    change: ({ good }) => ({
      proof: ['Content-Type: application/x-www-form-urlencoded'],
      without: ['content-type'],
      body: () => `access_token=${good}`,
    }),
    status: 415,
  },
  ...changes(42, {
    'who a proxy says it is': {
      proof: ['X-Forwarded-User: ada', 'X-Tenant-Id: acme', 'X-Remote-User: ada', 'Remote-User: ada'],
    },
    'headers that mean something elsewhere': {
      proof: ['mcp-init-host: gateway.example', 'X-Original-URL: /other', 'X-Rewrite-URL: /other'],
    },
    'who it is forwarded for': {
      proof: [
        'X-Forwarded-For: 127.0.0.1',
        'Forwarded: for=127.0.0.1;proto=https',
        'X-Forwarded-Proto: https',
      ],
    },
    'a certificate that a proxy says it saw': {
      proof: ['X-Client-Cert: CN=ada', 'X-SSL-Client-Verify: SUCCESS'],
    },
  }),
  ...changes(50, {
    'a header that goes no further than this hop': { proof: ['Connection: authorization'] },
    'a bad one of this hop': { proof: ['Connection: authorization', bad] },
  }),
] satisfies Case[];
