// One piece of work for as many as wait for it.
import { expect, test } from 'bun:test';
import { Joint } from '../../../src/lib/joint.ts';

const open = () => new AbortController();
const gone = new Error('gone');

function work() {
  const end = Promise.withResolvers<string>();
  const seen: { signal?: AbortSignal } = {};
  const joint = new Joint((signal) => {
    seen.signal = signal;
    return end.promise;
  });
  return { end, joint, given: () => seen.signal?.aborted };
}

test('is done once, and every one who waits gets what came of it', async () => {
  const { end, joint } = work();
  const both = [joint.wait(open().signal), joint.wait(open().signal)];
  expect(joint.over).toBe(false);
  end.resolve('done');
  expect(await Promise.all(both)).toEqual(['done', 'done']);
  expect(joint.over).toBe(true);
});

test('goes on when one of those who wait leaves', async () => {
  const [one, other] = [open(), open()];
  const { end, joint, given } = work();
  const waiting = [joint.wait(one.signal), joint.wait(other.signal)];
  one.abort(gone);
  expect(await waiting[0]?.catch((error: unknown) => error)).toBe(gone);
  expect(given()).toBe(false);
  end.resolve('done');
  expect(await waiting[1]).toBe('done');
});

test('is given up when the last of them leaves', async () => {
  const [one, other] = [open(), open()];
  const { joint, given } = work();
  const waiting = [joint.wait(one.signal), joint.wait(other.signal)];
  one.abort(gone);
  other.abort(gone);
  expect(await Promise.allSettled(waiting)).toEqual([
    { status: 'rejected', reason: gone },
    { status: 'rejected', reason: gone },
  ]);
  expect([given(), joint.over]).toEqual([true, true]);
});

test('fails for all', async () => {
  const { end, joint } = work();
  const waiting = joint.wait(open().signal);
  end.reject(new Error('broken'));
  expect(waiting).rejects.toThrow('broken');
  await waiting.catch(() => {});
  expect(joint.over).toBe(true);
});
