// Bytes between one that has them and one that takes them.
import { expect, test } from 'bun:test';
import { Flow } from '../../../src/lib/flow.ts';

const bytes = (length: number): Uint8Array => new Uint8Array(length);

test('asks for patience from its buffer on, until enough is taken', async () => {
  const flow = new Flow(10);
  flow.push(bytes(9));
  expect(flow.room()).toBeUndefined();
  flow.push(bytes(1));
  const room = flow.room();
  expect(flow.quietSince).toBeUndefined();
  expect((await flow.take())?.length).toBe(9);
  await room;
  expect(flow.room()).toBeUndefined();
  expect(flow.quietSince).toBeNumber();
  expect(flow.bytes).toBe(10);
});

test('whose source is through is not quiet, however long its last bytes wait', () => {
  const flow = new Flow(10);
  flow.push(bytes(1));
  expect(flow.quietSince).toBeNumber();
  flow.end();
  expect(flow.quietSince).toBeUndefined();
});

test('gives what comes in order, then its end', async () => {
  const flow = new Flow(10);
  const first = flow.take();
  flow.push(bytes(1));
  flow.push(bytes(2));
  flow.end();
  expect([(await first)?.length, (await flow.take())?.length, await flow.take()]).toEqual([1, 2, undefined]);
  // Too late for a fault.
  flow.fail(new Error('late'));
  expect(await flow.take()).toBeUndefined();
});

test('what is given back comes first', async () => {
  const flow = new Flow(10);
  flow.push(bytes(1));
  flow.push(bytes(2));
  flow.giveBack([(await flow.take()) ?? bytes(0)]);
  expect([(await flow.take())?.length, (await flow.take())?.length]).toEqual([1, 2]);
});

test('a fault loses what waits, and ends all waiting', async () => {
  const flow = new Flow(1);
  flow.push(bytes(5));
  const room = flow.room();
  flow.fail(new Error('broken'));
  await room;
  expect(flow.over).toBe(true);
  expect(flow.take()).rejects.toThrow('broken');
});

test('one that is closed takes nothing and holds nobody up', async () => {
  const flow = new Flow(1);
  const waiting = flow.take();
  flow.close();
  expect(await waiting).toBeUndefined();
  flow.push(bytes(5));
  expect([flow.over, flow.room(), flow.bytes]).toEqual([true, undefined, 0]);
});

test('tells since when its reader is busy with what it took', async () => {
  const flow = new Flow(10);
  expect(flow.heldSince).toBeNumber();
  flow.push(bytes(1));
  await flow.take();
  expect(flow.heldSince).toBeNumber();
  const next = flow.take();
  expect(flow.heldSince).toBeUndefined();
  flow.push(bytes(1));
  await next;
  expect(flow.heldSince).toBeNumber();
  flow.close();
  expect(flow.heldSince).toBeUndefined();
});

test('gives out what is long in parts', async () => {
  const flow = new Flow(10);
  flow.push(bytes(150_000));
  flow.end();
  const lengths: number[] = [];
  for (let part = await flow.take(); part; part = await flow.take()) lengths.push(part.length);
  expect(lengths).toEqual([65_536, 65_536, 18_928]);
});
