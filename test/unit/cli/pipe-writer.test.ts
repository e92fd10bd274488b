// Text for readers who are slow, gone, or not there at all.
import { describe, expect, test } from 'bun:test';
import { LineWriter, messageWriter, type Put } from '../../../src/cli/pipe-writer.ts';

/** A descriptor that takes `room` bytes at a time, when it is let. */
function descriptor(room = Number.POSITIVE_INFINITY) {
  let open = Promise.withResolvers<void>();
  let fault: Error | undefined;
  let text = '';
  const put: Put = async (bytes) => {
    await open.promise;
    if (fault) throw fault;
    const some = bytes.subarray(0, room);
    text += Buffer.from(some).toString();
    return some.length;
  };
  return {
    put,
    text: () => text,
    let: () => open.resolve(),
    stop() {
      open = Promise.withResolvers();
    },
    fail(code: string | undefined) {
      fault = code === undefined ? undefined : Object.assign(new Error(code), { code });
    },
  };
}

describe('the log', () => {
  const writer = (put: Put, limit = 10) => {
    const dropped: number[] = [];
    const lines: LineWriter = new LineWriter({
      limit: () => limit,
      dropped: (count) => {
        dropped.push(count);
        lines.write(`-${count}\n`);
      },
      put,
    });
    return { lines, dropped };
  };

  test('is held up to its limit, the rest is counted and told when there is room', async () => {
    const to = descriptor();
    const { lines, dropped } = writer(to.put);
    for (const text of ['abcd\n', 'é\n', 'x\n', 'y\n', 'z\n']) lines.write(text);
    expect(dropped).toEqual([]);
    to.let();
    await lines.flushed();
    expect(to.text()).toBe('abcd\né\nx\n-2\n');
    lines.write('again\n');
    await lines.flushed();
    expect(to.text()).toEndWith('-2\nagain\n');
    expect(dropped).toEqual([2]);
  });

  test('leaves in order and whole, however little the pipe takes', async () => {
    const to = descriptor(3);
    const { lines } = writer(to.put, 1_000);
    const all = Array.from({ length: 20 }, (_, i) => `line ${i}\n`);
    for (const text of all) lines.write(text);
    to.let();
    await lines.flushed();
    expect(to.text()).toBe(all.join(''));
  });

  test('that nobody reads any more does no harm', async () => {
    const to = descriptor();
    const { lines } = writer(to.put);
    to.fail('EPIPE');
    to.let();
    lines.write('lost\n');
    await lines.flushed();
    to.fail(undefined);
    lines.write('there\n');
    await lines.flushed();
    expect(to.text()).toBe('there\n');
  });
});

describe('messages', () => {
  test('wait their turn, and a pipe that is full for now', async () => {
    const to = descriptor(2);
    const write = messageWriter(to.put);
    to.fail('EAGAIN');
    const both = [write('first\n'), write('second\n')];
    to.let();
    await Promise.resolve();
    to.fail(undefined);
    await Promise.all(both);
    expect(to.text()).toBe('first\nsecond\n');
  });

  test('fail where the reader is gone', async () => {
    const to = descriptor();
    to.fail('EPIPE');
    to.let();
    expect(messageWriter(to.put)('lost')).rejects.toThrow('EPIPE');
  });
});
