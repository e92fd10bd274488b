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

const fine: Behaviour = (hit, res) => json(res, { jsonrpc: '2.0', id: hit.message.id, result: {} });

/** Has a standing stream that says nothing. */
const standing: Behaviour = ({ method }, res) => method === 'GET' && stream(res, ':\n\n');

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
      { era: '2025', before: standing },
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

  test.each([404, 405])(
    'a server without a standing stream (%d) tells nothing, and is asked once',
    async (code) => {
      const { rogue, upstream } = await startHttp(fine, {
        era: '2025',
        before: (hit, res) => hit.method === 'GET' && status(res, code),
      });
      const mine = [listener(upstream, { ...ALL, resourceSubscriptions: ['a:1'] }), listener(upstream, ALL)];
      for (const { heard, texts } of mine) {
        await heard(1);
        expect(texts()).toEqual(['subscriptions/acknowledged {}']);
      }
      expect([rogue.of('GET').length, rogue.of('initialize').length]).toEqual([1, 1]);
      expect(rogue.of('resources/subscribe')).toEqual([]);
    },
  );

  const watched = { resourcesListChanged: true, resourceSubscriptions: ['a:1'] };
  const missed = [
    'subscriptions/acknowledged {"resourcesListChanged":true,"resourceSubscriptions":["a:1"]}',
    'resources/list_changed {}',
    'resources/updated a:1',
  ];

  test('before that: when the standing stream fails at first, everything may have changed before', async () => {
    const promised = Promise.withResolvers<void>();
    const { upstream } = await startHttp(fine, {
      era: '2025',
      async before(hit, res, all) {
        if (hit.method !== 'GET') return false;
        if (all.of('GET').length === 1) return status(res, 503);
        await promised.promise;
        return stream(res, ':\n\n');
      },
    });
    const mine = listener(upstream, watched);
    await mine.heard(1);
    promised.resolve();
    await mine.heard(3);
    expect(mine.texts()).toEqual(missed);
  });

  test('before that: when it breaks and nothing says where to go on, everything may have changed between', async () => {
    const promised = Promise.withResolvers<void>();
    const { rogue, upstream } = await startHttp(fine, {
      era: '2025',
      async before(hit, res, all) {
        if (hit.method !== 'GET') return false;
        stream(res, 'retry: 1\n\n');
        if (all.of('GET').length > 1) return true;
        await promised.promise;
        return res.end();
      },
    });
    const mine = listener(upstream, watched);
    await mine.heard(1);
    promised.resolve();
    await mine.heard(3);
    expect(mine.texts()).toEqual(missed);
    expect(rogue.of('initialize').length).toBe(1);
  });

  test('404 to a standing stream that there was ends the session; subscriptions go on in the next', async () => {
    const { rogue, upstream } = await startHttp(fine, {
      era: '2025',
      before(hit, res, all) {
        if (hit.method !== 'GET') return false;
        if (all.of('GET').length === 2) return status(res, 404);
        stream(res, 'retry: 1\n\n');
        if (all.of('GET').length === 1) res.end();
        return true;
      },
    });
    const mine = listener(upstream, { resourceSubscriptions: ['a:1'] });
    await mine.heard(2);
    expect(mine.texts()).toEqual([
      'subscriptions/acknowledged {"resourceSubscriptions":["a:1"]}',
      'resources/updated a:1',
    ]);
    const sessions = rogue.of('resources/subscribe').map(({ headers }) => headers['mcp-session-id']);
    expect(sessions).toEqual(['session-1', 'session-2']);
  });
});
