// Who is next: nobody is kept waiting by how much others ask for.
import { describe, expect, test } from 'bun:test';
import { FairQueue, type Waiter } from '../../../plugins/ratelimit/fair.ts';

const waiter = (tenant: string, principal = 'p', cost = 1): Waiter<string> => ({
  value: `${tenant}/${principal}`,
  tenant,
  principal,
  cost,
});
const anybody = (): boolean => true;

function queueOf(all: readonly Waiter<string>[]): FairQueue<string> {
  const queue = new FairQueue<string>();
  for (const each of all) queue.push(each);
  return queue;
}

/** Jain's index: 1 where all have the same, 1/n where one has all. */
function jain(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  return sum ** 2 / (shares.length * shares.reduce((a, b) => a + b * b, 0));
}

describe('between tenants', () => {
  test('one that floods gets no more turns than one that asks for little', () => {
    const flood = Array.from({ length: 10_000 }, (_, i) => waiter('loud', `p${i % 7}`));
    const calm = Array.from({ length: 200 }, () => waiter('calm'));
    const queue = queueOf([...flood, ...calm]);
    const served = { loud: 0, calm: 0 };
    for (let i = 0; i < 400; i++) served[queue.next(anybody)?.tenant as keyof typeof served]++;
    expect(jain(Object.values(served))).toBeGreaterThanOrEqual(0.95);
    expect(served).toEqual({ loud: 200, calm: 200 });
  });

  test('what is dear counts for more: shares are of costs, not of turns', () => {
    const all = [3, 7, 1, 10].flatMap((cost, tenant) =>
      Array.from({ length: 5_000 }, () => waiter(`t${tenant}`, 'p', cost)),
    );
    const queue = queueOf(all);
    const used = new Map<string, number>();
    for (let i = 0; i < 4_000; i++) {
      const { tenant, cost } = queue.next(anybody) as Waiter<string>;
      used.set(tenant, (used.get(tenant) ?? 0) + cost);
    }
    expect(used.size).toBe(4);
    expect(jain([...used.values()])).toBeGreaterThanOrEqual(0.95);
  });

  test('ten of them, one with nine tenths of all calls, have the same each', () => {
    const queue = new FairQueue<string>();
    const tenants = Array.from({ length: 10 }, (_, i) => `t${i}`);
    for (let i = 0; i < 9_000; i++) queue.push(waiter('t0', `p${i % 3}`));
    for (let i = 0; i < 1_000; i++) queue.push(waiter(tenants[1 + (i % 9)] as string));
    const served = new Map(tenants.map((name) => [name, 0]));
    for (let i = 0; i < 1_000; i++) {
      const { tenant } = queue.next(anybody) as Waiter<string>;
      served.set(tenant, (served.get(tenant) ?? 0) + 1);
    }
    expect(jain([...served.values()])).toBeGreaterThanOrEqual(0.95);
  });
});

test('within a tenant principals take turns, each in its own order', () => {
  const queue = queueOf(['a', 'a', 'a', 'b', 'c', 'b'].map((principal) => waiter('t', principal)));
  const order: string[] = [];
  for (let next = queue.next(anybody); next; next = queue.next(anybody)) order.push(next.principal);
  expect(order).toEqual(['a', 'b', 'c', 'a', 'b', 'a']);
  expect(queue.size).toBe(0);
});

test('a tenant that may have none is passed over, and loses nothing', () => {
  const queue = queueOf([waiter('full', '1'), waiter('free', '2'), waiter('full', '3')]);
  const order = [
    queue.next((tenant) => tenant !== 'full'),
    queue.next((tenant) => tenant !== 'full'),
    queue.next(anybody),
  ];
  expect(order.map((each) => each?.principal)).toEqual(['2', undefined, '1']);
});

describe('where there is room for no more', () => {
  const loud = (n: number) => Array.from({ length: n }, (_, i) => waiter('loud', `p${i}`));

  test('the latest goes of the principal and tenant that have most', () => {
    const own = [...loud(3), waiter('loud', 'p1'), waiter('calm')];
    const queue = queueOf(own);
    const victim = queue.victim('new', 'n');
    expect(victim).toBe(own[3] as Waiter<string>);
    expect(queue.remove(victim as Waiter<string>)).toBe(true);
    expect(queue.remove(victim as Waiter<string>)).toBe(false);
    expect(queue.size).toBe(4);
  });

  test('who has most already pushes nobody out', () => {
    const queue = queueOf([...loud(3), waiter('calm')]);
    expect(queue.victim('loud', 'p9')).toBeUndefined();
    expect(queue.victim('calm', 'p')?.tenant).toBe('loud');
  });
});
