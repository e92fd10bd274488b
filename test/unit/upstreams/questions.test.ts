// Whom a question of a server concerns: shown to the call it is for, or to nobody.
import { describe, expect, test } from 'bun:test';
import { RawObject } from '../../../src/protocol/raw.ts';
import type { Call, Question } from '../../../src/upstreams/call.ts';
import { Call as RealCall } from '../../../src/upstreams/call.ts';
import type { Link, Reply } from '../../../src/upstreams/link.ts';
import { canAsk, declined } from '../../../src/upstreams/park.ts';
import { askTheRightOne } from '../../../src/upstreams/questions.ts';
import { clientOf, exchange, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { answer, event, json, status, stream } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec, serverSpec } from '../../fixtures/specs.ts';

const run = running({ idle: false });

const elicitation: Question = {
  id: { text: '"q"', key: 's:q' },
  method: 'elicitation/create',
  params: RawObject.of({ message: 'Who?' }),
};
const able = clientOf({ capabilities: { elicitation: {} } });
const unable = clientOf();

function route(calls: readonly Call[], options: { via?: Call; owned?: boolean; question?: Question } = {}) {
  const replies: Reply[] = [];
  const host = testHost();
  const link = {
    calls: () => calls,
    answer: (_: Question, reply: Reply) => Promise.resolve(void replies.push(reply)),
  } as unknown as Link;
  askTheRightOne({
    link,
    question: options.question ?? elicitation,
    via: options.via,
    owned: options.owned ?? false,
    outside: () => false,
    upstream: 'up',
    host,
  });
  return {
    asked: calls.map((call) => call.questions.length),
    replies: replies.map((reply) => ('result' in reply ? reply.result.value : reply.error.value)),
    host,
  };
}

const many = () => ({ count: 1_024, characters: 1_000_000 });
const callOf = (client = able, method = 'tools/call') =>
  new RealCall(1, exchange(method, { name: 'a' }, { client }), nobody, many);
const CANCEL = { action: 'cancel' };

describe('a question', () => {
  test('goes to the only call there is', () => {
    expect(route([callOf()])).toMatchObject({ asked: [1], replies: [] });
  });

  test('goes to the call on whose stream it came', () => {
    const calls = [callOf(), callOf(), callOf()];
    expect(route(calls, { via: calls[1] as Call })).toMatchObject({ asked: [0, 1, 0], replies: [] });
  });

  test('of a task is for who waits for its result, and not for the only call there is', () => {
    const params = { message: 'Who?', _meta: { 'io.modelcontextprotocol/related-task': { taskId: 't1' } } };
    const question = { ...elicitation, params: RawObject.of(params) };
    const waiting = (taskId: string) =>
      new RealCall(1, exchange('tasks/result', { taskId }, { client: able }), nobody, many);
    expect(route([waiting('t2'), waiting('t1'), callOf()], { question })).toMatchObject({
      asked: [0, 1, 0],
      replies: [],
    });
    expect(route([callOf()], { question })).toMatchObject({ asked: [0], replies: [CANCEL] });
    expect(route([callOf()], { question, owned: true })).toMatchObject({ asked: [1], replies: [] });
    const making = new RealCall(
      1,
      exchange('tools/call', { name: 'a', task: {} }, { client: able }),
      nobody,
      many,
    );
    expect(route([making], { question, via: making })).toMatchObject({ asked: [1], replies: [] });
  });

  test('is declined where it could be another’s: also when that one cannot be asked', async () => {
    for (const other of [able, unable]) {
      const { asked, replies, host } = route([callOf(), callOf(other)]);
      expect([asked, replies]).toEqual([[0, 0], [CANCEL]]);
      expect(await host.dropped('question_ambiguous')).toBe(1);
    }
  });

  test('is not kept from a call by lists and subscriptions, which ask nothing', () => {
    expect(
      route([callOf(unable, 'tools/list'), callOf(), callOf(able, 'subscriptions/listen')]).asked,
    ).toEqual([0, 1, 0]);
  });

  test('goes to some call where all are of one client: to each one before to any a second', () => {
    const calls = [callOf(), callOf(), callOf(unable)];
    for (const asked of [
      [0, 1, 0],
      [1, 1, 0],
      [1, 2, 0],
    ]) {
      expect(route(calls, { owned: true })).toMatchObject({ asked, replies: [] });
    }
  });

  test('is declined where nobody can be asked: no call, an ended one, a client that cannot, a method that may not', async () => {
    const ended = callOf();
    ended.settle({ kind: 'result', raw: RawObject.of({}) });
    for (const calls of [[], [ended], [callOf(unable)], [callOf(able, 'tools/list')]]) {
      const { asked, replies, host } = route(calls);
      expect([asked, replies]).toEqual([calls.map(() => 0), [CANCEL]]);
      expect(await host.dropped('question_unanswerable')).toBe(1);
    }
    expect(
      route([], { question: { ...elicitation, method: 'sampling/createMessage' } }).replies,
    ).toMatchObject([{ code: -32601 }]);
  });
});

test('what a client can be asked', () => {
  const ask = (
    capabilities: object,
    method: string,
    params: Record<string, string> = {},
    call = 'tools/call',
  ) => canAsk(clientOf({ capabilities }), call, { ...elicitation, method, params: RawObject.of(params) });
  const url = { mode: 'url' };
  expect(ask({ elicitation: {} }, 'elicitation/create')).toBe(true);
  expect(ask({ elicitation: {} }, 'elicitation/create', url)).toBe(false);
  expect(ask({ elicitation: { url: {} } }, 'elicitation/create')).toBe(false);
  expect(ask({ elicitation: { url: {} } }, 'elicitation/create', url)).toBe(true);
  expect(ask({ elicitation: { url: {}, form: {} } }, 'elicitation/create')).toBe(true);
  expect(ask({ sampling: {} }, 'elicitation/create')).toBe(false);
  expect(ask({ sampling: {} }, 'sampling/createMessage')).toBe(true);
  expect(ask({ roots: {} }, 'roots/list')).toBe(true);
  expect(ask({ roots: {}, sampling: {}, elicitation: {} }, 'tools/call')).toBe(false);
  expect(
    ['tools/call', 'prompts/get', 'resources/read', 'tools/list', 'completion/complete'].map((call) =>
      ask({ roots: {} }, 'roots/list', {}, call),
    ),
  ).toEqual([true, true, true, false, false]);
  expect(declined({ ...elicitation, method: 'roots/list' })).toMatchObject({ error: {} });
});

describe('over a shared process', () => {
  const one = { questions: [{ method: 'elicitation/create', params: { message: 'Who?' } }] };

  test('two callers at once: neither is asked, the server hears why', async () => {
    const upstream = run.upstream(serverSpec(['--era', '2025'], { instances: { per: 'shared', wait: 0 } }));
    const busy = new AbortController();
    const other = upstream.handle(
      toolCall('silent', {}, { client: clientOf({ principal: 'eve' }), signal: busy.signal }),
      nobody,
    );
    await upstream.handle(toolCall('echo'), nobody);
    const mine = await upstream.handle(toolCall('ask', one, { client: able }), nobody);
    expect(textOf(mine)).toBe('[{"action":"cancel"}]');
    busy.abort();
    await other;
  });

  test('the server is told that nobody can be asked, and asks in vain when it does', async () => {
    const upstream = run.upstream(serverSpec(['--era', '2025']));
    const received = JSON.parse(textOf(await upstream.handle(toolCall('received'), nobody)));
    expect(JSON.parse(received[0]).params.capabilities).toEqual({});
    const asking = {
      questions: [{ method: 'sampling/createMessage', params: {} }, { method: 'ping' }, { method: 'x/y' }],
    };
    const answers = JSON.parse(textOf(await upstream.handle(toolCall('ask', asking), nobody)));
    expect(answers).toMatchObject([{ error: { code: -32601 } }, {}, { error: { code: -32601 } }]);
  });

  test('callers who can be asked get a process each, as the capabilities they declared', async () => {
    const upstream = run.upstream(serverSpec(['--era', '2025'], { instances: { per: 'auto', max: 4 } }));
    const pid = async (client: typeof able) =>
      JSON.parse(textOf(await upstream.handle(toolCall('pid', {}, { client }), nobody))).pid;
    const client = (principal: string, capabilities: object) => clientOf({ principal, capabilities });
    const pids = [
      await pid(client('ada', { elicitation: {} })),
      await pid(client('ada', { elicitation: { form: { any: 1 } }, other: {} })),
      await pid(client('ada', { elicitation: { url: {} } })),
      await pid(client('ada', {})),
      await pid(client('eve', {})),
    ];
    expect(pids.map((each) => pids.indexOf(each))).toEqual([0, 0, 2, 3, 3]);
    expect(upstream.state()).toMatchObject({ links: 3 });
  });
});

describe('over HTTP', () => {
  test('several calls at once: each question goes to the call on whose stream it came', async () => {
    const open = new Map<string, (reply: unknown) => void>();
    const rogue = await run.rogue(
      async (hit, res) => {
        if (hit.message.method === undefined) {
          open.get(String(hit.message.id))?.((hit.message as { result?: unknown }).result);
          return status(res, 202);
        }
        const id = `q${hit.message.id}`;
        const { promise, resolve } = Promise.withResolvers<unknown>();
        open.set(id, resolve);
        stream(res);
        const name = hit.message.params?.name;
        res.write(event({ jsonrpc: '2.0', id, method: 'elicitation/create', params: { message: name } }));
        return res.end(event(answer(hit, `${name}: ${JSON.stringify(await promise)}`)));
      },
      { era: '2025' },
    );
    const upstream = run.upstream(httpSpec(rogue.url));
    const names = ['a', 'b', 'c', 'd'];
    const firsts = await Promise.all(
      names.map((name) => upstream.handle(toolCall(name, {}, { client: able }), nobody)),
    );
    expect(
      firsts.map(
        ({ value }) => (value.inputRequests as { user_input: { params: object } }).user_input.params,
      ),
    ).toEqual(names.map((message) => ({ message })));
    expect(upstream.state()).toMatchObject({ parked: 4, calls: 4 });
    const lasts = await Promise.all(
      firsts.map((first, at) =>
        upstream.handle(
          exchange(
            'tools/call',
            {
              name: names[at],
              arguments: {},
              requestState: first.raw.string('requestState'),
              inputResponses: { user_input: { action: 'accept', content: { at } } },
            },
            { client: able },
          ),
          nobody,
        ),
      ),
    );
    expect(lasts.map(textOf)).toEqual(
      names.map((name, at) => `${name}: {"action":"accept","content":{"at":${at}}}`),
    );
  });

  test('an answer that cannot be delivered ends the call at once', async () => {
    const rogue = await run.rogue(
      (hit, res) => {
        if (hit.message.method === undefined) return status(res, 503);
        stream(res);
        return res.write(event({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: {} }));
      },
      { era: '2025' },
    );
    const upstream = run.upstream(httpSpec(rogue.url));
    const first = await upstream.handle(toolCall('a', {}, { client: able }), nobody);
    const params = {
      name: 'a',
      arguments: {},
      requestState: first.raw.string('requestState'),
      inputResponses: { user_input: {} },
    };
    const last = await upstream.handle(exchange('tools/call', params, { client: able }), nobody);
    expect(last.raw.string('message')).toBe('The upstream "up" answered 503.');
    await (await rogue.nth('tools/call')).gone;
  });

  test('a state that is not ours belongs to a 2026-07-28 upstream, gateway or not, to the byte', async () => {
    const rogue = await run.rogue((hit, res) =>
      json(res, answer(hit, String(hit.message.params?.requestState))),
    );
    const upstream = run.upstream(httpSpec(rogue.url));
    for (const state of ['s1.AAAA', 'opaque', '']) {
      const params = { name: 'a', requestState: state, inputResponses: {} };
      expect(textOf(await upstream.handle(exchange('tools/call', params, { client: able }), nobody))).toBe(
        state,
      );
    }
  });
});
