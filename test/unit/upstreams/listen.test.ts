// Subscriptions at an upstream of either era: who hears what, over lost connections and new processes.
import { describe, expect, test } from 'bun:test';
import { clientOf, codeOf, nobody, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { running } from '../../fixtures/running.ts';
import { IDLE, serverSpec } from '../../fixtures/specs.ts';
import { ALL, leaveAfterEach, listener } from './listener.ts';

leaveAfterEach();
const run = running({ idle: false });

const ACK = 'notifications/subscriptions/acknowledged';

describe('over stdio, with initialize', () => {
  function start() {
    const upstream = run.upstream(serverSpec(['--era', '2025']));
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
      upstream: run.upstream(serverSpec(['--era', '2025'], { restart: { max: 0, within: 1_000 } })),
    };
    await upstream.handle(toolCall('exit', { code: 1 }), nobody);
    const mine = listener(upstream, { toolsListChanged: true });
    await mine.heard(1);
    expect(mine.texts()).toEqual(['subscriptions/acknowledged {}']);
    upstream.host.turn(1_000);
    await mine.heard(2);
    expect(mine.texts().slice(1)).toEqual(['tools/list_changed {}']);
  });
});
