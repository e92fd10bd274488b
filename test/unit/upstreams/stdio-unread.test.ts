// What a process sends that is beyond a limit: whoever waits for it hears at once, and nobody else.
import { expect, test } from 'bun:test';
import { clientOf, codeOf, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { running } from '../../fixtures/running.ts';
import { IDLE, limits, serverSpec } from '../../fixtures/specs.ts';

const run = running();

function start(era: '2025' | '2026') {
  const host = testHost();
  const spec = serverSpec(['--era', era], {
    limits: { json: { ...limits.json, depth: 10, keys: 40 }, upstreamBatch: 3 },
  });
  const upstream = run.upstream(spec, host);
  const call = (name: string, args: object = {}) =>
    upstream.handle(toolCall(name, args, { client: clientOf({ era, elicits: true } as never) }), nobody);
  return { upstream, host, call };
}

const deep = `${'['.repeat(20)}${']'.repeat(20)}`;
const wide = JSON.stringify(Object.fromEntries([...Array(50).keys()].map((i) => [`k${i}`, i])));
const answer = (result: string) => `{"jsonrpc":"2.0","result":${result},"id":$id}`;

for (const era of ['2025', '2026'] as const)
  test.each([
    ['too deep', answer(`{"content":[],"x":${deep}}`), 'nested too deep'],
    ['of too many keys', answer(`{"content":[],"x":${wide}}`), 'too many members'],
    ['in a batch of too many', `[1,2,3,${answer('{"content":[]}')}]`, 'limits.upstream_batch'],
    ['in a batch that is too deep', `[{"x":[${deep}]},${answer('{"content":[]}')}]`, 'nested too deep'],
  ])(`in ${era}, an answer %s fails its call alone`, async (_, line, why) => {
    const { upstream, host, call } = start(era);
    const other = call('say', { lines: [] });
    const { pid } = JSON.parse(textOf(await call('pid')));
    const result = await call('say', { lines: [line] });
    expect([codeOf(result), result.raw.string('message')]).toEqual([
      'UPSTREAM_INVALID',
      expect.stringContaining(why),
    ]);
    expect(await host.dropped('upstream_garbage')).toBe(1);
    // The process is none the worse, and nor is who else waits.
    expect(JSON.parse(textOf(await call('pid'))).pid).toBe(pid);
    const [waiting] = JSON.parse(textOf(await call('received')))
      .map((text: string) => JSON.parse(text))
      .filter(({ params }: { params?: { name?: string } }) => params?.name === 'say');
    const late = `{"jsonrpc":"2.0","id":${waiting.id},"result":{"content":[]}}`;
    void call('say', { lines: [late, answer('{"content":[]}')] });
    expect(codeOf(await other)).toBeUndefined();
    expect(upstream.state().eras).toEqual([era]);
  });

test('a question too deep is answered with an error', async () => {
  const { call, upstream } = start('2025');
  const params = { x: JSON.parse(deep) };
  const told = textOf(await call('ask', { questions: [{ method: 'elicitation/create', params }] }));
  expect(told).toContain('-32600');
  expect(told).toContain('nested too deep');
  expect(upstream.state()).toMatchObject(IDLE);
});
