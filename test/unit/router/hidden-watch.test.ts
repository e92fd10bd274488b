// What is hidden is not watched, nor heard of, and its tasks are nobody's.
import { describe, expect, test } from 'bun:test';
import { errorResult } from '../../../src/core/errors.ts';
import { type Exchange, principalFact } from '../../../src/core/exchange.ts';
import type { Emit } from '../../../src/core/handler.ts';
import { PREFIX } from '../../../src/lib/name-template.ts';
import { McpNotification } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import type { OfferingOptions } from '../../../src/router/offering.ts';
import { clientOf, exchange, nobody } from '../../fixtures/exchanges.ts';
import { routerOver, source } from './sources.ts';

const URIS = ['file:///docs/a', 'file:///secret/a', 'other://a', 'file:///docs/nobody-has-it'];

/** Acknowledges all it is asked for, tells of every resource there is, and ends. */
const watching = (name: string, uris: readonly string[]) =>
  source(name, {
    'resources/list': { resources: uris.map((uri) => ({ uri, name: 'r' })) },
    'resources/templates/list': { resourceTemplates: [] },
    'subscriptions/listen': async (x, emit) => {
      const notifications = RawObject.of({}).with({ notifications: x.request.raw?.object('notifications') });
      await emit(new McpNotification('notifications/subscriptions/acknowledged', notifications));
      for (const uri of [...URIS, 'file:///docs/a/below', 'file:///secret/a/below'])
        await emit(McpNotification.of('notifications/resources/updated', { uri: uri }));
      return {};
    },
  });

async function watched(options: Partial<OfferingOptions>, narrow?: (x: Exchange) => void) {
  const [a, b] = [watching('a', URIS.slice(0, 2)), watching('b', [URIS[2] ?? ''])];
  const { router } = routerOver([a, b], options);
  const x = exchange('subscriptions/listen', { notifications: { resourceSubscriptions: URIS } });
  x.reroute(router.route(x));
  narrow?.(x);
  const heard: McpNotification[] = [];
  const emit: Emit = (note) => void heard.push(note);
  await router.handle(x, emit);
  const asked = [a, b].map((each) => {
    const filter = each.asked('subscriptions/listen')[0]?.request.raw?.object('notifications');
    return filter?.get('resourceSubscriptions') ?? [];
  });
  const [ack, ...notes] = heard;
  return {
    asked,
    honoured: ack?.raw?.object('notifications')?.get('resourceSubscriptions'),
    heard: [...new Set(notes.map(({ raw }) => raw?.string('uri')))],
  };
}

describe('a subscription', () => {
  test('asks and hears of all where nothing is hidden', async () => {
    const { asked, heard } = await watched({});
    expect(asked).toEqual([URIS.slice(0, 2), [URIS[2] ?? '']]);
    expect(heard).toContain('file:///secret/a/below');
  });

  test.each([
    ['rules', { resources: { deny: ['*/secret/*'] } }, undefined],
    ['views', { views: [{ resources: { deny: ['*/secret/*'] } }] }, undefined],
    ['plugins', {}, (x: Exchange) => x.narrow(({ name }) => !name.includes('/secret/'))],
  ])(
    'asks for what %s let its caller read, each at its own upstream, and hears of no more',
    async (_, options, narrow) => {
      const { asked, honoured, heard } = await watched(options, narrow);
      expect(asked).toEqual([[URIS[0] ?? ''], [URIS[2] ?? '']]);
      // What is hidden is missing like what nobody has.
      expect(honoured).toEqual([URIS[0] ?? '', URIS[2] ?? '']);
      expect(heard.filter((uri) => uri?.includes('secret'))).toEqual([]);
      expect(heard).toContain('file:///docs/a/below');
    },
  );
});

const TASKS = 'io.modelcontextprotocol/tasks';
const client = clientOf({ capabilities: { extensions: { [TASKS]: {} } }, principal: 'ada' });

describe('a task', () => {
  const tasking = (failing = { list: false }) =>
    source('a', {
      'tools/list': () =>
        failing.list ? errorResult('UPSTREAM_UNAVAILABLE') : { tools: [{ name: 'build' }, { name: 'test' }] },
      'tools/call': { resultType: 'task', taskId: 't1', status: 'working' },
      'tasks/get': { resultType: 'complete', taskId: 't1', status: 'working' },
    });
  const made = async (
    name: string,
    options: Partial<OfferingOptions> = { template: PREFIX },
  ): Promise<string> => {
    const result = await routerOver([tasking()], options).handle(
      exchange('tools/call', { name }, { client }),
    );
    return result.raw.string('taskId') ?? '';
  };
  const get = (taskId: string) => exchange('tasks/get', { taskId }, { client });

  test('of a tool that is hidden is as unknown as none', async () => {
    const options = { template: PREFIX, tools: { deny: ['*build'] } };
    const { handle } = routerOver([tasking()], options);
    const [hidden, seen] = [await made('a__build'), await made('a__test')];
    const unknown = await handle(get('none'));
    expect((await handle(get(hidden))).raw.text).toBe(unknown.raw.text);
    expect((await handle(get(seen))).value).toMatchObject({ taskId: seen, status: 'working' });
  });

  test('is hidden from the caller that its tool is hidden from', async () => {
    const views = [{ for: { groups: ['ops'] } }, { tools: { deny: ['*build'] } }];
    const { router } = routerOver([tasking()], { template: PREFIX, views });
    const name = await made('a__build');
    const ask = async (groups: string[]) => {
      const x = get(name);
      x.reroute(router.route(x));
      x.set(principalFact, { id: 'ada', scopes: [], groups });
      return (await router.handle(x, nobody)).kind;
    };
    expect([await ask(['ops']), await ask(['dev'])]).toEqual(['complete', 'error']);
  });

  test('stays there while nobody knows what its upstream lists', async () => {
    const { handle } = routerOver([tasking({ list: true })], {
      template: PREFIX,
      tools: { deny: ['*build'] },
    });
    expect((await handle(get(await made('a__test')))).kind).toBe('complete');
  });
});
