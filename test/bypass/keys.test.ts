// Keys of issuers that are flooded, taken back or out of reach, and tokens that end while a stream is open: over every
// way in.
import { afterEach, expect, test } from 'bun:test';
import { ask, listen } from '../fixtures/clients.ts';
import { send } from '../fixtures/wire.ts';
import { type Change, come, type Known, reached, SCOPE, type Scene, startScene, WAYS } from './scene.ts';
import { HOUR, now } from './tokens.ts';

const MINUTE = 60_000;
const open: Scene[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
});

async function start(options?: Parameters<typeof startScene>[0]): Promise<Scene> {
  const scene = await startScene(options);
  open.push(scene);
  return scene;
}

const knownOf = async (scene: Scene): Promise<Known> => ({
  session: await scene.session(),
  place: await scene.place(),
});

let tools = 0;
/** What each way in says to a token; and that no upstream hears of it. */
async function statuses(scene: Scene, known: Known, token: string): Promise<number[]> {
  const found: number[] = [];
  const change: Change = { proof: [`Authorization: Bearer ${token}`] };
  for (const way of WAYS) {
    const tool = `tool_${++tools}`;
    const { status } = await come(scene, way, tool, known, change);
    found.push(status);
    if (status >= 400) expect(reached(scene, tool)).toEqual([]);
  }
  return found;
}
const all = (status: number): number[] => WAYS.map(() => status);
const good = WAYS.map((way) => way.good);

const fetched = ({ issuer }: Scene): number => issuer.asked.filter((path) => path === '/keys').length;

test('21: a flood of unknown key ids makes the issuer be asked once in a cooldown', async () => {
  const scene = await start();
  const known = await knownOf(scene);
  scene.gateway.turn(MINUTE);
  for (let at = 0; at < 12; at++)
    expect(await statuses(scene, known, await scene.token({}, { kid: `unknown-${at}` }))).toEqual(all(401));
  expect(fetched(scene)).toBe(2);
  scene.gateway.turn(MINUTE);
  expect(await statuses(scene, known, await scene.token({}, { kid: 'unknown' }))).toEqual(all(401));
  expect(fetched(scene)).toBe(3);
  expect(await statuses(scene, known, scene.good)).toEqual(good);
});

test('37: what a key has signed that is taken back is good no more, and what the new one signs is', async () => {
  const scene = await start();
  const known = await knownOf(scene);
  expect((await statuses(scene, { ...known, session: await scene.session() }, scene.good))[0]).toBe(200);
  await scene.issuer.rotate('two');
  scene.gateway.turn(11 * MINUTE);
  expect(await statuses(scene, known, scene.good)).toEqual(all(401));
  expect(await statuses(scene, known, await scene.token())).toEqual(good);
});

test('38: keys that are too old are not believed while their issuer is away', async () => {
  const scene = await start();
  const known = await knownOf(scene);
  const token = await scene.token({ exp: now() + 100 * HOUR });
  scene.issuer.answers = (_, res) => {
    res.writeHead(503).end();
    return true;
  };
  scene.gateway.turn(23 * 60 * MINUTE);
  expect(
    (await come(scene, WAYS[0] as never, 'x', known, { proof: [`Authorization: Bearer ${token}`] })).status,
  ).toBe(200);
  scene.gateway.turn(2 * 60 * MINUTE);
  // No fault of the caller: with a 401 its client would throw a good token away.
  expect(await statuses(scene, known, token)).toEqual(all(503));
  scene.issuer.answers = undefined;
  scene.gateway.turn(MINUTE);
  expect((await statuses(scene, known, token)).slice(0, 2)).toEqual([200, 200]);
});

test('41: what a token has opened ends with it', async () => {
  const scene = await start({
    pipeline: ([one]) => [{ auth: { issuers: [{ ...one, name: undefined, skew: '0s' }], scopes: [SCOPE] } }],
  });
  const session = await scene.session();
  const brief = { authorization: `Bearer ${await scene.token({ exp: now() + 2 })}` };
  const get = (path: string, more: object = {}) =>
    send(scene.plain + path, { method: 'GET', headers: { accept: 'text/event-stream', ...brief, ...more } });
  const streams = [await get('/mcp', session), await get('/sse')];
  expect(streams.map(({ status }) => status)).toEqual([200, 200]);
  const mcp = `${scene.plain}/mcp`;
  const { answer } = await listen(mcp, { toolsListChanged: true }, { headers: brief });
  expect(answer.status).toBe(200);
  await Promise.all([...streams, answer].map((each) => each.text()));
  expect(Date.now()).toBeLessThan((now() + 10) * 1_000);
  expect((await ask(mcp, 'tools/list', {}, { headers: brief })).status).toBe(401);
  expect(scene.gateway.gateway.report().streams).toBe(0);
});
