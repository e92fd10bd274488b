// A message that is answered with 401 goes out once more, if a hook has another credential; and never otherwise.
import { expect, test } from 'bun:test';
import type { Sender } from '../../../src/core/exchange.ts';
import type { Outbound } from '../../../src/core/outbound.ts';
import type { HttpAnswer } from '../../../src/upstreams/http-client.ts';
import { sendOut } from '../../../src/upstreams/senders.ts';
import { exchange } from '../../fixtures/exchanges.ts';

const MESSAGE: Outbound = {
  transport: 'http',
  method: 'POST',
  url: 'https://up.example/',
  headers: {},
  body: '{}',
};

/** Sends through hooks of which some have another credential, to a server that answers so. */
async function start(has: readonly (boolean | undefined)[], ...statuses: number[]) {
  const told: (string | undefined)[] = [];
  const discarded: number[] = [];
  const sent: Outbound[] = [];
  let n = 0;
  const x = exchange('tools/call');
  for (const [at, verdict] of has.entries()) {
    const sender = (outbound: Outbound) => ({
      ...outbound,
      headers: { ...outbound.headers, [`x-${at}`]: `token ${n}` },
    });
    const refused: Sender['refused'] = async ({ outbound, challenge }) => {
      told.push(`${outbound.headers[`x-${at}`]} ${challenge}`);
      n++;
      return verdict ?? false;
    };
    x.addSender(Object.assign(sender, verdict === undefined ? {} : { refused }) as Sender);
  }
  const answer = await sendOut(x, MESSAGE, async (outbound) => {
    const at = sent.push(outbound) - 1;
    const status = statuses[at] ?? 0;
    return {
      status,
      header: () => 'Bearer',
      discard: () => void discarded.push(status),
    } as unknown as HttpAnswer;
  });
  return { told, sent: sent.map(({ headers }) => headers), discarded, status: answer.status };
}

test('once more with what it gives now', async () => {
  expect(await start([true], 401, 200)).toEqual({
    told: ['token 0 Bearer'],
    sent: [{ 'x-0': 'token 0' }, { 'x-0': 'token 1' }],
    discarded: [401],
    status: 200,
  });
});

test('all are told, and one that has another is enough', async () => {
  const { told, sent } = await start([true, false, undefined], 401, 200);
  expect([told.length, sent.length]).toEqual([2, 2]);
});

test('not a third time', async () => {
  expect(await start([true], 401, 401, 200)).toMatchObject({ status: 401, discarded: [401], sent: [{}, {}] });
});

test.each([200, 400, 403, 404, 407, 500, 503])(
  'not after %i, which says nothing of whether it was done',
  async (status) => {
    expect(await start([true], status)).toMatchObject({ told: [], sent: [{}], status });
  },
);

test('not where no hook has anything else', async () => {
  expect(await start([false, undefined], 401)).toMatchObject({ sent: [{}], discarded: [], status: 401 });
  expect(await start([], 401)).toMatchObject({ told: [], sent: [{}], status: 401 });
});
