// Requests that are judged more than once, and still are good once: batches, questions, subscriptions over a reload,
// gateways beside each other.
import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import auth from '../../plugins/auth.ts';
import type { Message } from '../../plugins/signatures/message.ts';
import { schemes, secret } from '../fixtures/auth/signers.ts';
import { withEnvelope } from '../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { initialize, modernHeaders } from '../fixtures/raw.ts';
import { answer, json } from '../fixtures/rogue.ts';
import { running } from '../fixtures/running.ts';
import { until } from '../fixtures/until.ts';
import { type Answer, POST_HEADERS, send } from '../fixtures/wire.ts';

const run = running();
const PUBLIC = 'https://gateway.example';
const { options, sign } = schemes['rfc9421 with hmac-sha256'];

const configured = (up: object, signatures: object = options) => ({
  ...configOf({ up }),
  listeners: [{ http: { listen: '127.0.0.1:0', url: PUBLIC } }],
  pipeline: [{ auth: { signatures } }],
});

async function started() {
  const rogue = await run.rogue((hit, res) => json(res, answer(hit)), { era: 'both' });
  const gateway = await startInProcess(configured({ url: rogue.url }), { plugins: { auth } });
  return { rogue, gateway, post: postTo(gateway.url) };
}

/** Posts what is signed for the public URL. */
const postTo =
  (url: string) =>
  (body: string, headers: object): Promise<Answer> => {
    const message: Message = {
      method: 'POST',
      url: `${PUBLIC}/mcp`,
      headers: { ...POST_HEADERS, ...headers },
      body,
    };
    const signed = sign(message, Date.now());
    return send(url, { headers: { ...signed.headers }, body: signed.body });
  };

test('every message of a batch is let in by the signature of the batch', async () => {
  const { rogue, gateway, post } = await started();
  const hello = await post(JSON.stringify(initialize('2025-03-26')), {});
  await hello.text();
  const headers = { 'mcp-session-id': String(hello.headers['mcp-session-id']) };
  await (await post(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }), headers)).text();
  const one = (id: number) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 't', arguments: {} },
  });
  const answers = await (await post(JSON.stringify([one(1), one(2), one(3)]), headers)).messages();
  expect(answers.flat().map(({ result }) => typeof result)).toEqual(['object', 'object', 'object']);
  expect(rogue.of('tools/call')).toHaveLength(3);
  await gateway.stop();
});

test('a subscription goes on over a reload, and ends with its key', async () => {
  const gateway = await startInProcess(configured(DEMO.demo), { plugins: { auth } });
  const found = () => gateway.figure('pluginEvents', { event: 'found' });
  const body = {
    jsonrpc: '2.0',
    id: 1,
    method: 'subscriptions/listen',
    params: withEnvelope({ notifications: { toolsListChanged: true } }),
  };
  const stream = await postTo(gateway.url)(JSON.stringify(body), modernHeaders('subscriptions/listen'));
  expect(stream.status).toBe(200);
  expect(await stream.message()).toMatchObject({ method: 'notifications/subscriptions/acknowledged' });
  expect(await found()).toBe(1);
  // By then its signature is old, and its nonce would be known.
  gateway.turn(600_000);
  gateway.configure(configured(DEMO.demo, { ...options, skew: '61s' }));
  expect((await gateway.reload()).ok).toBe(true);
  await until(async () => (await found()) === 2);
  gateway.configure(configured(DEMO.demo, { rfc9421: { keys: [{ id: 'k2', secret }] } }));
  expect((await gateway.reload()).ok).toBe(true);
  expect((await stream.messages()).at(-1)).toMatchObject({ id: 1, error: {} });
  await gateway.stop();
});

test('a mark of the byte order is a byte of the body', async () => {
  const { rogue, gateway } = await started();
  const call = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: withEnvelope({ name: 't', arguments: {} }),
  };
  const headers = { ...POST_HEADERS, ...modernHeaders('tools/call', 't') };
  const message: Message = { method: 'POST', url: `${PUBLIC}/mcp`, headers, body: JSON.stringify(call) };
  const signed = sign(message, Date.now());
  const marked = `\ufeff${message.body}`;
  expect((await send(gateway.url, { headers: { ...signed.headers }, body: marked })).status).toBe(401);
  const both = sign({ ...message, body: marked }, Date.now());
  expect((await send(gateway.url, { headers: { ...both.headers }, body: marked })).status).toBe(200);
  expect(rogue.of('tools/call')).toHaveLength(1);
  await gateway.stop();
});

test('gateways that share a state directory know what the other has let in, and so does the next one', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-replicas-'));
  const rogue = await run.rogue((hit, res) => json(res, answer(hit)), { era: 'both' });
  const replica = () => startInProcess(configured({ url: rogue.url }), { plugins: { auth }, stateDir: dir });
  const [one, two] = [await replica(), await replica()];
  const call = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: withEnvelope({ name: 't', arguments: {} }),
  };
  const headers = { ...POST_HEADERS, ...modernHeaders('tools/call', 't') };
  const signed = sign(
    { method: 'POST', url: `${PUBLIC}/mcp`, headers, body: JSON.stringify(call) },
    Date.now(),
  );
  const at = async ({ url }: InProcess) =>
    (await send(url, { headers: { ...signed.headers }, body: signed.body })).status;
  expect(await at(one)).toBe(200);
  expect(await at(two)).toBe(401);
  await one.stop();
  await two.stop();
  const next = await replica();
  expect(await at(next)).toBe(401);
  expect(rogue.of('tools/call')).toHaveLength(1);
  await next.stop();
  rmSync(dir, { recursive: true, force: true });
});

test('an entry in shadow uses up no nonce of the one that lets in', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-shadow-'));
  const enforced = { auth: { signatures: options } };
  const pipeline = [{ ...enforced, id: 'tried', mode: 'shadow' }, enforced];
  const config = { ...configured(DEMO.demo), pipeline };
  const gateway = await startInProcess(config, { plugins: { auth }, stateDir: dir });
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: withEnvelope({}) };
  const answered = await postTo(gateway.url)(JSON.stringify(body), modernHeaders('tools/list'));
  expect(answered.status).toBe(200);
  await gateway.stop();
  rmSync(dir, { recursive: true, force: true });
});

test('over HTTP+SSE the stream and each post are signed, for the address that the stream gives out', async () => {
  const { rogue, gateway } = await started();
  const { origin } = new URL(gateway.url);
  const signedAt = (method: string, at: string, body: string, headers: Record<string, string>) => {
    const signed = sign({ method, url: PUBLIC + at, headers, body }, Date.now());
    return send(origin + at, { method, headers: { ...signed.headers }, ...(body !== '' && { body }) });
  };
  const accept = { accept: 'text/event-stream' };
  expect((await send(`${origin}/sse`, { method: 'GET', headers: accept })).status).toBe(401);
  const stream = await signedAt('GET', '/sse', '', accept);
  expect(stream.status).toBe(200);
  const at = String(await stream.data());
  const hello = JSON.stringify(initialize('2024-11-05'));
  expect((await signedAt('POST', at, hello, { ...POST_HEADERS })).status).toBe(202);
  expect(await stream.message()).toMatchObject({ id: 1, result: {} });
  const told = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' });
  expect((await signedAt('POST', at, told, { ...POST_HEADERS })).status).toBe(202);
  const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 't', arguments: {} } };
  const other = sign(
    { method: 'POST', url: `${PUBLIC}/sse`, headers: POST_HEADERS, body: JSON.stringify(call) },
    Date.now(),
  );
  expect((await send(origin + at, { headers: { ...other.headers }, body: other.body })).status).toBe(401);
  expect((await send(origin + at, { body: JSON.stringify(call) })).status).toBe(401);
  expect(rogue.of('tools/call')).toEqual([]);
  expect((await signedAt('POST', at, JSON.stringify(call), { ...POST_HEADERS })).status).toBe(202);
  expect(await stream.message()).toMatchObject({ id: 2, result: {} });
  await gateway.stop();
});

test('a query is verified as a parser of URLs writes it', async () => {
  const { gateway } = await started();
  const { origin } = new URL(gateway.url);
  const body = JSON.stringify(initialize('2025-11-25'));
  const at = "/mcp?a=it's&b=%7e+x&c=ä";
  const signed = sign(
    { method: 'POST', url: new URL(at, PUBLIC).href, headers: POST_HEADERS, body },
    Date.now(),
  );
  const sent = { headers: { ...signed.headers }, body };
  expect((await send(`${origin}/mcp?a=it's&b=%7e+x&c=a`, sent)).status).toBe(401);
  expect((await send(new URL(at, origin).href, sent)).status).toBe(200);
  await gateway.stop();
});
