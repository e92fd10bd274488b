// Questions to a client and the answers it posts.
import { describe, expect, test } from 'bun:test';
import { Asker } from '../../../src/listeners/asker.ts';
import { rawId } from '../../../src/protocol/jsonrpc.ts';
import { RawObject } from '../../../src/protocol/raw.ts';

const SIGNAL = new AbortController().signal;

describe('asking', () => {
  test('numbers its questions, and takes each answer once', async () => {
    const asker = new Asker();
    const sent: string[] = [];
    const ask = (method: string) => asker.ask(method, undefined, (text) => sent.push(text) > 0, SIGNAL);
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
    const sent: string[] = [];
    const answer = asker.ask('a', undefined, (text) => sent.push(text) > 0, abort.signal);
    abort.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
    expect(sent.map((text) => JSON.parse(text))).toMatchObject([
      { id: 1, method: 'a' },
      { method: 'notifications/cancelled', params: { requestId: 1 } },
    ]);
    expect(asker.size).toBe(0);
    await expect(asker.ask('b', undefined, () => true, abort.signal)).rejects.toThrow('enough');
  });

  test('fails at once when nobody reads', async () => {
    const asker = new Asker();
    await expect(asker.ask('a', undefined, () => false, SIGNAL)).rejects.toThrow('nobody reads');
    expect(asker.size).toBe(0);
  });
});
