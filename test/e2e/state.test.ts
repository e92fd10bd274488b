// A requestState of the gateway is good once, for its caller and its call; whatever else comes with it is refused and
// nothing is called.
import { afterEach, expect, test } from 'bun:test';
import { z } from 'zod';
import { type AnyPlugin, definePlugin } from '../../src/plugin.ts';
import { ACCEPT, type AskingServer, FORM, startAskingServer } from '../fixtures/asker.ts';
import { ask } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { until } from '../fixtures/until.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function server(): AskingServer {
  const started = startAskingServer();
  ends.push(started.stop);
  return started;
}
async function gatewayOf(...start: Parameters<typeof startInProcess>): Promise<InProcess> {
  const gateway = await startInProcess(...start);
  ends.push(gateway.stop);
  return gateway;
}

const ARGS = { questions: [FORM] };
const call = async (url: string, name: string, more: object = {}) => {
  const params = { name, arguments: ARGS, ...more };
  return (await ask(url, 'tools/call', params, { name, capabilities: { elicitation: {} } })).json();
};
const stateOf = async (url: string, name: string): Promise<string> =>
  (await call(url, name)).result.requestState;
const retry = (url: string, name: string, requestState: string, more: object = {}) =>
  call(url, name, { requestState, inputResponses: { user_name: ACCEPT }, ...more });
// biome-ignore lint/suspicious/noExplicitAny: whatever was answered
const outcome = ({ result, error }: any) => error?.data.code ?? result.content[0].text;
const TOLD = JSON.stringify([ACCEPT]);

test('two retries at the same time: one continues the call, the other is refused', async () => {
  const up = server();
  const { url } = await gatewayOf(configOf({ up: { url: up.url } }));
  for (let round = 1; round <= 20; round++) {
    const state = await stateOf(url, 'ask');
    const both = await Promise.all([retry(url, 'ask', state), retry(url, 'ask', state)]);
    expect(both.map(outcome).toSorted()).toEqual(['STATE_INVALID', TOLD]);
    expect(both.find(({ error }) => error)?.error.code).toBe(-32602);
    expect(up.calls).toBe(round);
  }
});

test('another call, or altered: refused, and the rightful one goes on', async () => {
  const up = server();
  const { url } = await gatewayOf(configOf({ up: { url: up.url } }));
  const state = await stateOf(url, 'ask');
  const altered = `${state.slice(0, -2)}${state.endsWith('AA') ? 'BB' : 'AA'}`;
  expect(outcome(await retry(url, 'ask', altered))).toBe('STATE_INVALID');
  expect(outcome(await retry(url, 'ask', state, { arguments: { questions: [] } }))).toBe('STATE_INVALID');
  expect(outcome(await retry(url, 'hasty', state))).toBe('STATE_INVALID');
  expect(up.calls).toBe(1);
  expect(outcome(await retry(url, 'ask', state))).toBe(TOLD);
});

test('after a restart: refused, although the seal is the same, and nothing is called', async () => {
  const up = server();
  const sealKey = crypto.getRandomValues(new Uint8Array(32));
  const config = configOf({ up: { url: up.url } });
  const before = await gatewayOf(config, { sealKey });
  const state = await stateOf(before.url, 'ask');
  await before.stop();
  const after = await gatewayOf(config, { sealKey });
  expect(outcome(await retry(after.url, 'ask', state))).toBe('STATE_INVALID');
  expect(up.calls).toBe(1);
});

test('at another upstream, or at another endpoint: refused', async () => {
  const [one, two] = [server(), server()];
  const upstreams = { one: { url: one.url }, two: { url: two.url } };
  const { url } = await gatewayOf(
    configOf(upstreams, {
      endpoints: { '/mcp': { upstreams: ['one', 'two'] }, '/other': { upstreams: ['one', 'two'] } },
    }),
  );
  const state = await stateOf(url, 'one__ask');
  expect(outcome(await retry(url, 'two__ask', state))).toBe('STATE_INVALID');
  expect(outcome(await retry(url.replace('/mcp', '/other'), 'one__ask', state))).toBe('STATE_INVALID');
  expect([one.calls, two.calls]).toEqual([1, 0]);
  expect(outcome(await retry(url, 'one__ask', state))).toBe(TOLD);
  expect([one.calls, two.calls]).toEqual([1, 0]);
});

test('by a name that a plugin changes: as by any other', async () => {
  const renaming = definePlugin({
    name: 'renaming',
    api: 1,
    about: 'Gives a tool another name.',
    schema: z.strictObject({}),
    setup: () => ({
      onRequest: (request) =>
        request.params.name === 'question' ? request.with({ name: 'ask' }) : undefined,
    }),
  });
  const up = server();
  const plugins: Record<string, AnyPlugin> = { renaming };
  const { url } = await gatewayOf(configOf({ up: { url: up.url } }, { pipeline: [{ renaming: {} }] }), {
    plugins,
  });
  const state = await stateOf(url, 'question');
  expect(outcome(await retry(url, 'hasty', state))).toBe('STATE_INVALID');
  expect(outcome(await retry(url, 'question', state))).toBe(TOLD);
  expect(outcome(await retry(url, 'question', state))).toBe('STATE_INVALID');
  expect(up.calls).toBe(1);
});

test('it brings nothing but its call back to the configuration that the call waits on', async () => {
  const up = server();
  const upstreams = { up: { url: up.url } };
  const gateway = await gatewayOf(configOf(upstreams));
  const requestState = await stateOf(gateway.url, 'ask');
  gateway.configure(configOf({ ...upstreams, demo: { builtin: 'demo' } }));
  expect((await gateway.reload()).ok).toBe(true);
  const { result } = await (await ask(gateway.url, 'tools/list', { requestState })).json();
  expect(result.tools.map(({ name }: { name: string }) => name)).toContain('demo__echo');
  const filter = { notifications: { toolsListChanged: true }, requestState };
  const stream = await ask(gateway.url, 'subscriptions/listen', filter);
  await stream.message();
  // The older one stays as long as something runs on it: a subscription there would never end.
  expect(outcome(await retry(gateway.url, 'ask', requestState))).toBe(TOLD);
  await until(() => gateway.gateway.report().draining === 0);
  stream.drop();
});
