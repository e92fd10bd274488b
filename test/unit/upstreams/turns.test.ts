// Calls whose questions could be mixed up: they wait for each other, and nobody is asked what another was to be.
import { describe, expect, test } from 'bun:test';
import type { Client } from '../../../src/core/client.ts';
import type { Call } from '../../../src/upstreams/call.ts';
import type { Link } from '../../../src/upstreams/link.ts';
import { Turns } from '../../../src/upstreams/turns.ts';
import { clientOf, exchange, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { running } from '../../fixtures/running.ts';
import { serverSpec } from '../../fixtures/specs.ts';
import { accept, elicit, inputsOf, stateOf } from './asking.ts';

const run = running({ idle: false });

const able = clientOf({ capabilities: { elicitation: {} } });
const unable = clientOf();

function start(limits: { wait?: number; queue?: number } = {}) {
  const host = testHost();
  const calls: { parked: boolean }[] = [];
  const link = { calls: () => calls as unknown as Call[] } as unknown as Link;
  const turns = new Turns(link, 'up', { wait: 60_000, queue: 8, ...limits }, host);
  const order: string[] = [];
  const take = (holder: object, client: Client, signal = new AbortController().signal, resumes = false) =>
    turns.take(holder, client, signal, resumes).then(() => void order.push((holder as { n: string }).n));
  return { turns, host, calls, order, take };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));
const named = (n: string) => ({ n });

describe('turns', () => {
  test('those who cannot be asked run beside each other; one who can runs alone; first come, first served', async () => {
    const { turns, order, take } = start();
    const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map(named) as [object, object, object, object, object];
    void take(a, unable);
    void take(b, unable);
    void take(c, able);
    void take(d, unable);
    void take(e, able);
    await settle();
    expect(order).toEqual(['a', 'b']);
    turns.leave(a);
    await settle();
    expect(order).toEqual(['a', 'b']);
    turns.leave(b);
    await settle();
    expect(order).toEqual(['a', 'b', 'c']);
    turns.leave(c);
    await settle();
    expect(order).toEqual(['a', 'b', 'c', 'd']);
    turns.leave(d);
    await settle();
    expect(order).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('a parked call keeps those waiting who can be asked, no others, and goes on before them', async () => {
    const { turns, calls, order, take } = start();
    calls.push({ parked: true });
    const [asks, plain, again] = ['asks', 'plain', 'again'].map(named) as [object, object, object];
    void take(plain, unable);
    void take(asks, able);
    await settle();
    expect(order).toEqual(['plain']);
    void take(again, able, undefined, true);
    await settle();
    expect(order).toEqual(['plain']);
    turns.leave(plain);
    await settle();
    expect(order).toEqual(['plain', 'again']);
    calls.pop();
    turns.leave(again);
    await settle();
    expect(order).toEqual(['plain', 'again', 'asks']);
  });

  test('the end of a parked call is enough', async () => {
    const { turns, calls, order, take } = start();
    calls.push({ parked: true });
    void take(named('asks'), able);
    await settle();
    calls.pop();
    turns.next();
    await settle();
    expect(order).toEqual(['asks']);
  });

  test('waiting has an end, for who gives up and for who has waited long enough', async () => {
    const { turns, host, order, take } = start({ wait: 5 });
    const [first, late] = [named('first'), named('late')];
    await take(first, able);
    await take(late, able);
    expect(order).toEqual(['first', 'late']);
    expect(await host.figure('timeouts', { kind: 'turn', upstream: 'up' })).toBe(1);
    turns.leave(first);
    turns.leave(late);

    const patient = start();
    await patient.take(first, able);
    const abort = new AbortController();
    const given = patient.take(late, able, abort.signal);
    abort.abort();
    await given;
    patient.turns.leave(late);
    expect(await patient.host.figure('timeouts')).toBe(0);
  });

  test('those who wait are bounded', async () => {
    const { host, order, take } = start({ queue: 1 });
    await take(named('a'), able);
    void take(named('b'), able);
    await take(named('c'), able);
    expect(order).toEqual(['a', 'c']);
    expect(await host.figure('limitHits', { limit: 'turn_queue' })).toBe(1);
  });
});

describe('on a process that everybody shares', () => {
  const shared = (changes: { wait?: number; queue?: number } = {}) => {
    const upstream = run.upstream(
      serverSpec(['--era', '2025'], { instances: { per: 'shared', ...changes } }),
    );
    const ask = (client: Client, message: string, state?: string) => {
      const args = { questions: [elicit(message), elicit(`${message} again`)] };
      const retry = state === undefined ? {} : { requestState: state, inputResponses: answersOf(message) };
      return upstream.handle(
        exchange('tools/call', { name: 'ask', arguments: args, ...retry }, { client }),
        nobody,
      );
    };
    return { upstream, ask };
  };
  const answersOf = (message: string) => ({
    user_input: accept({ by: message }),
    user_input_2: accept({ by: `${message} again` }),
  });
  const client = (principal: string) => clientOf({ principal, capabilities: { elicitation: {} } });

  test('many who are asked at once are each asked their own, and nothing is declined', async () => {
    const { upstream, ask } = shared();
    const names = Array.from({ length: 12 }, (_, n) => `user${n}`);
    const texts = await Promise.all(
      names.map(async (name) => {
        const first = await ask(client(name), name);
        const asked = Object.values(inputsOf(first)).map(
          ({ params }) => (params as { message: string }).message,
        );
        expect(asked).toEqual([name, `${name} again`]);
        return textOf(await ask(client(name), name, stateOf(first)));
      }),
    );
    expect(texts).toEqual(names.map((name) => JSON.stringify(Object.values(answersOf(name)))));
    expect(upstream.state()).toMatchObject({ links: 1, calls: 0, parked: 0 });
    expect(await upstream.host.dropped('question_ambiguous')).toBe(0);
  });

  test('who cannot be asked need not wait for one who thinks', async () => {
    const { upstream, ask } = shared();
    const first = await ask(client('ada'), 'ada');
    expect(textOf(await upstream.handle(toolCall('echo', { a: 1 }), nobody))).toBe('{"a":1}');
    expect(textOf(await ask(client('ada'), 'ada', stateOf(first)))).toContain('"by":"ada"');
  });

  test('a question of a call that was given up is shown to nobody else', async () => {
    const { upstream, ask } = shared();
    const abort = new AbortController();
    const silent = upstream.handle(
      toolCall('silent', {}, { client: client('ada'), signal: abort.signal }),
      nobody,
    );
    await upstream.handle(exchange('test/call', { name: 'echo', arguments: {} }), nobody);
    abort.abort();
    await silent;
    expect(textOf(await ask(client('eve'), 'eve'))).toBe('[{"action":"cancel"},{"action":"cancel"}]');
    expect(await upstream.host.dropped('question_ambiguous')).toBe(2);
    // In the end the server is not believed to come back to it.
    upstream.host.turn(20_001);
    expect(stateOf(await ask(client('eve'), 'eve'))).not.toBe('');
  });

  test('who gave the call up is asked in the next one: there is nobody else it could be for', async () => {
    const { upstream, ask } = shared();
    const abort = new AbortController();
    const options = { client: client('ada'), signal: abort.signal };
    const silent = upstream.handle(toolCall('silent', {}, options), nobody);
    await upstream.handle(exchange('test/call', { name: 'echo', arguments: {} }), nobody);
    abort.abort();
    await silent;
    expect(stateOf(await ask(client('ada'), 'ada'))).not.toBe('');
    expect(await upstream.host.dropped('question_ambiguous')).toBe(0);
  });

  test('an answer that comes late ends the doubt', async () => {
    const { upstream, ask } = shared();
    const by = (name: string, args: object) =>
      upstream.handle(exchange('test/call', { name, arguments: args }), nobody);
    const abort = new AbortController();
    const options = { client: client('ada'), signal: abort.signal };
    const silent = upstream.handle(toolCall('silent', {}, options), nobody);
    let line: string | undefined;
    while (line === undefined) {
      const lines: string[] = JSON.parse(textOf(await by('received', {})));
      line = lines.find((each) => each.includes('"silent"'));
    }
    abort.abort();
    await silent;
    const { id } = JSON.parse(line);
    const late = `{"jsonrpc":"2.0","id":${id},"result":{}}`;
    await by('say', { lines: [late, '{"jsonrpc":"2.0","id":$id,"result":{"content":[]}}'] });
    expect(stateOf(await ask(client('eve'), 'eve'))).not.toBe('');
  });

  test('whoever of one principal comes next waits until the cancellation is obeyed, and is asked then', async () => {
    const upstream = run.upstream(serverSpec(['--era', '2025'], { timeouts: { cancel: 5 } }));
    const abort = new AbortController();
    const silent = upstream.handle(toolCall('silent', {}, { client: able, signal: abort.signal }), nobody);
    await upstream.handle(exchange('test/call', { name: 'echo', arguments: {} }, { client: able }), nobody);
    abort.abort();
    await silent;
    const asked = upstream.handle(toolCall('ask', { questions: [elicit('Who?')] }, { client: able }), nobody);
    upstream.host.turn(5);
    expect(stateOf(await asked)).not.toBe('');
    expect(await upstream.host.dropped('question_ambiguous')).toBe(0);
  });

  test('a process of one principal stays after that, until a question had to be declined for it', async () => {
    const instances = { wait: 1 };
    const upstream = run.upstream(serverSpec(['--era', '2025'], { instances }));
    const pid = async () =>
      JSON.parse(textOf(await upstream.handle(toolCall('pid', {}, { client: able }), nobody))).pid;
    const before = await pid();
    const abort = new AbortController();
    const silent = upstream.handle(toolCall('silent', {}, { client: able, signal: abort.signal }), nobody);
    await upstream.handle(exchange('test/call', { name: 'echo', arguments: {} }, { client: able }), nobody);
    abort.abort();
    await silent;
    expect(await pid()).toBe(before);
    const args = { questions: [elicit('Who?')] };
    expect(textOf(await upstream.handle(toolCall('ask', args, { client: able }), nobody))).toContain(
      'cancel',
    );
    expect(await pid()).not.toBe(before);
    expect(stateOf(await upstream.handle(toolCall('ask', args, { client: able }), nobody))).not.toBe('');
    expect(await upstream.host.figure('upstreamRestarts')).toBe(0);
  });
});
