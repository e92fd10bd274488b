// Which eras are tried, and which are not any more.
import { expect, test } from 'bun:test';
import { GatewayError } from '../../../src/core/errors.ts';
import { inSomeEra } from '../../../src/upstreams/some-era.ts';
import { createVerdicts, NoReply, OutOfTime } from '../../../src/upstreams/verdict.ts';

const fault = new GatewayError('UPSTREAM_TIMEOUT', 'late', { upstream: 'up' });

test('after a start that was silent to its end, an era is tried that the upstream is known to speak, and no other', async () => {
  const tries = async (known: boolean, error: Error) => {
    const verdicts = createVerdicts(
      'auto',
      () => 0,
      () => 1,
    );
    if (known) verdicts.yes('2026');
    const tried: string[] = [];
    const taken = inSomeEra('up', verdicts, '2025', async (era) => {
      tried.push(era);
      if (era === '2025') throw error;
      return era;
    });
    const outcome = await taken.catch((thrown: unknown) => thrown);
    return [tried, outcome] as const;
  };
  const outOfTime = new OutOfTime(new NoReply(fault, true));
  expect(await tries(true, outOfTime)).toEqual([['2025', '2026'], '2026']);
  expect(await tries(false, outOfTime)).toEqual([['2025'], fault]);
  expect(await tries(false, new NoReply(fault))).toEqual([['2025', '2026'], '2026']);
});
