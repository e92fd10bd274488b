// Results that are held after all.
import { expect, test } from 'bun:test';
import { wholeResult } from '../../../src/core/whole.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import type { Rest } from '../../../src/protocol/rest.ts';

test('that who made one is settled is not forgotten', async () => {
  const raw = RawObject.of({ content: [] });
  const rest: Rest = {
    bytes: () => raise(),
    whole: async () => raw,
    with: () => rest,
    objectOnly: () => rest,
    cancel() {},
    quietSince: undefined,
    heldSince: undefined,
    done: Promise.resolve({ bytes: 0, error: undefined }),
  };
  for (const signed of [true, false]) {
    const result = new McpResult('complete', RawObject.of({}), undefined, undefined, signed, rest);
    const whole = await wholeResult(result);
    expect(whole).toMatchObject({ kind: 'complete', raw, signed, rest: undefined });
  }
});

function raise(): never {
  throw new Error('it is held, not passed on');
}
