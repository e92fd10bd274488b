// What is said of resources on a link, and what is not said any more when it closes.
import { expect, test } from 'bun:test';
import { RawObject } from '../../../src/protocol/raw.ts';
import type { Call } from '../../../src/upstreams/call.ts';
import type { Link } from '../../../src/upstreams/link.ts';
import { Watchers } from '../../../src/upstreams/watch.ts';
import { clientOf, exchange, nobody } from '../../fixtures/exchanges.ts';
import { answer, json, stream } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec } from '../../fixtures/specs.ts';
import { leaveAfterEach, listener } from './listener.ts';

leaveAfterEach();
const run = running({ idle: false });

function start() {
  const said: string[] = [];
  const link = {
    era: '2025',
    closing: false,
    start(x) {
      said.push(`${x.request.method} ${x.request.raw?.string('uri')}`);
      return { settled: Promise.resolve({ kind: 'result', raw: RawObject.of({}) }) } as Call;
    },
  } as Partial<Link> as Link & { closing: boolean };
  const watchers = new Watchers(link, (method, params) => exchange(method, params?.text ?? '{}'), 1_000);
  return { said, link, watchers };
}

const filter = { lists: new Set<string>(), uris: new Set(['a:1', 'a:2']) };

test('who watches no longer has every resource unsubscribed', async () => {
  const { said, watchers } = start();
  const { remove } = await watchers.add(filter, nobody, true);
  remove();
  await watchers.add({ lists: new Set(), uris: new Set(['b:1']) }, nobody, true);
  expect(said.filter((each) => each.includes('unsubscribe'))).toEqual([
    'resources/unsubscribe a:1',
    'resources/unsubscribe a:2',
  ]);
});

test('on a link that is closing nothing is', async () => {
  const { said, link, watchers } = start();
  const { remove } = await watchers.add(filter, nobody, true);
  link.closing = true;
  remove();
  const late = await watchers.add({ lists: new Set(), uris: new Set(['b:1']) }, nobody, true);
  expect([...late.filter.uris]).toEqual([]);
  expect(said).toEqual(['resources/subscribe a:1', 'resources/subscribe a:2']);
});

test('a session with a server that is closed is not spoken in any more', async () => {
  const closing = Promise.withResolvers<void>();
  const rogue = await run.rogue((hit, res) => json(res, answer(hit)), {
    era: '2025',
    async before(hit, res) {
      if (hit.method === 'GET') return stream(res, ':\n\n');
      if (hit.method === 'DELETE') await closing.promise;
      return false;
    },
  });
  const upstream = run.upstream(httpSpec(rogue.url));
  const mine = listener(upstream, { resourceSubscriptions: ['a:1', 'a:2'] }, clientOf());
  await mine.heard(1);
  const closed = upstream.close();
  await rogue.nth('DELETE');
  await mine.leave();
  // Whatever was sent before this is there when it is answered.
  await (await fetch(rogue.url, { method: 'POST', body: '{"id":9,"method":"tools/list"}' })).text();
  closing.resolve();
  await closed;
  expect(rogue.of('resources/unsubscribe')).toEqual([]);
});
