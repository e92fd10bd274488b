// A thousand tools of ten servers, walked page by page: in order, none left out, none twice, also while servers come,
// go and change.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { ask, openSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { type Behaviour, json, type Rogue, startRogue, status } from '../fixtures/rogue.ts';
import type { Answer } from '../fixtures/wire.ts';

const EACH = 100;
const PAGE = 64;
/** What a server of ours gives at once where it has pages of its own. */
const THEIRS = 30;
const ERAS = ['2025', '2026'] as const;

const toolsOf = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `t${String(at).padStart(3, '0')}`);

/** A server with a hundred tools, which may lose some, get more, or be away. */
async function startTools(at: number) {
  const state = { tools: toolsOf(EACH), away: false };
  const before: Behaviour = (hit, res) => {
    if (state.away) return res.socket?.destroy();
    const { method, id, params } = hit.message;
    if (method !== 'tools/list') return false;
    const from = Number(params?.cursor ?? 0);
    const to = at % 2 === 0 ? state.tools.length : from + THEIRS;
    const tools = state.tools.slice(from, to).map((name) => ({ name, inputSchema: { type: 'object' } }));
    const more = to < state.tools.length && { nextCursor: String(to) };
    const result = { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools, ...more };
    return json(res, { jsonrpc: '2.0', id, result });
  };
  const era = at % 3 === 0 ? '2025' : 'both';
  return { state, rogue: await startRogue((_, res) => status(res, 500), { era, before }) };
}

type Tools = Awaited<ReturnType<typeof startTools>>;

let servers: Tools[];
let urls: Record<string, object>;
let gateway: InProcess;

const urlsOf = (all: readonly { rogue: Rogue }[]): Record<string, object> =>
  Object.fromEntries(all.map(({ rogue }, at) => [`u${at}`, { url: rogue.url, breaker: 'off' }]));
const config = (upstreams: object) => configOf({ ...upstreams }, { limits: { page: PAGE } });
const full = (name: string, count = EACH): string[] => toolsOf(count).map((tool) => `${name}__${tool}`);

beforeEach(async () => {
  servers = await Promise.all(Array.from({ length: 10 }, (_, at) => startTools(at)));
  urls = urlsOf(servers);
  gateway = await startInProcess(config(urls));
});
afterEach(async () => {
  await gateway.stop();
  await Promise.all(servers.map(({ rogue }) => rogue.stop()));
});

/** @param between what happens when so many pages have been taken */
async function walk(
  era: (typeof ERAS)[number],
  between: (page: number) => unknown = () => {},
): Promise<string[][]> {
  const session = era === '2025' ? await openSession(gateway.url) : undefined;
  const list = (params: object): Promise<Answer> =>
    session ? session.ask('tools/list', params) : ask(gateway.url, 'tools/list', params);
  const pages: string[][] = [];
  for (let params: object = {}; ; ) {
    const { result, error } = await (await list(params)).json();
    if (error) throw new Error(`page ${pages.length + 1}: ${JSON.stringify(error)}`);
    pages.push(result.tools.map(({ name }: { name: string }) => name));
    if (result.nextCursor === undefined) return pages;
    params = { cursor: result.nextCursor };
    await between(pages.length);
  }
}

test.each(ERAS)('a client of %s walks through all of them', async (era) => {
  const pages = await walk(era);
  expect(pages.flat()).toEqual(servers.flatMap((_, at) => full(`u${at}`)));
  expect(pages.slice(0, -1).map((page) => page.length)).toEqual(Array(15).fill(PAGE));
});

test.each(ERAS)('and so does one of %s while they come, go and change', async (era) => {
  const [, , two, , , five, , seven] = servers as [Tools, ...Tools[]] & Tools[];
  const happens: Record<number, () => unknown> = {
    2: () => Object.assign(seven?.state ?? {}, { away: true }),
    // What is behind the cursor may go, what is ahead of it may come: neither moves the rest.
    4: () => two?.state.tools.splice(0, 50),
    5: () => five?.state.tools.push('t100'),
    9: () => Object.assign(seven?.state ?? {}, { away: false }),
    12: async () => {
      gateway.configure({ ...config(urls), drain: '1s' });
      expect(await gateway.reload()).toMatchObject({ ok: true, generation: 2 });
    },
  };
  const listed = (await walk(era, (page) => happens[page]?.())).flat();
  expect(new Set(listed).size).toBe(listed.length);
  expect(listed).toEqual([
    ...[0, 1, 2, 3, 4].flatMap((at) => full(`u${at}`)),
    ...full('u5', EACH + 1),
    ...[6, 7, 8, 9].flatMap((at) => full(`u${at}`)),
  ]);
});

test.each(ERAS)(
  'a cursor of %s is refused once the file names other servers: the list begins anew',
  async (era) => {
    const reload = async (page: number): Promise<void> => {
      if (page !== 3) return;
      const { u9: _, ...rest } = urls;
      gateway.configure(config(rest));
      expect(await gateway.reload()).toMatchObject({ ok: true });
    };
    await expect(walk(era, reload)).rejects.toThrow('page 4: {"code":-32602');
    expect((await walk(era)).flat()).toEqual(servers.slice(0, 9).flatMap((_, at) => full(`u${at}`)));
  },
);
