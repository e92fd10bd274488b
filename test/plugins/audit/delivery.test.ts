// What brings the audit log to other places: in order, once each as far as it can know, over failures and restarts.
import { expect, test } from 'bun:test';
import { waitAfter } from '../../../plugins/audit/delivery/backoff.ts';
import { DeliveryFault } from '../../../plugins/audit/delivery/fault.ts';
import { deliver, memoryCursor, numbers, observed } from '../../fixtures/audit/outlet.ts';
import { until } from '../../fixtures/until.ts';

test('everything arrives in order, in batches, and the cursor says how far it is', async () => {
  const got: number[][] = [];
  const file = memoryCursor();
  const around = observed();
  const source = numbers(5);
  const delivery = deliver({ source, file, around, send: async (items) => void got.push([...items]) });
  await until(() => file.cursor?.seq === 5);
  source.last = 6;
  delivery.wake();
  await until(() => file.cursor?.seq === 6);
  await delivery.close(1_000);
  expect(got).toEqual([[1, 2], [3, 4], [5], [6]]);
  expect(around.counts.get('delivered test')).toBe(6);
  expect(around.levels.get('behind_test')).toBe(0);
});

test('after a restart it goes on where it stopped', async () => {
  const got: number[] = [];
  const file = memoryCursor({ seq: 3 });
  const delivery = deliver({ source: numbers(5), file, send: async (items) => void got.push(...items) });
  await until(() => got.length === 2);
  await delivery.close(1_000);
  expect(got).toEqual([4, 5]);
});

test('a place that is away is tried again, ever more seldom, and gets all of it when it is back', async () => {
  const got: number[] = [];
  const around = observed();
  let failures = 4;
  const send = async (items: readonly number[]) => {
    if (failures-- > 0)
      throw Object.assign(new Error('connect to user:secret@host'), { code: 'ECONNREFUSED' });
    got.push(...items);
  };
  const delivery = deliver({ source: numbers(2), around, send });
  await until(() => got.length === 2);
  expect(around.waits.slice(0, 4).map(({ ms }) => ms)).toEqual([1_000, 2_000, 4_000, 8_000]);
  expect(around.counts.get('failed test unreachable')).toBe(4);
  await delivery.close(1_000);
  // Said once, however often it fails, and once when that is over.
  const said = around.lines.map(({ level, message }) => `${level}: ${message}`);
  expect(said).toEqual(['error: the audit log cannot be sent', 'info: the audit log is sent again']);
  expect(around.lines[0]?.fields.detail).toBe('place.example cannot be reached (ECONNREFUSED)');
});

test('waits are shortened at random, never longer than the longest, and never shorter than what was asked for', () => {
  const backoff = { from: 1_000, to: 10_000 };
  expect(waitAfter(1, backoff, 0)).toBe(500);
  expect(waitAfter(1, backoff, 1)).toBe(1_000);
  expect(waitAfter(50, backoff, 1)).toBe(10_000);
  expect(waitAfter(5_000, backoff, 0)).toBe(5_000);
  expect(waitAfter(1, backoff, 1, 30_000)).toBe(30_000);
});

test('a place that asks to be left alone is', async () => {
  const around = observed();
  let failures = 1;
  const send = async () => {
    if (failures-- > 0) throw new DeliveryFault('busy', 'busy', { retryAfter: 120_000 });
  };
  const delivery = deliver({ source: numbers(1), around, send });
  await until(() => around.counts.has('delivered test'));
  expect(around.waits[0]?.ms).toBe(120_000);
  await delivery.close(1_000);
});

test('what would be refused each time is left out, counted and said, and the next goes out', async () => {
  const got: number[] = [];
  const around = observed();
  const send = async (items: readonly number[]) => {
    if (items.includes(1)) throw new DeliveryFault('answered 400', 'status', { isFinal: true });
    got.push(...items);
  };
  const delivery = deliver({ source: numbers(4), around, send });
  await until(() => got.length === 2);
  await delivery.close(1_000);
  expect(got).toEqual([3, 4]);
  expect(around.counts.get('refused test status')).toBe(2);
  expect(around.lines[0]).toMatchObject({ level: 'error', fields: { entries: 2, detail: 'answered 400' } });
});

test('one that never answers is given up after its own time, whatever it does', async () => {
  const around = observed();
  let asked = 0;
  const send = () => {
    asked++;
    return asked === 1 ? new Promise<void>(() => {}) : Promise.resolve();
  };
  const delivery = deliver({ source: numbers(1), around, send, pace: { timeout: 1 } });
  await until(() => around.counts.has('delivered test'));
  expect(around.counts.get('failed test timeout')).toBe(1);
  await delivery.close(1_000);
});

test('between two batches there is as much time as is wanted', async () => {
  const around = observed();
  const delivery = deliver({ source: numbers(4), around, send: async () => {}, pace: { every: 300_000 } });
  await until(() => around.counts.get('delivered test') === 4);
  expect(around.waits.map(({ ms }) => ms)).toEqual([300_000, 300_000]);
  await delivery.close(1_000);
});

test('the end does not wait for a place that is away: what is left goes out after the next start', async () => {
  const file = memoryCursor();
  const around = observed(true);
  let attempts = 0;
  const send = async () => {
    attempts++;
    throw new DeliveryFault('away', 'unreachable');
  };
  const delivery = deliver({ source: numbers(3), file, around, send });
  await until(() => around.waits.length === 1);
  await delivery.close(1_000);
  expect(attempts).toBe(2);
  expect(file.cursor).toEqual({ seq: 0 });
});

test('the end waits for what is on its way, as long as it may', async () => {
  const around = observed(true);
  const begun = Promise.withResolvers<void>();
  let isGivenUp = false;
  const send = (_: readonly number[], signal: AbortSignal) => {
    begun.resolve();
    signal.addEventListener('abort', () => {
      isGivenUp = true;
    });
    return new Promise<void>(() => {});
  };
  const delivery = deliver({ source: numbers(1), around, send });
  await begun.promise;
  const closing = delivery.close(2_000);
  expect(isGivenUp).toBe(false);
  expect(around.waits.map(({ ms }) => ms)).toEqual([2_000]);
  around.waits[0]?.end();
  await closing;
  expect(isGivenUp).toBe(true);
});

test('a cursor that cannot be written stops nothing, and is said', async () => {
  const around = observed();
  const file = {
    ...memoryCursor(),
    write: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })),
  };
  const got: number[] = [];
  const delivery = deliver({
    source: numbers(3),
    file,
    around,
    send: async (items) => void got.push(...items),
  });
  await until(() => got.length === 3);
  await delivery.close(1_000);
  expect(got).toEqual([1, 2, 3]);
  expect(around.counts.get('failed test cursor')).toBeGreaterThan(0);
});

test('what is left out on the way is counted and said', async () => {
  const around = observed();
  const source = {
    start: () => ({ seq: 0 }),
    behind: ({ seq }: { seq: number }) => 7 - seq,
    after: async ({ seq }: { seq: number }) =>
      seq === 0
        ? { items: [], next: { seq: 7 }, skipped: { entries: 7, reason: 'behind' as const } }
        : undefined,
  };
  const delivery = deliver({ source, around, send: async () => {} });
  await until(() => delivery.standing.seq === 7);
  await delivery.close(1_000);
  expect(around.counts.get('skipped test behind')).toBe(7);
  expect(around.counts.get('audit_behind')).toBe(1);
  expect(around.lines[0]).toMatchObject({ level: 'error', fields: { entries: 7, reason: 'behind' } });
  expect(delivery.standing).toMatchObject({ seq: 7, failures: 0 });
});
