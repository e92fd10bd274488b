// Entries of the pipeline that are for one upstream, and calls of which only lists can say whose they are: none of
// them reaches an upstream past an entry that is for it.
import { afterEach, expect, test } from 'bun:test';
import { definePlugin, refuse, z } from 'sluice/plugin';
import { call } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { answer, json, type Rogue, startRogue, status } from '../fixtures/rogue.ts';

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const common = { api: 1, schema: z.strictObject({}) } as const;
const plugins = {
  badges: definePlugin({
    ...common,
    name: 'badges',
    about: 'Lets in who shows a badge.',
    setup: () => ({
      onCaller: ({ inbound }) =>
        inbound.headers.has('x-badge') ? { principal: { id: 'ada', scopes: [] } } : refuse('UNAUTHENTICATED'),
    }),
  }),
  guard: definePlugin({
    ...common,
    name: 'guard',
    about: 'Lets nobody pass.',
    setup: () => ({ onRequest: () => refuse('FORBIDDEN') }),
  }),
  meanwhile: definePlugin({
    ...common,
    name: 'meanwhile',
    about: 'Something happens.',
    setup: () => ({ onRequest: () => meanwhile() }),
  }),
  rename: definePlugin({
    ...common,
    name: 'rename',
    about: 'Calls a where b was called.',
    setup: () => ({ onRequest: (request) => request.with({ name: 'a' }) }),
  }),
};

/** What happens while a call is with the plugins. */
let meanwhile: () => void = () => {};

interface Scene {
  readonly gateway: InProcess;
  readonly two: Rogue;
  calls(): number;
  /** From here on, or not any more, the second upstream has no list to give. */
  ails(isSo: boolean): void;
}

/** Two upstreams under their own names: `one` has the tool `a`, `two` has `b`. */
async function start(pipeline: unknown[]): Promise<Scene> {
  let ails = false;
  const place = async (tool: string, isAway: () => boolean): Promise<Rogue> => {
    const tools = [{ name: tool, inputSchema: { type: 'object' } }];
    const rogue = await startRogue((hit, res) => json(res, answer(hit, tool)), {
      before(hit, res) {
        if (hit.message.method !== 'tools/list') return false;
        if (isAway()) return status(res, 500);
        return json(res, { jsonrpc: '2.0', id: hit.message.id, result: { resultType: 'complete', tools } });
      },
    });
    ending.push(rogue.stop);
    return rogue;
  };
  const one = await place('a', () => false);
  const two = await place('b', () => ails);
  const gateway = await startInProcess(
    configOf(
      { one: { url: one.url }, two: { url: two.url, breaker: 'off', retry: { max: 0 } } },
      {
        pipeline,
        endpoints: { '/mcp': { names: 'none' } },
        limits: { list_again: '1ms', list_retry: '1ms' },
      },
    ),
    { plugins },
  );
  ending.push(gateway.stop);
  return {
    gateway,
    two,
    calls: () => one.of('tools/call').length + two.of('tools/call').length,
    ails(isSo) {
      ails = isSo;
    },
  };
}

const codeOf = async (answered: ReturnType<typeof call>): Promise<string> => {
  const { result, error } = await (await answered).json();
  return error?.data?.code ?? result.content[0].text;
};

test('whoever is not let in at one of those that may have a tool gets it from none of them', async () => {
  const { gateway, calls } = await start([
    { badges: {}, when: { upstreams: ['one'] } },
    { guard: {}, when: { upstreams: ['two'] } },
  ]);
  for (const tool of ['a', 'b']) expect(await codeOf(call(gateway.url, tool))).toBe('UNAUTHENTICATED');
  expect(calls()).toBe(0);
  const headers = { 'x-badge': 'ada' };
  expect(await codeOf(call(gateway.url, 'a', {}, { headers }))).toBe('a');
  expect(await codeOf(call(gateway.url, 'b', {}, { headers }))).toBe('FORBIDDEN');
});

test('nor does a new name lead past the one that did not let it in', async () => {
  const { gateway, calls } = await start([{ badges: {}, when: { upstreams: ['one'] } }, 'rename']);
  expect(await codeOf(call(gateway.url, 'b'))).toBe('UNAUTHENTICATED');
  expect(calls()).toBe(0);
});

test('an upstream that comes back while plugins look at a call is not reached past its own', async () => {
  const { gateway, calls, ails } = await start([{ guard: {}, when: { upstreams: ['two'] } }, 'meanwhile']);
  meanwhile = () => ails(false);
  ails(true);
  expect(await codeOf(call(gateway.url, 'b'))).toBe('UPSTREAM_UNAVAILABLE');
  expect(calls()).toBe(0);
  expect(await codeOf(call(gateway.url, 'b'))).toBe('FORBIDDEN');
});
