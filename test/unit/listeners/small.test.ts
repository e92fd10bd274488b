// The small parts of the listeners: questions and answers, calls by id, the one writer of a pipe, statuses.
import { describe, expect, test } from 'bun:test';
import { ANONYMOUS, type Client, NO_CAPABILITIES } from '../../../src/core/client.ts';
import { catalogue, type ErrorName, errorResult } from '../../../src/core/errors.ts';
import { Asker } from '../../../src/listeners/asker.ts';
import { CALL_OVER, CALLER_CANCELLED, Calls } from '../../../src/listeners/calls.ts';
import { answerText, requestId, requestOf, statusOf } from '../../../src/listeners/edge.ts';
import { createStdioWriter } from '../../../src/listeners/stdio-writer.ts';
import { wantedBy } from '../../../src/listeners/wanted.ts';
import { rawId } from '../../../src/protocol/jsonrpc.ts';
import { McpNotification, McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';

const of = (era: '2025' | '2026'): Client => ({
  era,
  version: '',
  transport: 'http',
  info: undefined,
  capabilities: NO_CAPABILITIES,
  principal: ANONYMOUS,
});
const SIGNAL = new AbortController().signal;

describe('asking', () => {
  test('numbers its questions, and takes each answer once', async () => {
    const asker = new Asker();
    const sent: string[] = [];
    const ask = (method: string) => asker.ask(method, undefined, (text) => sent.push(text) > 0, SIGNAL, () => {});
    const answers = [ask('a'), ask('b')];
    expect(sent.map((text) => JSON.parse(text))).toEqual([
      { jsonrpc: '2.0', id: 1, method: 'a' },
      { jsonrpc: '2.0', id: 2, method: 'b' },
    ]);
    const result = RawObject.of({ x: 1 });
    expect(asker.answered(rawId('1'), { result })).toBe(false);
    expect(asker.answered(rawId(2), { result })).toBe(true);
    expect(asker.answered(rawId(1), { error: result })).toBe(true);
    expect(await Promise.all(answers)).toEqual([{ error: result }, { result }]);
    expect([asker.answered(rawId(2), { result }), asker.size]).toEqual([false, 0]);
  });

  test('is given up when the signal says so, with word to the client', async () => {
    const asker = new Asker();
    const abort = new AbortController();
    const withdrawn: string[] = [];
    const answer = asker.ask('a', undefined, () => true, abort.signal, (id) => void withdrawn.push(id.text));
    abort.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
    expect([withdrawn, asker.size]).toEqual([['1'], 0]);
    await expect(asker.ask('b', undefined, () => true, abort.signal, () => {})).rejects.toThrow('enough');
  });

  test('fails at once when nobody reads', async () => {
    const asker = new Asker();
    await expect(asker.ask('a', undefined, () => false, SIGNAL, () => {})).rejects.toThrow('nobody reads');
    expect(asker.size).toBe(0);
  });
});

describe('calls of one client', () => {
  test('are cancelled by id and type, the latest of a reused id first', () => {
    const calls = new Calls();
    const [one, text, again] = [calls.begin(rawId(1)), calls.begin(rawId('1')), calls.begin(rawId(1))];
    expect(calls.cancel(rawId(2))).toBe(false);
    expect(calls.cancel(rawId(1))).toBe(true);
    expect([one, text, again].map(({ signal }) => signal.aborted)).toEqual([false, false, true]);
    expect(again.signal.reason).toBe(CALLER_CANCELLED);
    again.end();
    expect(calls.cancel(rawId(1))).toBe(true);
    expect(one.signal.aborted).toBe(true);
    for (const call of [one, text]) call.end();
    expect(calls.size).toBe(0);
  });

  test('end in silence, or take what is left along', () => {
    const calls = new Calls();
    const [quiet, loud] = [calls.begin(rawId(1)), calls.begin(rawId(1))];
    quiet.end();
    loud.end(CALL_OVER);
    expect([quiet.signal.aborted, loud.signal.reason]).toEqual([false, CALL_OVER]);
  });

  test('end all together', () => {
    const calls = new Calls();
    const all = [1, 1, 2].map((id) => calls.begin(rawId(id)));
    calls.abortAll(new Error('over'));
    expect(all.every(({ signal }) => signal.aborted)).toBe(true);
  });
});

describe('the writer of a pipe', () => {
  test('writes whole lines one after the other, and goes on when one fails', async () => {
    const written: string[] = [];
    let busy = false;
    const writer = createStdioWriter(async (text) => {
      expect(busy).toBe(false);
      busy = true;
      await new Promise((resolve) => setImmediate(resolve));
      busy = false;
      if (text === 'bad\n') throw new Error('EPIPE');
      written.push(text);
    }, 1_000);
    void writer.note('a');
    void writer.result('bad');
    void writer.note('b');
    await writer.result('c');
    expect(written).toEqual(['a\n', 'b\n', 'c\n']);
  });

  test('asks for patience beyond its buffer', async () => {
    const gate = Promise.withResolvers<void>();
    const writer = createStdioWriter(() => gate.promise, 10);
    expect(writer.note('12345')).toBeUndefined();
    const patience = writer.note('67890');
    expect(patience).toBeInstanceOf(Promise);
    gate.resolve();
    await patience;
    expect(writer.note('12345')).toBeUndefined();
  });
});

describe('statuses', () => {
  const status = (name: ErrorName, era: '2025' | '2026') => statusOf(errorResult(name), of(era));
  test('of 2026-07-28 are those of the catalogue, but for failures of upstreams, which the JSON tells', () => {
    for (const [name, { fault, http }] of Object.entries(catalogue)) {
      expect([name, status(name as ErrorName, '2026')]).toEqual([name, fault === 'upstream' ? 200 : http]);
    }
    expect(statusOf(McpResult.error({ code: -32601, message: '' }), of('2026'))).toBe(404);
    expect(statusOf(McpResult.error({ code: -32021, message: '' }), of('2026'))).toBe(400);
    expect(statusOf(McpResult.error({ code: -32602, message: '' }), of('2026'))).toBe(200);
    // A name that only looks like one of ours decides nothing.
    expect(statusOf(McpResult.error({ code: 1, message: '', data: { code: 'constructor' } }), of('2026'))).toBe(200);
  });

  test('before are 200, but where a plugin or a limit refused', () => {
    for (const [name, { http }] of Object.entries(catalogue)) {
      const told = [401, 403, 429, 503].includes(http) ? http : 200;
      expect([name, status(name as ErrorName, '2025')]).toEqual([name, told]);
    }
  });

  test('of a result are 200', () => {
    for (const era of ['2025', '2026'] as const) expect(statusOf(McpResult.complete({}), of(era))).toBe(200);
  });
});

test('an answer has what its era needs', () => {
  const result = McpResult.complete({ resultType: 'complete', ttlMs: 5, cacheScope: 'public', tools: [] });
  expect(answerText(rawId(1), 'tools/list', result, of('2025'))).toBe('{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}');
  const bare = McpResult.complete({ tools: [] });
  expect(JSON.parse(answerText(rawId('a'), 'tools/list', bare, of('2026')))).toEqual({
    jsonrpc: '2.0',
    id: 'a',
    result: { tools: [], resultType: 'complete', ttlMs: 0, cacheScope: 'private' },
  });
});

test('a request brings its token as text, and its own level or that of its session', () => {
  const params = RawObject.of({ _meta: { progressToken: 1, 'io.modelcontextprotocol/logLevel': 'info' } });
  expect(requestOf('m', params, undefined).meta).toEqual({ progressToken: '1', logLevel: 'info' });
  expect(requestOf('m', undefined, 'debug').meta).toEqual({ progressToken: undefined, logLevel: 'debug' });
});

test('a request id is harmless or new', () => {
  expect(requestId('a.b-1:2_3')).toBe('a.b-1:2_3');
  for (const bad of [null, '', 'a b', 'a\tb', 'é', 'x'.repeat(129)]) expect(requestId(bad)).toMatch(/^[0-9a-f-]{36}$/);
});

test('a subscription hears what it asked for', () => {
  const wanted = wantedBy(RawObject.of({ toolsListChanged: true, promptsListChanged: false, resourceSubscriptions: ['a'] }));
  const note = (method: string, params = {}) => McpNotification.of(`notifications/${method}`, params);
  expect(wanted(note('tools/list_changed'))).toBe(true);
  for (const method of ['prompts/list_changed', 'resources/list_changed']) expect(wanted(note(method))).toBe(false);
  expect([wanted(note('resources/updated', { uri: 'a' })), wanted(note('resources/updated', { uri: 'b' }))]).toEqual([true, false]);
  expect(wanted(note('tasks', { taskId: 't' }))).toBe(true);
  expect(wantedBy(undefined)(note('tools/list_changed'))).toBe(false);
});
