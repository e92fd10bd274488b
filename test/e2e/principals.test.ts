// Who calls, plugins say: what is one principal's at an upstream serves no other, over HTTP and in a process.
import { afterAll, expect, test } from 'bun:test';
import { definePlugin, principalFact, z } from 'sluice/plugin';
import { call, openSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { answer, json, type Rogue, startRogue } from '../fixtures/rogue.ts';

const badges = definePlugin({
  name: 'badges',
  api: 1,
  about: 'Takes a header for a proof.',
  schema: z.strictObject({}),
  setup: () => ({
    onRequest(_, x) {
      const [id = '', tenant] = x.inbound.headers.get('x-badge')?.split('@') ?? [];
      if (id !== '') x.set(principalFact, { id, ...(tenant === undefined ? {} : { tenant }), scopes: [] });
    },
  }),
});

const rogues: Rogue[] = [];
afterAll(() => Promise.all(rogues.map((rogue) => rogue.stop())));

/** A gateway before a server of 2025 whose tools say in which session they were called. */
async function start(sessions: object) {
  const rogue = await startRogue(
    (hit, res) => json(res, answer(hit, String(hit.headers['mcp-session-id']))),
    {
      era: '2025',
    },
  );
  rogues.push(rogue);
  const upstreams = { one: { url: rogue.url, sessions } };
  return startInProcess(configOf(upstreams, { pipeline: [{ badges: {} }] }), { plugins: { badges } });
}

const WHO = ['ada', 'eve', 'ada', 'ada@north', 'ada@south', 'ada@north'];
// Each of them once, in the order in which they come.
const OWN = [0, 1, 0, 2, 3, 2];

const numbered = (sessions: readonly string[]): number[] => {
  const all = [...new Set(sessions)];
  return sessions.map((each) => all.indexOf(each));
};

test.each(['session', 'principal'] as const)(
  'clients of 2026 have a session for each, per %s',
  async (per) => {
    await using gateway = await start({ per });
    const sessions: string[] = [];
    for (const badge of WHO) {
      const answered = await call(gateway.url, 'x', {}, { headers: { 'x-badge': badge } });
      sessions.push((await answered.json()).result.content[0].text);
    }
    expect(numbered(sessions)).toEqual(OWN);
  },
);

test('sessions of a client share that of their principal, per principal', async () => {
  await using gateway = await start({ per: 'principal' });
  const sessions: string[] = [];
  for (const badge of WHO) {
    const session = await openSession(gateway.url, { headers: { 'x-badge': badge } });
    sessions.push((await (await session.call('x', {})).json()).result.content[0].text);
  }
  expect(numbered(sessions)).toEqual(OWN);
});
