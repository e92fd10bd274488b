// P1, P2, P3, P5, T2, T5: many clients of two tenants with the same ids and tokens, over every transport and era on
// either side; progress, questions and cancellations at once. `npm run bench -- soak` does the same a hundred times.
import { expect, test } from 'bun:test';
import { soak } from '../fixtures/soak/soak.ts';
import { legs, nameOf } from '../walk/leg.ts';

for (const [at, leg] of legs.entries()) {
  test(`${nameOf(leg)}: nobody hears what is not for him, and nothing is lost`, async () => {
    const tally = await soak({ leg, exchanges: 40, principals: 2, seed: at * 1_000 });
    const { foreign, lost, disorder, exchanges, results, cancelled, progress, questions } = tally;
    expect({ foreign, lost, disorder }).toEqual({ foreign: [], lost: [], disorder: [] });
    expect([exchanges, results + cancelled]).toEqual([40, 40]);
    expect(Math.min(progress, questions, cancelled)).toBeGreaterThan(0);
  }, 120_000);
}
