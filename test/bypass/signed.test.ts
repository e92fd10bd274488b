// Ways to get past signatures, over every way in. What is altered in a signed request is tried in test/e2e.
import { describe } from 'bun:test';
import { HMAC_FORM, signHmac } from '../../plugins/signatures/hmac-v1.ts';
import { COMPONENTS, signRfc9421 } from '../../plugins/signatures/rfc9421.ts';
import type { Case } from './case.ts';
import { type Change, MODERN, PUBLIC, type Request, startScene, WAYS, type Way } from './scene.ts';
import { tryAll } from './try.ts';

interface Key {
  readonly id: string;
  readonly secret: string;
}
const ours: Key = { id: 'k1', secret: 'a secret of thirty-two bytes, yes' };
const theirs: Key = { id: 'k2', secret: 'another one of thirty-two letters' };
const MINUTE = 60_000;
const form = {
  components: COMPONENTS,
  digest: 'sha-256',
  expires: 300_000,
  label: 'sig1',
  algorithm: 'hmac-sha256',
} as const;

type Prove = NonNullable<Change['prove']>;
type Headers = Record<string, string>;
type Sign = (
  request: Request,
  key?: Key,
  at?: number,
  more?: { label?: string; components?: string[] },
) => Headers;

const messageOf = ({ method, target, headers, body = '' }: Request) => ({
  method,
  url: PUBLIC + target,
  headers,
  body,
});
const rfc9421: Sign = (request, key = ours, at = Date.now(), more = {}) =>
  signRfc9421(
    messageOf(request),
    { ...form, ...more },
    [{ id: key.id, material: Buffer.from(key.secret) }],
    at,
  );
const hmac: Sign = (request, key = ours, at = Date.now()) =>
  signHmac(messageOf(request), HMAC_FORM, [{ ...key, encoding: 'text' }], at);

const lines = (headers: Headers) => Object.entries(headers).map((entry) => entry.join(': '));
const posts = WAYS.filter(({ method }) => method === 'POST');

/** What a request was signed as, which is not what it is. */
const ofBoth = (sign: Sign): Readonly<Record<string, Prove>> => ({
  'no signature': () => [],
  'that of another’s secret': (request) => lines(sign(request, { ...ours, secret: theirs.secret })),
  'that of another tenant’s key': (request) => lines(sign(request, { ...theirs, secret: ours.secret })),
  'that of an unknown key': (request) => lines(sign(request, { ...ours, id: 'k3' })),
  'an old one': (request) => lines(sign(request, ours, Date.now() - 20 * MINUTE)),
  'one to come': (request) => lines(sign(request, ours, Date.now() + 20 * MINUTE)),
  'that of another method': (request) => lines(sign({ ...request, method: 'PUT' })),
  'that of another path': (request) => lines(sign({ ...request, target: `${request.target}x` })),
  'that of another query': (request) => lines(sign({ ...request, target: `${request.target}?a=1` })),
  'every line twice': (request) => [...lines(sign(request)), ...lines(sign(request))],
});
const ofPosts = (sign: Sign): Readonly<Record<string, Prove>> => ({
  'that of another body': (request) => lines(sign({ ...request, body: '{}' })),
  'that of no body': (request) => lines(sign({ ...request, body: undefined })),
});
const without = (name: string) => COMPONENTS.filter((each) => each !== name);
const ofRfc9421: Readonly<Record<string, [Prove, readonly Way[]]>> = {
  'one over no digest': [
    (request) => lines(rfc9421(request, ours, Date.now(), { components: without('content-digest') })),
    posts,
  ],
  'one over no digest, and none is there': [
    (request) => {
      const { 'content-digest': _, ...rest } = rfc9421(request, ours, Date.now(), {
        components: without('content-digest'),
      });
      return lines(rest);
    },
    posts,
  ],
  'one that leaves the name out': [
    (request) => lines(rfc9421(request, ours, Date.now(), { components: without('mcp-*') })),
    MODERN,
  ],
  'one that leaves the method out': [
    (request) => lines(rfc9421(request, ours, Date.now(), { components: without('@method') })),
    WAYS,
  ],
  'one that leaves the path out': [
    (request) => lines(rfc9421(request, ours, Date.now(), { components: without('@path') })),
    WAYS,
  ],
  'a second one beside it': [
    (request) => [
      ...lines(rfc9421(request)),
      ...lines(rfc9421(request, theirs, Date.now(), { label: 'sig2' })),
    ],
    WAYS,
  ],
  'that of another scheme beside it': [
    (request) => [...lines(rfc9421(request)), ...lines(hmac(request))],
    WAYS,
  ],
};

const casesOf = (all: Readonly<Record<string, Prove>>, ways: readonly Way[] = WAYS): Case[] =>
  Object.entries(all).map(([name, prove]) => ({ group: 54, name, ways, change: () => ({ prove }) }));

const keys = [
  { ...ours, tenant: 'acme' },
  { ...theirs, tenant: 'other' },
];

describe.each([
  [
    'rfc9421',
    rfc9421,
    Object.entries(ofRfc9421).flatMap(([name, [prove, ways]]) => casesOf({ [name]: prove }, ways)),
  ],
  ['hmac-v1', hmac, []],
] as const)('%s', (_, sign, own) => {
  tryAll({
    cases: [...casesOf(ofBoth(sign)), ...casesOf(ofPosts(sign), posts), ...own],
    start: () =>
      startScene({
        pipeline: () => [{ auth: { signatures: { rfc9421: { keys }, 'hmac-v1': { keys } } } }],
        prove: (request) => lines(sign(request)),
      }),
    challenge: () => /^Signature$/,
  });
});
