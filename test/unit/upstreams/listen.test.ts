// Subscriptions at an upstream of either era: who hears what, over lost connections and new processes.
import { afterEach, describe, expect, test } from 'bun:test';
import { GRACEFUL } from '../../../src/core/graceful.ts';
import type { McpNotification } from '../../../src/protocol/message.ts';
import type { Upstream } from '../../../src/upstreams/upstream.ts';
import { clientOf, codeOf, exchange, nobody, textOf, toolCall } from '../../fixtures/exchanges.ts';
import {
  event,
  type Hit,
  json,
  type Rogue,
  type RogueOptions,
  startRogue,
  status,
  stream,
} from '../../fixtures/rogue.ts';
import { httpSpec, IDLE, serverSpec, startUpstream } from '../../fixtures/specs.ts';

const rogues: Rogue[] = [];
const upstreams: Upstream[] = [];
const leaving: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(leaving.splice(0).map((leave) => leave()));
  for (const upstream of upstreams.splice(0)) {
    await upstream.close();
    expect(upstream.state()).toMatchObject({ links: 0, ...IDLE });
  }
  await Promise.all(rogues.splice(0).map((rogue) => rogue.stop()));
});

const ALL = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
const ACK = 'notifications/subscriptions/acknowledged';

/** Listens until `leave`; `heard(n)` waits for so many notifications. */
function listener(upstream: Upstream, filter: object, client = clientOf()) {
  const abort = new AbortController();
  const notes: McpNotification[] = [];
  let woken = Promise.withResolvers<void>();
  const emit = (note: McpNotification): undefined => {
    notes.push(note);
    woken.resolve();
    woken = Promise.withResolvers();
  };
  const over = upstream.handle(
    exchange('subscriptions/listen', { notifications: filter }, { client, signal: abort.signal }),
    emit,
  );
  const leave = (reason: unknown = GRACEFUL) => {
    abort.abort(reason);
    return over;
  };
  leaving.push(leave);
  return {
    notes,
    leave,
    texts: () =>
      notes.map(
        ({ method, raw }) =>
          `${method.replace('notifications/', '')} ${raw?.string('uri') ?? JSON.stringify(raw?.get('notifications') ?? {})}`,
      ),
    async heard(count: number) {
      while (notes.length < count) await woken.promise;
    },
  };
}

describe('over stdio, with initialize', () => {
  function start() {
    const upstream = startUpstream(serverSpec(['--era', '2025']));
    upstreams.push(upstream);
    const call = async (name: string, args = {}) =>
      textOf(await upstream.handle(toolCall(name, args), nobody));
    const say = (...lines: object[]) =>
      call('say', {
        lines: [
          ...lines.map((line) => JSON.stringify({ jsonrpc: '2.0', ...line })),
          '{"jsonrpc":"2.0","id":$id,"result":{"content":[]}}',
        ],
      });
    const sent = async (method: string): Promise<unknown[]> =>
      (JSON.parse(await call('received')) as string[])
        .map((line) => JSON.parse(line))
        .filter((each) => each.method === method)
        .map(({ params }) => params.uri);
    return { upstream, call, say, sent };
  }

  const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });
  const changed = (list: string) => ({ method: `notifications/${list}/list_changed` });

  test('each hears what it asked for, of what the server can tell', async () => {
    const { upstream, say } = start();
    const [a, b] = [
      listener(upstream, { ...ALL, resourceSubscriptions: ['a:1', 'a:2', 7] }),
      listener(upstream, { toolsListChanged: true, resourceSubscriptions: ['a:2'] }),
    ];
    await Promise.all([a.heard(1), b.heard(1)]);
    // The server names no prompts.
    expect(a.texts()).toEqual([
      `subscriptions/acknowledged {"toolsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["a:1","a:2"]}`,
    ]);
    expect(b.texts()).toEqual([
      `subscriptions/acknowledged {"toolsListChanged":true,"resourceSubscriptions":["a:2"]}`,
    ]);
    await say(
      updated('a:1'),
      updated('a:2'),
      updated('a:3'),
      changed('tools'),
      changed('prompts'),
      changed('resources'),
    );
    expect(a.texts().slice(1)).toEqual([
      'resources/updated a:1',
      'resources/updated a:2',
      'tools/list_changed {}',
      'resources/list_changed {}',
    ]);
    expect(b.texts().slice(1)).toEqual(['resources/updated a:2', 'tools/list_changed {}']);
    expect(await upstream.host.dropped('unsolicited_unwanted')).toBe(2);
  });

  test('a resource is subscribed once for all, and left when the last has gone', async () => {
    const { upstream, sent, say } = start();
    const [a, b] = [
      listener(upstream, { resourceSubscriptions: ['a:1'] }),
      listener(upstream, { resourceSubscriptions: ['a:1'] }),
    ];
    await Promise.all([a.heard(1), b.heard(1)]);
    expect(await sent('resources/subscribe')).toEqual(['a:1']);
    expect(await a.leave()).toMatchObject({ kind: 'complete' });
    await say(updated('a:1'));
    expect([a.notes.length, b.notes.length]).toEqual([1, 2]);
    expect(await sent('resources/unsubscribe')).toEqual([]);
    await b.leave();
    expect(await sent('resources/unsubscribe')).toEqual(['a:1']);
    const c = listener(upstream, { resourceSubscriptions: ['a:1'] });
    await c.heard(1);
    expect(await sent('resources/subscribe')).toEqual(['a:1', 'a:1']);
  });

  test('a client that just goes has cancelled; one whose listener stops has not', async () => {
    const { upstream } = start();
    const [a, b] = [listener(upstream, ALL), listener(upstream, ALL)];
    await Promise.all([a.heard(1), b.heard(1)]);
    expect(codeOf(await a.leave(new Error('gone')))).toBe('CANCELLED');
    expect((await b.leave()).raw.text).toBe('{}');
    expect(upstream.state()).toMatchObject(IDLE);
  });

  test('a session of its own hears whatever else the server says', async () => {
    const { upstream } = start();
    const client = clientOf({ era: '2025', capabilities: { elicitation: {} }, session: 's' });
    const mine = listener(upstream, ALL, client);
    await mine.heard(1);
    const lines = [
      '{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{}}',
      '{"jsonrpc":"2.0","id":$id,"result":{"content":[]}}',
    ];
    await upstream.handle(toolCall('say', { lines }, { client }), nobody);
    expect(mine.notes.at(-1)?.method).toBe('notifications/elicitation/complete');
  });

  test('when the process ends, the next one is subscribed to, and everything may have changed', async () => {
    const { upstream, call, sent } = start();
    const mine = listener(upstream, { toolsListChanged: true, resourceSubscriptions: ['a:1'] });
    await mine.heard(1);
    await upstream.handle(toolCall('exit', { code: 1 }), nobody);
    await mine.heard(3);
    expect(mine.texts().slice(1).sort()).toEqual(['resources/updated a:1', 'tools/list_changed {}']);
    expect(await sent('resources/subscribe')).toEqual(['a:1']);
    expect(await call('echo')).toBe('{}');
    expect(mine.notes.filter(({ method }) => method === ACK).length).toBe(1);
  });

  test('a process that cannot be had is told as nothing, and joins later', async () => {
    const { upstream } = {
      upstream: startUpstream(serverSpec(['--era', '2025'], { restart: { max: 0, within: 1_000 } })),
    };
    upstreams.push(upstream);
    await upstream.handle(toolCall('exit', { code: 1 }), nobody);
    const mine = listener(upstream, { toolsListChanged: true });
    await mine.heard(1);
    expect(mine.texts()).toEqual(['subscriptions/acknowledged {}']);
    upstream.host.turn(1_000);
    await mine.heard(2);
    expect(mine.texts().slice(1)).toEqual(['tools/list_changed {}']);
  });
});

async function startHttp(behave: Parameters<typeof startRogue>[0], options: RogueOptions = {}) {
  const rogue = await startRogue(behave, options);
  const upstream = startUpstream(httpSpec(rogue.url));
  rogues.push(rogue);
  upstreams.push(upstream);
  return { rogue, upstream };
}

const subscribed = (hit: Hit, method: string, params = {}) => ({
  jsonrpc: '2.0',
  method,
  params: { ...params, _meta: { 'io.modelcontextprotocol/subscriptionId': hit.message.id } },
});

describe('over HTTP', () => {
  test('since 2026-07-28: one acknowledgement, whatever happens to the stream; after a gap everything may have changed', async () => {
    const { rogue, upstream } = await startHttp((hit, res, all) => {
      stream(res);
      res.write(
        event(
          subscribed(hit, ACK, { notifications: { toolsListChanged: true, resourceSubscriptions: ['a:1'] } }),
        ),
      );
      if (all.of('subscriptions/listen').length > 1) return;
      res.end(event(subscribed(hit, 'notifications/resources/updated', { uri: 'a:1' })));
    });
    const mine = listener(upstream, { ...ALL, resourceSubscriptions: ['a:1'] });
    await mine.heard(4);
    expect(mine.texts().slice(0, 2)).toEqual([
      'subscriptions/acknowledged {"toolsListChanged":true,"resourceSubscriptions":["a:1"]}',
      'resources/updated a:1',
    ]);
    expect(mine.texts().slice(2).sort()).toEqual(['resources/updated a:1', 'tools/list_changed {}']);
    await mine.leave();
    await (await rogue.nth('subscriptions/listen', 2)).gone;
  });

  test('a server that knows no subscriptions tells nothing', async () => {
    const { upstream } = await startHttp((hit, res) =>
      json(res, { jsonrpc: '2.0', id: hit.message.id, error: { code: -32601, message: 'no' } }, 404),
    );
    const mine = listener(upstream, ALL);
    await mine.heard(1);
    expect(mine.texts()).toEqual(['subscriptions/acknowledged {}']);
  });

  test('a refused or unanswered subscription is not acknowledged, and is not held', async () => {
    const { upstream } = await startHttp(
      (hit, res) => {
        const failed =
          hit.message.method === 'resources/subscribe' && hit.message.params?.['uri'] === 'bad:1';
        json(res, {
          jsonrpc: '2.0',
          id: hit.message.id,
          ...(failed ? { error: { code: -32602, message: 'no' } } : { result: {} }),
        });
      },
      { era: '2025' },
    );
    const mine = listener(upstream, { resourceSubscriptions: ['bad:1', 'good:1'] });
    await mine.heard(1);
    expect(mine.texts()).toEqual(['subscriptions/acknowledged {"resourceSubscriptions":["good:1"]}']);
  });

  test('before that: what comes on the standing stream, in the session, resumed from its last event', async () => {
    const { rogue, upstream } = await startHttp(
      (hit, res) => json(res, { jsonrpc: '2.0', id: hit.message.id, result: {} }),
      {
        era: '2025',
        before(hit, res) {
          if (hit.method !== 'GET') return false;
          stream(res);
          const last = Number(hit.headers['last-event-id'] ?? 0);
          if (last === 3) return res.write(': enough\n\n');
          return res.end(
            event(
              { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'a:1' } },
              { id: String(last + 1), retry: 1 },
            ),
          );
        },
      },
    );
    const mine = listener(upstream, { resourceSubscriptions: ['a:1'] });
    const other = listener(upstream, { resourceSubscriptions: ['a:2'] });
    await mine.heard(4);
    const [first] = await Promise.all([rogue.nth('GET', 4), other.heard(1)]);
    expect(first.headers).toMatchObject({
      'mcp-session-id': 'session-1',
      'last-event-id': '3',
      accept: 'text/event-stream',
    });
    expect(other.notes.length).toBe(1);
    expect(rogue.of('initialize').length).toBe(1);
    await Promise.all([mine.leave(), other.leave()]);
    await upstream.close();
    await first.gone;
  });

  test('a standing stream that is refused is not asked for again; 404 ends the session', async () => {
    for (const [code, sessions] of [
      [405, 1],
      [404, 2],
    ] as const) {
      let gets = 0;
      const { rogue, upstream } = await startHttp(
        (hit, res) => json(res, { jsonrpc: '2.0', id: hit.message.id, result: {} }),
        {
          era: '2025',
          before: (hit, res) => hit.method === 'GET' && status(res, gets++ === 0 ? code : 405),
        },
      );
      const mine = listener(upstream, { resourceSubscriptions: ['a:1'] });
      await mine.heard(code === 404 ? 2 : 1);
      expect(rogue.of('initialize').length).toBe(sessions);
      expect(rogue.of('resources/subscribe').map(({ headers }) => headers['mcp-session-id'])).toEqual(
        ['session-1', 'session-2'].slice(0, sessions),
      );
      await mine.leave();
    }
  });
});
