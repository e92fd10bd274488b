// Clients of an endpoint that shows two tools hear of a change when what they are shown is another.
import { afterEach, beforeEach, expect, jest, test } from 'bun:test';
import { NO_SHELF } from '../../../src/core/shelf.ts';
import { McpNotification, McpResult } from '../../../src/protocol/message.ts';
import { exchange } from '../../fixtures/exchanges.ts';
import { routerOver, source } from './sources.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** Lets everything happen that waits for no clock, then turns it. */
async function turn(ms: number): Promise<void> {
  for (let i = 0; i < 200; i++) await Promise.resolve();
  jest.advanceTimersByTime(ms);
  for (let i = 0; i < 200; i++) await Promise.resolve();
}

test('not of each of the others', async () => {
  const notifications = { toolsListChanged: true };
  let tools = [{ name: 'one' }];
  let say: (note: McpNotification) => void = () => {};
  const changing = source(
    'a',
    {
      'tools/list': () => ({ tools }),
      'subscriptions/listen': ({ signal }, emit) => {
        say = (note) => void emit(note);
        say(McpNotification.of('notifications/subscriptions/acknowledged', { notifications }));
        return new Promise((resolve) =>
          signal.addEventListener('abort', () => resolve(McpResult.complete({})), { once: true }),
        );
      },
    },
    { capabilities: { tools: {} } },
  );
  const { handle } = routerOver([changing], 'none', 5_000, {}, NO_SHELF, {
    hits: 5,
    also: ['shown_*'],
  });
  await handle(exchange('tools/list', {}));
  const abort = new AbortController();
  const heard: string[] = [];
  const over = handle(
    exchange('subscriptions/listen', { notifications }, { signal: abort.signal }),
    (note) => void heard.push(note.method),
  );
  await turn(0);
  heard.splice(0);
  const becomes = async (...names: string[]): Promise<string[]> => {
    tools = names.map((name) => ({ name }));
    say(McpNotification.of('notifications/tools/list_changed', {}));
    await turn(1_000);
    return heard.splice(0);
  };
  expect(await becomes('one', 'two')).toEqual([]);
  expect(await becomes('one', 'two', 'shown_three')).toEqual(['notifications/tools/list_changed']);
  expect(await becomes('shown_three')).toEqual([]);
  abort.abort();
  await over;
});
