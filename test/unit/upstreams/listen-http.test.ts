// Subscriptions at an upstream over HTTP, of either era: over streams that end, are resumed or refused.
import { describe, expect, test } from 'bun:test';
import {
  type Behaviour,
  event,
  type Hit,
  json,
  type RogueOptions,
  status,
  stream,
} from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec } from '../../fixtures/specs.ts';
import { ALL, leaveAfterEach, listener } from './listener.ts';

leaveAfterEach();
const run = running({ idle: false });

const ACK = 'notifications/subscriptions/acknowledged';

async function startHttp(behave: Behaviour, options: RogueOptions = {}) {
  const rogue = await run.rogue(behave, options);
  const upstream = run.upstream(httpSpec(rogue.url));
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
        const failed = hit.message.method === 'resources/subscribe' && hit.message.params?.uri === 'bad:1';
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
