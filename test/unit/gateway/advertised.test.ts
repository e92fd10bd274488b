// Schemas for headers that mirror arguments, where plugins say only later who it is that calls.
import { expect, test } from 'bun:test';
import type { Exchange } from '../../../src/core/exchange.ts';
import { Advertised } from '../../../src/gateway/advertised.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { exchange } from '../../fixtures/exchanges.ts';

/** Lists are answered in the order in which `answer` is called, each with the name of a caller as its schema. */
function start() {
  const asked: PromiseWithResolvers<string>[] = [];
  const advertised = new Advertised({
    hold: () => () => {},
    open: (_, request) => exchange(request.method, {}),
    async handle() {
      const mine = Promise.withResolvers<string>();
      asked.push(mine);
      const tools = [{ name: 'tool', inputSchema: { title: await mine.promise } }];
      return McpResult.complete({ tools });
    },
    now: () => 0,
    patience: 60_000,
  });
  const look = async (x: Exchange, fresh: boolean): Promise<unknown> =>
    (await advertised.schema(x, 'tool', fresh))?.get('title');
  return { asked, look };
}

const call = () => exchange('tools/call', { name: 'tool' });

test('those who look at once share a list; a fresh look is one of its own', async () => {
  const { asked, look } = start();
  const [a, another] = [look(call(), false), look(call(), false)];
  expect(asked.length).toBe(1);
  const b = look(call(), true);
  expect(asked.length).toBe(2);
  asked[1]?.resolve('of b');
  expect(await b).toBe('of b');
  asked[0]?.resolve('of a');
  expect(await Promise.all([a, another])).toEqual(['of a', 'of a']);
});

test('what a fresh look has found is remembered', async () => {
  const { asked, look } = start();
  const b = look(call(), true);
  asked[0]?.resolve('of b');
  await b;
  expect(await look(call(), false)).toBe('of b');
  expect(asked.length).toBe(1);
});
