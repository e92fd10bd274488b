// Where callers without a credential are let in, one with a bad one is not: it is not taken for a stranger. And two
// people whose names would read alike are two.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { CASES } from './cases.ts';
import {
  ADMIN,
  type Change,
  come,
  type Known,
  PUBLIC,
  RULES,
  reached,
  SCOPE,
  type Scene,
  startScene,
  WAYS,
  type Way,
} from './scene.ts';
import { tryAll } from './try.ts';

const anonymous = { id: 'stranger', scopes: [SCOPE] };
const wayOf = (wanted: string): Way => {
  const found = WAYS.find(({ name }) => name === wanted);
  if (!found) throw new Error(`there is no way "${wanted}"`);
  return found;
};
const ways = ['a call of 2026', 'GET of HTTP+SSE', 'a call of 2025'].map(wayOf);

/** Those that send no Authorization header, or none that is HTTP, are tried elsewhere. */
const sendsOne = new Set([
  2,
  3,
  4,
  5,
  6,
  ...Array.from({ length: 22 }, (_, at) => at + 11),
  34,
  35,
  36,
  39,
  40,
]);
const cases = CASES.filter(({ group }) => sendsOne.has(group)).map((each) => ({ ...each, ways }));

describe('with a bad credential', () => {
  const scene = tryAll({
    cases,
    start: () => startScene({ pipeline: (issuers) => [{ auth: { issuers, anonymous, scopes: [SCOPE] } }] }),
    challenge: ({ path }) =>
      new RegExp(
        `^Bearer error="invalid_(?:token|request)", resource_metadata="${PUBLIC}/.well-known/[^"]*${path}"`,
      ),
  });

  test('while one without is let in', async () => {
    const { status } = await come(scene(), wayOf('a call of 2026'), 'for_strangers', {}, { proof: [] });
    expect([status, reached(scene(), 'for_strangers').length]).toEqual([200, 1]);
  });
});

describe('one who is known', () => {
  let scene: Scene;
  beforeAll(async () => {
    // With a name of the issuer before each id nothing would read alike.
    const pipeline = ([one]: readonly object[]) => [
      { auth: { issuers: [{ ...one, name: undefined }], scopes: [SCOPE], rules: RULES } },
    ];
    scene = await startScene({ pipeline });
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  const bearer = async (claims: object): Promise<Change> => ({
    proof: [`Authorization: Bearer ${await scene.token({ ...claims })}`],
  });
  const session = async (by: Change): Promise<Known> => {
    const hello = await come(scene, wayOf('initialize'), '', {}, by);
    expect(hello.status).toBe(200);
    const id = hello.headers['mcp-session-id'] ?? '';
    return { session: { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' } };
  };

  // A tenant and an id that are put together by a colon, or by nothing, would be the same text.
  test.each([
    [
      { tid: 'a:b', sub: 'c' },
      { tid: 'a', sub: 'b:c' },
    ],
    [
      { tid: 'a', sub: 'bc' },
      { tid: 'ab', sub: 'c' },
    ],
    [
      { tid: 'a/b', sub: 'c' },
      { tid: 'a', sub: 'b/c' },
    ],
    [
      { tid: 'a","b', sub: 'c' },
      { tid: 'a', sub: 'b","c' },
    ],
    [
      { tid: 'acme', sub: 'ada' },
      { tid: 'acme', sub: 'Ada' },
    ],
    [
      { tid: 'acme', sub: 'ada' },
      { tid: 'acme', sub: '__proto__' },
    ],
  ])('as %j is not %j', async (one, another) => {
    const [owner, other] = await Promise.all([bearer(one), bearer(another)]);
    const known = await session(owner);
    const call = (by: Change, tool: string) => come(scene, wayOf('a call of 2025'), tool, known, by);
    const before = scene.rogue.of('tools/call').length;
    expect((await call(other, 'theirs')).status).toBe(404);
    expect((await come(scene, wayOf('GET'), '', known, other)).status).toBe(404);
    expect((await come(scene, wayOf('DELETE'), '', known, other)).status).toBe(404);
    expect(scene.rogue.of('tools/call').length).toBe(before);
    expect((await call(owner, 'own')).status).toBe(200);
    expect(scene.rogue.of('tools/call').length).toBe(before + 1);
  });

  test('may use a stream of HTTP+SSE for no more than is theirs: the refusal is in the stream', async () => {
    const known = { place: await scene.place() };
    const way = wayOf('a post of HTTP+SSE');
    expect((await come(scene, way, 'delete_all', known)).status).toBe(202);
    // Its answer comes before that of the next one, which is waited for at the upstream.
    const more = await bearer({ scope: `${SCOPE} ${ADMIN}` });
    const before = scene.rogue.of('tools/call').length;
    expect((await come(scene, way, 'delete_more', known, more)).status).toBe(202);
    await scene.rogue.nth('tools/call', before + 1);
    expect([reached(scene, 'delete_all').length, reached(scene, 'delete_more').length]).toEqual([0, 1]);
  });
});
