// What servers of 2026 say of themselves: asked again when its time is over, beside those who want to know.
import { expect, test } from 'bun:test';
import { clientOf, testHost } from '../../fixtures/exchanges.ts';
import { startRawUpstream } from '../../fixtures/raw-upstream.ts';
import { httpSpec, startUpstream } from '../../fixtures/specs.ts';
import { until } from '../../fixtures/until.ts';

async function greeted(era: '2025' | '2026' = '2026') {
  const capabilities: Record<string, object> = {};
  const up = startRawUpstream({ era, answer: () => '{}', capabilities });
  const host = testHost();
  const upstream = startUpstream(httpSpec(up.url, { era }), host);
  const hello = () => upstream.hello(clientOf());
  const asked = () =>
    up.seen.filter(({ message }) => ['server/discover', 'initialize'].includes(message.method)).length;
  return {
    up,
    host,
    hello,
    asked,
    capabilities,
    async [Symbol.asyncDispose]() {
      await upstream.close();
      await up.stop();
    },
  };
}

test('one that says something else since is heard, by those who come after that', async () => {
  await using run = await greeted();
  await run.hello();
  run.host.turn(59_999);
  await run.hello();
  expect(run.asked()).toBe(1);
  run.capabilities.completions = {};
  run.host.turn(1);
  const before = await Promise.all([run.hello(), run.hello()]);
  expect(before.map(({ capabilities }) => capabilities.has('completions'))).toEqual([false, false]);
  await until(async () => (await run.hello()).capabilities.has('completions'));
  expect(run.asked()).toBe(2);
});

test('one that cannot be reached goes on being what it was, and is not asked by each', async () => {
  await using run = await greeted();
  const { capabilities } = await run.hello();
  await run.up.stop();
  run.host.turn(60_000);
  for (let n = 0; n < 3; n++) expect((await run.hello()).capabilities.text).toBe(capabilities.text);
  expect(run.asked()).toBe(1);
});

test('that of a session is what was agreed on when it began', async () => {
  await using run = await greeted('2025');
  await run.hello();
  run.host.turn(3_600_000);
  await run.hello();
  expect(run.asked()).toBe(1);
});
