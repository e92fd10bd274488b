// The one writer of a pipe.
import { describe, expect, test } from 'bun:test';
import { createStdioWriter, type StdioOut } from '../../../src/listeners/stdio-writer.ts';

const textOut = (text: (text: string) => Promise<void>): StdioOut => ({ text, long: async () => {} });

describe('the writer of a pipe', () => {
  test('writes whole messages one after the other, and goes on when one fails', async () => {
    const written: string[] = [];
    let busy = false;
    const writer = createStdioWriter(
      textOut(async (text) => {
        expect(busy).toBe(false);
        busy = true;
        await new Promise((resolve) => setImmediate(resolve));
        busy = false;
        if (text === 'bad') throw new Error('EPIPE');
        written.push(text);
      }),
      1_000,
    );
    void writer.note('a');
    void writer.result('bad');
    void writer.note('b');
    await writer.result('c');
    expect(written).toEqual(['a', 'b', 'c']);
  });

  test('asks for patience beyond its buffer', async () => {
    const gate = Promise.withResolvers<void>();
    const writer = createStdioWriter(
      textOut(() => gate.promise),
      10,
    );
    expect(writer.note('12345')).toBeUndefined();
    const patience = writer.note('67890');
    expect(patience).toBeInstanceOf(Promise);
    gate.resolve();
    await patience;
    expect(writer.note('12345')).toBeUndefined();
  });
});
