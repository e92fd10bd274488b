// An upstream whose URIs carry its name: the same outside, wherever they stand, and its own below.
import { describe, expect, test } from 'bun:test';
import type { Exchange } from '../../../src/core/exchange.ts';
import type { Emit } from '../../../src/core/handler.ts';
import { McpNotification, McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import type { Rest, RestEnd, TooLong } from '../../../src/protocol/rest.ts';
import { wrappedSource, wrapperOf } from '../../../src/router/wrapped.ts';
import { exchange } from '../../fixtures/exchanges.ts';
import { routerOver, source } from './sources.ts';

type Answers = Parameters<typeof source>[1];

/** What comes of a request through the wrapper, and what the upstream was asked. */
async function through(answer: Answers, method: string, params: object) {
  const plain = source('my_files', answer);
  const notes: McpNotification[] = [];
  const result = await wrappedSource(plain).handle(exchange(method, params), (note) => void notes.push(note));
  return { value: result.value, text: result.raw.text, asked: plain.asked()[0]?.request.params, notes };
}

const W = 'sluice+my.files:';

test('the wrapper is a scheme, whatever the name', () => {
  expect(wrapperOf('my_files')).toBe(W);
  expect(URL.canParse(`${W}file:///a`)).toBe(true);
});

describe('outward', () => {
  const link = (uri: string) => ({ type: 'resource_link', uri, name: 'n' });
  const embedded = (uri: string) => ({ type: 'resource', resource: { uri, text: 't' } });

  test('lists of resources and of templates, whose variables stay', async () => {
    const list = { resources: [{ uri: 'file:///a', name: 'file:///a' }, { uri: 'https://a/b' }] };
    expect((await through({ 'resources/list': list }, 'resources/list', {})).value).toEqual({
      resources: [{ uri: `${W}file:///a`, name: 'file:///a' }, { uri: 'https://a/b' }],
    });
    const templates = {
      resourceTemplates: [{ uriTemplate: 'file:///{+path}{?v}' }, { uriTemplate: '{x}:y' }],
    };
    const listed = await through({ 'resources/templates/list': templates }, 'resources/templates/list', {});
    expect(listed.value).toEqual({
      resourceTemplates: [{ uriTemplate: `${W}file:///{+path}{?v}` }, { uriTemplate: `${W}{x}:y` }],
    });
  });

  test('content of tools and prompts, of tasks, and of what a call asks; no other byte', async () => {
    const content = [link('file:///a'), { type: 'text', text: 'see file:///a' }, embedded('file:///b')];
    const wrapped = [
      link(`${W}file:///a`),
      { type: 'text', text: 'see file:///a' },
      embedded(`${W}file:///b`),
    ];
    const called = { 'tools/call': { content, structuredContent: { uri: 'file:///a' } } };
    expect((await through(called, 'tools/call', { name: 't' })).value).toEqual({
      content: wrapped,
      structuredContent: { uri: 'file:///a' },
    });
    const messages = [
      { role: 'user', content: embedded('file:///b') },
      { role: 'user', content },
    ];
    expect((await through({ 'prompts/get': { messages } }, 'prompts/get', { name: 'p' })).value).toEqual({
      messages: [
        { role: 'user', content: embedded(`${W}file:///b`) },
        { role: 'user', content: wrapped },
      ],
    });
    const task = { taskId: '1', result: { content } };
    expect((await through({ 'tasks/get': task }, 'tasks/get', { taskId: '1' })).value).toEqual({
      taskId: '1',
      result: { content: wrapped },
    });
    const ask = (own: object[]) =>
      new McpResult(
        'input_required',
        RawObject.trusted(
          JSON.stringify({
            inputRequests: {
              a: {
                method: 'sampling/createMessage',
                params: { messages: [{ role: 'user', content: { type: 'tool_result', content: own } }] },
              },
            },
          }),
        ),
      );
    const asking = await through({ 'tools/call': ask(content) }, 'tools/call', { name: 't' });
    expect(asking.value).toEqual(ask(wrapped).value);
    const bytes =
      '{ "content" : [ 1, {"type":"resource_link", "uri":"a:1" , "n":1.0} ], "big":9007199254740993 }';
    expect((await through({ 'tools/call': bytes }, 'tools/call', { name: 't' })).text).toBe(
      bytes.replace('a:1', `${W}a:1`),
    );
  });

  test('notifications: what was updated, and what is watched', async () => {
    const listen = (_: Exchange, emit: Emit) => {
      void emit(
        McpNotification.of('notifications/subscriptions/acknowledged', {
          notifications: { resourceSubscriptions: ['file:///a'] },
        }),
      );
      void emit(McpNotification.of('notifications/resources/updated', { uri: 'file:///a' }));
      return {};
    };
    const filter = { notifications: { resourceSubscriptions: [`${W}file:///a`] } };
    const { asked, notes } = await through(
      { 'subscriptions/listen': listen },
      'subscriptions/listen',
      filter,
    );
    expect(asked).toEqual({ notifications: { resourceSubscriptions: ['file:///a'] } });
    expect(notes.map(({ params }) => params)).toEqual([filter, { uri: `${W}file:///a` }]);
  });
});

test('inward: what is read, and what is completed', async () => {
  const read = { contents: [{ uri: 'file:///a', text: 't' }] };
  const { asked, value } = await through({ 'resources/read': read }, 'resources/read', {
    uri: `${W}file:///a`,
  });
  expect([asked, value]).toEqual([{ uri: 'file:///a' }, { contents: [{ uri: `${W}file:///a`, text: 't' }] }]);
  const ref = { type: 'ref/resource', uri: `${W}file:///{p}` };
  const completed = await through({ 'completion/complete': {} }, 'completion/complete', { ref });
  expect(completed.asked).toEqual({ ref: { type: 'ref/resource', uri: 'file:///{p}' } });
});

describe('a result that comes piece by piece', () => {
  const streamed = (whole: RawObject | TooLong, cancelled: unknown[] = []): McpResult => {
    const rest: Rest = {
      bytes: async function* () {},
      whole: async () => whole,
      with: () => rest,
      objectOnly: () => rest,
      cancel: (error) => void cancelled.push(error),
      quietSince: undefined,
      heldSince: undefined,
      done: Promise.withResolvers<RestEnd>().promise,
    };
    return McpResult.complete({}).followedBy(rest);
  };
  const read = (result: McpResult) => through({ 'resources/read': result }, 'resources/read', { uri: 'x' });

  test('is held for its URIs', async () => {
    const whole = RawObject.of({ contents: [{ uri: 'file:///a', text: 't' }] });
    expect((await read(streamed(whole))).value).toEqual({ contents: [{ uri: `${W}file:///a`, text: 't' }] });
  });

  test('is refused where it is too long for that', async () => {
    const cancelled: unknown[] = [];
    const { value } = await read(streamed({ upstream: 'my_files', limit: 10, seen: 11 }, cancelled));
    expect(value).toMatchObject({ data: { code: 'UPSTREAM_INVALID', limit: 'response' } });
    expect(value.message).toContain('uris: wrap');
    expect(cancelled).toEqual([undefined]);
  });
});

test('two upstreams with the same URIs are both there, the results of the other untouched', async () => {
  const offering = (name: string) =>
    source(name, {
      'resources/list': { resources: [{ uri: 'file:///a', name }] },
      'resources/read': (x) => ({ contents: [{ uri: x.request.raw?.string('uri') ?? '', text: name }] }),
    });
  const [plain, other] = [offering('a'), offering('b')];
  const wrapped = wrappedSource({ ...other, claims: [wrapperOf('b')] });
  const { handle } = routerOver([plain, wrapped]);
  expect((await handle(exchange('resources/list', {}))).value).toEqual({
    resources: [
      { uri: 'file:///a', name: 'a' },
      { uri: 'sluice+b:file:///a', name: 'b' },
    ],
  });
  const read = async (uri: string) => (await handle(exchange('resources/read', { uri }))).value;
  expect(await read('file:///a')).toEqual({ contents: [{ uri: 'file:///a', text: 'a' }] });
  expect(await read('sluice+b:file:///a')).toEqual({ contents: [{ uri: 'sluice+b:file:///a', text: 'b' }] });
  // Not listed, but whose it is it says itself.
  expect(await read('sluice+b:file:///z')).toEqual({ contents: [{ uri: 'sluice+b:file:///z', text: 'b' }] });
});

test('a rule says whose a URI is that nobody lists; a list and a template come first, and the longest rule', async () => {
  const claiming = (name: string, claims: string[], lists: object = {}) => ({
    ...source(name, { ...lists, 'resources/read': { from: name } }),
    claims,
  });
  const a = claiming('a', ['docs:'], { 'resources/list': { resources: [{ uri: 'docs:b/listed' }] } });
  const b = claiming('b', ['docs:b/', 'x:']);
  const c = claiming('c', [], {
    'resources/templates/list': { resourceTemplates: [{ uriTemplate: 'x:c/{y}' }] },
  });
  const { handle } = routerOver([a, b, c]);
  const read = async (uri: string) => {
    const { value } = await handle(exchange('resources/read', { uri }));
    return value.from ?? value.message;
  };
  expect([
    await read('docs:1'),
    await read('docs:b/1'),
    await read('docs:b/listed'),
    await read('x:1'),
    await read('x:c/1'),
    await read('y:1'),
  ]).toEqual(['a', 'b', 'a', 'b', 'c', 'Unknown resource: y:1']);
});
