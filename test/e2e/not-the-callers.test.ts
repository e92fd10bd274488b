// What an upstream over HTTP says to the gateway with a status is never what the gateway says to a client with one:
// a client would log in, follow, or begin anew, and nothing of that would help.
import { afterEach, describe, expect, test } from 'bun:test';
import { ask, call, openSession, type RawSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { initialize } from '../fixtures/raw.ts';
import { answer, type Behaviour, json, type Rogue, startRogue, status } from '../fixtures/rogue.ts';
import { type Answer, post } from '../fixtures/wire.ts';

const ERAS = ['2025', '2026'] as const;
type Era = (typeof ERAS)[number];
const SECRET = 'a-token-of-the-upstream';
const HEADERS = {
  'www-authenticate': `Bearer resource_metadata="https://login.example/${SECRET}"`,
  location: `https://login.example/${SECRET}?then=${SECRET}`,
  'mcp-session-id': SECRET,
  'set-cookie': SECRET,
};
const STATUSES = [301, 302, 307, 308, 400, 401, 403, 404, 405, 407, 410, 429, 451, 500, 502, 503];

const rogues: Rogue[] = [];
afterEach(async () => {
  await Promise.all(rogues.splice(0).map((rogue) => rogue.stop()));
});

async function start(behave: Behaviour, before?: Behaviour, era: Era | 'both' = 'both') {
  const rogue = await startRogue(behave, { era, ...(before ? { before } : {}) });
  rogues.push(rogue);
  return rogue;
}

const config = (rogue: Rogue, more: object = {}) =>
  configOf({ up: { url: rogue.url, breaker: 'off', ...more } });

/** Nothing of the upstream's head, and no status but our own. */
async function harmless(got: Answer): Promise<void> {
  const text = await got.text();
  expect([200, 503]).toContain(got.status);
  expect(text).not.toContain(SECRET);
  for (const name of ['www-authenticate', 'location', 'set-cookie'])
    expect(got.headers[name]).toBeUndefined();
  expect(got.headers['mcp-session-id'] ?? '').not.toContain(SECRET);
}

/** Everything a client does of its own. */
async function everything({ url }: InProcess, era: Era): Promise<Answer[]> {
  if (era === '2026')
    return [
      await ask(url, 'server/discover'),
      await ask(url, 'tools/list'),
      await ask(url, 'resources/read', { uri: 'a://b' }, { name: 'a://b' }),
      await call(url, 'tool'),
    ];
  const hello = await post(url, initialize('2025-11-25'));
  const session = await openSession(url).catch((): RawSession | undefined => undefined);
  if (!session?.id) return [hello];
  return [
    hello,
    await session.ask('tools/list'),
    await session.ask('resources/read', { uri: 'a://b' }),
    await session.call('tool'),
    await session.ask('ping'),
  ];
}

for (const era of ERAS) {
  describe(`a client of ${era}`, () => {
    test.each(STATUSES)('whose upstream answers all it is told with %d', async (code) => {
      const rogue = await start(
        () => {},
        (_, res) => status(res, code, HEADERS),
      );
      await using gateway = await startInProcess(config(rogue));
      for (const got of await everything(gateway, era)) await harmless(got);
    });

    test.each(STATUSES)('whose upstream greets, and answers all else with %d', async (code) => {
      const rogue = await start((_, res) => status(res, code, HEADERS));
      await using gateway = await startInProcess(config(rogue));
      for (const got of await everything(gateway, era)) await harmless(got);
    });

    test('is told where an upstream wanted to send us, and no more of it than that', async () => {
      const rogue = await start((_, res) => status(res, 307, HEADERS));
      await using gateway = await startInProcess(config(rogue));
      const all = await Promise.all((await everything(gateway, era)).map((each) => each.text()));
      const told = all.find((text) => text.includes('redirects'));
      expect(told).toContain('The upstream \\"up\\" redirects (307 to https://login.example)');
      expect(told).toContain('UPSTREAM_REFUSED');
    });
  });
}

describe('404 of an upstream of 2025', () => {
  const gone: Behaviour = (_, res) => status(res, 404);

  for (const era of ERAS) {
    test(`to a session: it is opened anew, once, for a client of ${era}`, async () => {
      let forgets = false;
      const rogue = await start(
        (hit, res) => json(res, answer(hit, 'well')),
        (hit, res) => {
          if (!forgets || hit.message.method !== 'tools/call') return false;
          forgets = false;
          return gone(hit, res, rogue);
        },
        '2025',
      );
      await using gateway = await startInProcess(config(rogue));
      const made = era === '2026' ? undefined : await openSession(gateway.url);
      const one = async () => (await (made?.call('tool') ?? call(gateway.url, 'tool'))).json();
      expect((await one()).result.content[0].text).toBe('well');
      const before = rogue.of('initialize').length;
      forgets = true;
      expect((await one()).result.content[0].text).toBe('well');
      expect(rogue.of('initialize').length).toBe(before + 1);
      // The client's own session is none the worse.
      if (made) expect((await made.ask('ping')).status).toBe(200);
    });

    test(`without a session there: no such server, for a client of ${era}`, async () => {
      const rogue = await startRogue(gone, { era: '2025', session: false });
      rogues.push(rogue);
      await using gateway = await startInProcess(config(rogue));
      const made = era === '2026' ? undefined : await openSession(gateway.url);
      const got = await (made?.call('tool') ?? call(gateway.url, 'tool'));
      expect(got.status).toBe(200);
      const { error } = await got.json();
      expect(error.data).toMatchObject({ code: 'UPSTREAM_INVALID', upstream: 'up', status: 404 });
      expect(error.message).toBe('The upstream "up" answered 404.');
    });
  }
});
