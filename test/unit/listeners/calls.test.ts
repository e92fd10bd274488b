// The calls of one client by the ids it gave them.
import { describe, expect, test } from 'bun:test';
import { CALL_OVER, CALLER_CANCELLED, Calls } from '../../../src/listeners/calls.ts';
import { rawId } from '../../../src/protocol/jsonrpc.ts';

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
