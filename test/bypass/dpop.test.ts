// Ways to get past tokens that are bound to a key, over every way in.
import { beforeAll, expect } from 'bun:test';
import { type Holder, holder } from '../fixtures/auth/proofs.ts';
import { symmetric } from '../fixtures/issuer.ts';
import type { Case } from './case.ts';
import { come, PUBLIC, type Scene, startScene, WAYS, type Way } from './scene.ts';
import { now } from './tokens.ts';
import { tryAll } from './try.ts';

let owner: Holder;
let stranger: Holder;
let bound = '';
beforeAll(async () => {
  [owner, stranger] = await Promise.all([holder(), holder()]);
});

const right = ({ method, path }: Pick<Way, 'method' | 'path'>) => ({
  htm: method,
  htu: PUBLIC + path,
  iat: now(),
});
const sent = (proof: string, token = bound) => [`Authorization: DPoP ${token}`, `DPoP: ${proof}`];
const proven = async (way: Way, claims: object = {}, head: object = {}, by = owner) =>
  sent(await by.prove(bound, { ...right(way), ...claims }, { ...head }));

interface Wrong {
  readonly lines: (way: Way, scene: Scene) => readonly string[] | Promise<readonly string[]>;
  readonly reason: string;
}

const wrong: Readonly<Record<string, Wrong>> = {
  'no proof': { lines: () => [`Authorization: DPoP ${bound}`], reason: 'proof_missing' },
  'as a bearer token': { lines: () => [`Authorization: Bearer ${bound}`], reason: 'bound_token_as_bearer' },
  'as a bearer token, with a proof': {
    lines: async (way) => [`Authorization: Bearer ${bound}`, `DPoP: ${await owner.prove(bound, right(way))}`],
    reason: 'bound_token_as_bearer',
  },
  'a proof of another method': {
    lines: (way) => proven(way, { htm: 'PUT' }),
    reason: 'proof_of_other_method',
  },
  'a proof of a method in small letters': {
    lines: (way) => proven(way, { htm: way.method.toLowerCase() }),
    reason: 'proof_of_other_method',
  },
  'a proof of where the gateway listens': {
    lines: (way, { plain }) => proven(way, { htu: plain + way.path }),
    reason: 'proof_of_other_url',
  },
  'a proof of where a proxy says it is': {
    lines: async (way) => [
      ...(await proven(way, { htu: `https://evil.example${way.path}` })),
      'X-Forwarded-Host: evil.example',
      'Forwarded: host=evil.example;proto=https',
    ],
    reason: 'proof_of_other_url',
  },
  'a proof of another path': {
    lines: (way) => proven(way, { htu: `${PUBLIC}${way.path}/other` }),
    reason: 'proof_of_other_url',
  },
  'a proof without encryption': {
    lines: (way) => proven(way, { htu: `http://gateway.example${way.path}` }),
    reason: 'proof_of_other_url',
  },
  'an old proof': { lines: (way) => proven(way, { iat: now() - 120 }), reason: 'proof_too_old' },
  'a proof to come': { lines: (way) => proven(way, { iat: now() + 120 }), reason: 'proof_too_new' },
  'a proof without a time': { lines: (way) => proven(way, { iat: undefined }), reason: 'proof_invalid' },
  'a proof without an id': { lines: (way) => proven(way, { jti: undefined }), reason: 'proof_without_id' },
  'a proof of another token': {
    lines: async (way) => sent(await owner.prove('another', right(way))),
    reason: 'proof_of_other_token',
  },
  'a proof of no token': { lines: (way) => proven(way, { ath: undefined }), reason: 'proof_of_other_token' },
  'a proof of another key': { lines: (way) => proven(way, {}, {}, stranger), reason: 'proof_of_other_key' },
  'a proof that another key has signed': {
    lines: (way) => proven(way, {}, { jwk: owner.jwk }, stranger),
    reason: 'proof_invalid',
  },
  'a proof with a private key in it': {
    lines: (way) => proven(way, {}, { jwk: owner.privateJwk }),
    reason: 'proof_invalid',
  },
  'a proof of another type': { lines: (way) => proven(way, {}, { typ: 'JWT' }), reason: 'proof_invalid' },
  'a proof with a shared secret': {
    lines: async (way) => {
      const claims = { ...right(way), jti: crypto.randomUUID() };
      return sent(await symmetric(Buffer.alloc(32, 1), claims, { typ: 'dpop+jwt', jwk: owner.jwk }));
    },
    reason: 'proof_invalid',
  },
  'two proofs': {
    lines: async (way) => [...(await proven(way)), ...(await proven(way)).slice(1)],
    reason: 'proof_invalid',
  },
  'a proof beside a token that is bound to none': {
    lines: async (way, { good }) => sent(await owner.prove(good, right(way)), good),
    reason: 'not_bound',
  },
  'a proof beside a token that is bound to another key': {
    lines: async (way, { token }) => {
      const theirs = await token({ cnf: { jkt: stranger.jkt } });
      return sent(await owner.prove(theirs, right(way)), theirs);
    },
    reason: 'proof_of_other_key',
  },
};

const cases: Case[] = Object.entries(wrong).map(([name, { lines, reason }]) => ({
  group: 53,
  name,
  change: async (scene, way) => ({ proof: await lines(way, scene) }),
  reason,
}));

/** Where its id has been seen before, with a request that was let in. */
const replayed: Case = {
  group: 53,
  name: 'a proof that came before',
  async change(scene, way) {
    const id = { jti: crypto.randomUUID() };
    const hello = WAYS.find(({ name }) => name === 'initialize') as Way;
    const { status } = await come(scene, hello, '', {}, { proof: await proven(hello, id) });
    expect(status).toBe(200);
    return { proof: await proven(way, id) };
  },
  ways: WAYS.filter(({ needs }) => needs !== undefined),
  reason: 'proof_replayed',
};

tryAll({
  cases: [...cases, replayed],
  async start() {
    const scene = await startScene({
      prove: async ({ method, target }) => {
        const way = { method: method as Way['method'], path: target.split('?')[0] ?? '' };
        return sent(await owner.prove(bound, right(way)));
      },
    });
    bound = await scene.token({ cnf: { jkt: owner.jkt } });
    return scene;
  },
  challenge: ({ path }) =>
    new RegExp(`^Bearer .*resource_metadata="${PUBLIC}/.well-known/oauth-protected-resource${path}"`),
});
