// Clients that do not take what comes for them over connections of their own: they hold nobody's place for long, and
// nothing at the upstream.
import { expect, test } from 'bun:test';
import { call, openSession } from '../fixtures/clients.ts';
import type { InProcess } from '../fixtures/in-process.ts';
import { largeResponse } from '../fixtures/large.ts';
import { note, type RawUpstream, type Seen, startRawUpstream } from '../fixtures/raw-upstream.ts';
import { until } from '../fixtures/until.ts';
import type { Answer } from '../fixtures/wire.ts';
import { AS, called, ERAS, type Era, ended, gatewayAt, lastOf, running } from './large.ts';

/** More than sockets and buffers hold. */
const VERY = 2_000;
const EVENTS = 2_000;
const SMALL = '{"resultType":"complete","content":[]}';

type Form = 'json' | 'sse' | 'notes';
const FORMS: readonly Form[] = ['json', 'sse', 'notes'];

/** Events of a call, as many as somebody reads, and then its result. */
async function* notes({ params }: Seen['message']): AsyncGenerator<string, string> {
  const { progressToken } = params._meta;
  const message = 'x'.repeat(64 * 1024);
  for (let progress = 1; progress <= EVENTS; progress++)
    yield note('notifications/progress', { progressToken, progress, message });
  return SMALL;
}

function upstreamOf(era: Era, form: Form): RawUpstream {
  const upstream = startRawUpstream({
    era,
    answer: ({ message }) => {
      const { id, params } = message;
      if (params.name !== 'large') return SMALL;
      return form === 'notes' ? notes(message) : largeResponse(id, params.arguments, form);
    },
  });
  running.push(upstream);
  return upstream;
}

function stall(era: Era, form: Form, url: string): Promise<Answer> {
  if (form !== 'notes') return called(era, url, { blocks: VERY }, form === 'json' ? AS.json : AS.events);
  return era === '2026'
    ? call(url, 'large', {}, { token: 't', headers: AS.events })
    : openSession(url, { headers: AS.events }).then((session) => session.call('large', {}, { token: 't' }));
}

/** What came of a client that did not read, and that nothing of its call is left. */
async function brokenOff(gateway: InProcess, form: Form, kind: string, seen: Seen): Promise<void> {
  await seen.dropped;
  if (form !== 'notes') await ended(gateway, 'CLIENT_SLOW');
  await until(() => gateway.gateway.report().inFlight === 0);
  expect(await gateway.figure('timeouts', { kind, upstream: 'up' })).toBe(1);
  expect(await gateway.figure('upstreamErrors')).toBe(0);
  expect(await gateway.figure('upstreamPending')).toBe(0);
}

async function said(stalled: Answer, form: Form): Promise<void> {
  if (form === 'json') return void (await expect(stalled.text()).rejects.toThrow());
  expect(lastOf(await stalled.text()).error.data).toMatchObject({ code: 'CLIENT_SLOW', upstream: 'up' });
}

for (const form of FORMS)
  for (const server of ERAS)
    for (const client of ERAS) {
      const pair = `${client} to ${server}, ${form}`;

      test(`a place that others wait for is not kept by one who does not read (${pair})`, async () => {
        const upstream = upstreamOf(server, form);
        const up = { url: upstream.url, era: server, concurrency: { max: 1 } };
        const gateway = await gatewayAt(up, { timeouts: { slow_client: '200ms' } });
        const stalled = await stall(client, form, gateway.url);
        const seen = await upstream.arrived('tools/call');
        const others = [1, 2, 3].map(() => call(gateway.url, 'small'));
        for (const other of await Promise.all(others))
          expect((await other.json()).result.content).toEqual([]);
        await brokenOff(gateway, form, 'slow_client', seen);
        await said(stalled, form);
      });

      test(`one who takes nothing at all is given up though nobody waits (${pair})`, async () => {
        const upstream = upstreamOf(server, form);
        const up = { url: upstream.url, era: server };
        const gateway = await gatewayAt(up, { timeouts: { stalled_client: '200ms' } });
        const stalled = await stall(client, form, gateway.url);
        const seen = await upstream.arrived('tools/call');
        expect((await (await call(gateway.url, 'small')).json()).result.content).toEqual([]);
        await brokenOff(gateway, form, 'stalled_client', seen);
        await said(stalled, form);
      });
    }
