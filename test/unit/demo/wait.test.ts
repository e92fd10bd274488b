// A pause must end at once when it is called off, and leave nothing behind.
import { expect, test } from 'bun:test';
import { wait } from '../../../src/demo/wait.ts';

const MINUTE = 60_000;

test('resolves after its time', async () => {
  expect(await wait(0, new AbortController().signal)).toBeUndefined();
});

test('rejects at once when aborted, with the reason', async () => {
  const controller = new AbortController();
  const pause = wait(MINUTE, controller.signal);
  controller.abort(new Error('enough'));
  await expect(pause).rejects.toThrow('enough');
});

test('does not begin when already aborted', async () => {
  await expect(wait(MINUTE, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
});
