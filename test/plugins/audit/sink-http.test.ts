// The sinks `webhook` and `otlp`: what goes out, what an answer means, and which addresses may be written.
import { expect, test } from 'bun:test';
import { DeliveryFault } from '../../../plugins/audit/delivery/fault.ts';
import { genesis, makeEntry } from '../../../plugins/audit/entry.ts';
import { otlpSchema, otlpSink } from '../../../plugins/audit/sinks/otlp.ts';
import { webhookSchema, webhookSink } from '../../../plugins/audit/sinks/webhook.ts';
import { verifyWebhook, WEBHOOK_HEADERS } from '../../../plugins/signatures/webhooks.ts';
import { sendOnce } from '../../fixtures/audit/outlet.ts';
import { receiver } from '../../fixtures/audit/receiver.ts';
import { ruleOf } from '../../fixtures/signing/rule.ts';

const NOW = Date.parse('2026-11-21T07:00:00Z');
const now = () => NOW;
const entry = (seq: number, more: Record<string, string | number | boolean> = {}): string => {
  const fields = {
    ts: '2026-11-21T06:52:01.123Z',
    boot: 'b1',
    type: 'outcome',
    method: 'tools/call',
    ...more,
  };
  return makeEntry(fields, seq, genesis('test')).line;
};
const keys = [{ id: 'k1', secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}` }];

const webhookTo = (url: string, more = {}) =>
  webhookSink(webhookSchema.parse({ kind: 'webhook', url, keys, ...more }), 'gw.example.com/1', now);
const otlpTo = (url: string, more = {}) =>
  otlpSink(otlpSchema.parse({ kind: 'otlp', url, ...more }), 'gw.example.com/1', now);

/** @returns what was thrown */
const faultOf = (sending: Promise<void>): Promise<unknown> =>
  sending.then(
    () => undefined,
    (error: unknown) => error,
  );

test('a webhook has the entries as they stand in the log, and a signature that its reader can verify', async () => {
  await using server = receiver();
  const lines = [entry(1, { name: 'é "x"' }), entry(2)];
  await sendOnce(webhookTo(`${server.url}/hook`), lines);
  const [request] = server.requests;
  expect(request?.body).toBe(
    `{"type":"sluice.audit","origin":"gw.example.com/1","entries":[${lines.join(',')}]}`,
  );
  expect(request?.headers.get('content-type')).toBe('application/json');
  const message = {
    method: 'POST',
    url: `${server.url}/hook`,
    headers: Object.fromEntries(request?.headers ?? []),
    body: request?.body ?? '',
  };
  const rule = ruleOf({ headers: WEBHOOK_HEADERS, keys, now: NOW });
  expect(verifyWebhook(message, rule)).toMatchObject({ id: 'k1' });
  expect(() => verifyWebhook({ ...message, body: `${message.body} ` }, rule)).toThrow('signature_wrong');
});

test('the same entries have the same id, so that a reader who had them knows', async () => {
  await using server = receiver();
  const sink = webhookTo(server.url);
  for (const lines of [[entry(1)], [entry(1)], [entry(2)]]) await sendOnce(sink, lines);
  const [first, again, other] = server.requests.map(({ headers }) => headers.get('webhook-id'));
  expect(again).toBe(first as string);
  expect(other).not.toBe(first as string);
});

test.each([
  [400, {}, { reason: 'status', isFinal: true }],
  [413, {}, { reason: 'status', isFinal: true }],
  [401, {}, { reason: 'status', isFinal: false }],
  [404, {}, { reason: 'status', isFinal: false }],
  [500, {}, { reason: 'status', isFinal: false }],
  [429, { 'retry-after': '7' }, { reason: 'busy', retryAfter: 7_000 }],
  [503, { 'retry-after': 'Sat, 21 Nov 2026 07:00:30 GMT' }, { reason: 'busy', retryAfter: 30_000 }],
  [503, { 'retry-after': '999999999' }, { reason: 'busy', retryAfter: 3_600_000 }],
  [503, { 'retry-after': 'soon' }, { reason: 'busy' }],
  [302, { location: 'https://elsewhere.example/' }, { reason: 'unreachable' }],
])('a webhook that answers %d %j', async (status, headers, wanted) => {
  await using server = receiver(() => new Response('secret of the server', { status, headers }));
  const fault = (await faultOf(sendOnce(webhookTo(server.url), [entry(1)]))) as DeliveryFault;
  expect(fault).toBeInstanceOf(DeliveryFault);
  expect({ reason: fault.reason, ...fault.more }).toMatchObject(wanted);
  expect(fault.message).not.toContain('secret');
});

test('nobody there is a fault that names the host alone', async () => {
  const server = receiver();
  await server[Symbol.asyncDispose]();
  const fault = (await faultOf(
    sendOnce(webhookTo(`${server.url}/path?token=hidden`), [entry(1)]),
  )) as DeliveryFault;
  expect(fault.reason).toBe('unreachable');
  expect(fault.message).not.toMatch(/hidden|path/);
});

test('logs are what the JSON form of OTLP has: 64-bit numbers as texts, enumerations as numbers', async () => {
  await using server = receiver(() => Response.json({ partialSuccess: {} }));
  const line = entry(3, { dur_us: 1_234, streamed: true, status: 'error' });
  const attributes = { 'deployment.environment.name': 'test' };
  await sendOnce(otlpTo(`${server.url}/v1/logs`, { headers: { 'x-key': 'k' }, attributes }), [line]);
  const [request] = server.requests;
  expect([request?.path, request?.headers.get('x-key'), request?.headers.get('content-type')]).toEqual([
    '/v1/logs',
    'k',
    'application/json',
  ]);
  const body = JSON.parse(request?.body ?? '');
  const [logs] = body.resourceLogs;
  expect(logs.resource.attributes).toEqual([
    { key: 'service.name', value: { stringValue: 'sluice' } },
    { key: 'service.instance.id', value: { stringValue: 'gw.example.com/1' } },
    { key: 'deployment.environment.name', value: { stringValue: 'test' } },
  ]);
  const [record] = logs.scopeLogs[0].logRecords;
  expect(logs.scopeLogs[0].scope).toEqual({ name: 'sluice.audit' });
  expect(record).toMatchObject({
    timeUnixNano: '1795243921123000000',
    observedTimeUnixNano: '1795244400000000000',
    severityNumber: 10,
    severityText: 'NOTICE',
    eventName: 'sluice.audit.outcome',
    body: { stringValue: line },
  });
  expect(record.attributes).toContainEqual({ key: 'seq', value: { intValue: '3' } });
  expect(record.attributes).toContainEqual({ key: 'dur_us', value: { intValue: '1234' } });
  expect(record.attributes).toContainEqual({ key: 'streamed', value: { boolValue: true } });
});

test.each([
  [429, { 'retry-after': '2' }, { reason: 'busy', isFinal: false, retryAfter: 2_000 }],
  [503, {}, { reason: 'busy', isFinal: false }],
  [502, {}, { reason: 'status', isFinal: false }],
  [504, {}, { reason: 'status', isFinal: false }],
  [401, {}, { reason: 'status', isFinal: false }],
  [400, {}, { reason: 'status', isFinal: true }],
  [500, {}, { reason: 'status', isFinal: true }],
])('a collector that answers %d %j', async (status, headers, wanted) => {
  await using server = receiver(() => new Response('', { status, headers }));
  const fault = (await faultOf(sendOnce(otlpTo(server.url), [entry(1)]))) as DeliveryFault;
  expect({ reason: fault.reason, ...fault.more }).toMatchObject(wanted);
});

test('a collector that takes a part only says how much it refused', async () => {
  await using server = receiver(() => Response.json({ partialSuccess: { rejectedLogRecords: '2' } }));
  const fault = (await faultOf(
    sendOnce(otlpTo(server.url), [entry(1), entry(2), entry(3)]),
  )) as DeliveryFault;
  expect({ reason: fault.reason, ...fault.more }).toEqual({ reason: 'rejected', isFinal: true, entries: 2 });
});

test.each([
  ['https://siem.example.com/hook', true],
  ['http://127.0.0.1:4318/v1/logs', true],
  ['http://siem.example.com/hook', false],
  ['https://user:secret@siem.example.com/', false],
  ['ftp://siem.example.com/', false],
])('%s may be written: %p', (url, isAllowed) => {
  expect(webhookSchema.safeParse({ kind: 'webhook', url, keys }).success).toBe(isAllowed);
  expect(otlpSchema.safeParse({ kind: 'otlp', url }).success).toBe(isAllowed);
});
