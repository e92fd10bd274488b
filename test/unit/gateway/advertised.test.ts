// Schemas for headers that mirror arguments, where plugins say only later who it is that calls.
import { expect, test } from 'bun:test';
import type { Exchange } from '../../../src/core/exchange.ts';
import type { Handler } from '../../../src/core/handler.ts';
import { Advertised } from '../../../src/gateway/advertised.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { exchange } from '../../fixtures/exchanges.ts';

/** Tools are given in the order in which `answer` is called, each with the name of a caller as its schema. */
function start(around?: (next: Handler) => Handler) {
  const asked: PromiseWithResolvers<string>[] = [];
  const maxAges: number[] = [];
  const advertised = new Advertised({
    async tool(_x, name, { maxAge }) {
      const mine = Promise.withResolvers<string>();
      asked.push(mine);
      maxAges.push(maxAge);
      return RawObject.of({ name, inputSchema: { title: await mine.promise } });
    },
    around,
    hold: () => () => {},
    now: () => 0,
    limits: { fresh: 60_000, again: 1_000 },
  });
  const look = async (x: Exchange, fresh: boolean): Promise<unknown> =>
    (await advertised.schema(x, 'tool', fresh))?.get('title');
  return { asked, look, maxAges };
}

const call = () => exchange('tools/call', { name: 'tool' });

test('those who look at once share what plugins make of it; a fresh look is one of its own', async () => {
  const { asked, look } = start((next) => next);
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
  const { asked, look } = start((next) => next);
  const b = look(call(), true);
  asked[0]?.resolve('of b');
  await b;
  expect(await look(call(), false)).toBe('of b');
  expect(asked.length).toBe(1);
});

test('plugins see that nobody has sent it', async () => {
  const seen: boolean[] = [];
  const { asked, look } = start((next) => (x, emit) => {
    seen.push(x.isOwn);
    return next(x, emit);
  });
  const looking = look(call(), false);
  asked[0]?.resolve('a');
  await looking;
  expect(seen).toEqual([true]);
});

test('without plugins it is as the store has it, every time', async () => {
  const { asked, look, maxAges } = start();
  const looks = [look(call(), false), look(call(), false), look(call(), true)];
  expect([asked.length, maxAges]).toEqual([3, [60_000, 60_000, 0]]);
  for (const [i, one] of asked.entries()) one.resolve(`${i}`);
  expect(await Promise.all(looks)).toEqual(['0', '1', '2']);
});

test('what plugins make of a tool for whom they find to call is what counts', async () => {
  const { asked, look } = start((next) => async (x, emit) => {
    const result = await next(x, emit);
    return McpResult.complete(RawObject.trusted(result.raw.text.replace('theirs', 'changed')));
  });
  const shown = look(call(), false);
  asked[0]?.resolve('theirs');
  expect(await shown).toBe('changed');
});
