// Calls that wait for their client: how many there may be, and how they end when nobody answers.
import { describe, expect, test } from 'bun:test';
import { clientOf, codeOf, nobody, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { running } from '../../fixtures/running.ts';
import { IDLE } from '../../fixtures/specs.ts';
import { able, accept, inputsOf, one, startAsking, stateOf } from './asking.ts';

const run = running({ idle: false });

const start = (changes?: Parameters<typeof startAsking>[1]) => startAsking(run, changes);

describe('parked calls', () => {
  test('are bounded: one more is busy, and the server is told', async () => {
    const { ask, host, upstream } = start({ limits: { parked: 1 } });
    const client = clientOf({ era: '2025', capabilities: able, session: 's' });
    await ask(one, { client });
    expect(codeOf(await ask(one, { client }))).toBe('BUSY');
    expect(await host.figure('limitHits', { limit: 'parked' })).toBe(1);
    const received = textOf(await upstream.handle(toolCall('received', {}, { client }), nobody));
    expect(received).toContain('too many calls wait for answers');
    expect(upstream.state()).toMatchObject({ calls: 1, parked: 1 });
  });

  test('keep no other call of their kind from asking: it gets a process of its own, while there may be more', async () => {
    const { ask, retry, upstream, aside } = start({ instances: { per: 'auto', max: 5, wait: 0 } });
    const states = [];
    // Two places are kept for processes of several callers; the last of these goes to one of them.
    for (let links = 1; links <= 4; links++) {
      states.push(stateOf(await ask(one)));
      expect(upstream.state()).toMatchObject({ links, calls: links, parked: links });
    }
    // No room: the server is told that nobody can be asked.
    expect(textOf(await ask(one))).toBe('[{"action":"cancel"}]');
    for (const state of states)
      expect(textOf(await retry(state, one, { user_input: accept({}) }))).toContain('accept');
    const links = upstream.state().links;
    expect(inputsOf(await ask(one))).toHaveProperty('user_input');
    expect((await aside('echo')).kind).toBe('complete');
    expect(upstream.state().links).toBe(links);
  });

  test('of one process for each, when there is no room, share the first: then its questions are declined', async () => {
    const { ask, upstream } = start({ instances: { per: 'session', max: 1, wait: 0 } });
    await ask(one);
    expect(textOf(await ask(one))).toBe('[{"action":"cancel"}]');
    expect(upstream.state().links).toBe(1);
  });

  test('end when the caller goes away', async () => {
    const { ask, upstream, host } = start();
    const client = clientOf({ era: '2025', capabilities: able, session: 's' });
    const abort = new AbortController();
    await ask(one, { client, signal: abort.signal });
    abort.abort();
    expect(upstream.state()).toMatchObject(IDLE);
    expect(await host.figure('parked')).toBe(0);
    const received = textOf(await upstream.handle(toolCall('received', {}, { client }), nobody));
    const lines: string[] = JSON.parse(received);
    expect(lines.filter((line) => /"action":"cancel"|the caller went away/.test(line)).length).toBe(2);
  });

  test('end with their process, and are not executed by the next one', async () => {
    const { ask, aside, retry, upstream, host, executed } = start();
    const state = stateOf(await ask(one));
    expect(codeOf(await aside('exit', { code: 1 }))).toBe('UPSTREAM_UNAVAILABLE');
    await host.logged('link ended');
    expect(upstream.state()).toMatchObject(IDLE);
    expect(codeOf(await retry(state, one, { user_input: accept({}) }))).toBe('STATE_INVALID');
    expect(await executed()).toBe(0);
  });

  test('end when the upstream is closed', async () => {
    const { ask, upstream, host } = start();
    await ask(one);
    await upstream.close();
    expect(upstream.state()).toMatchObject({ links: 0, ...IDLE });
    expect(await host.figure('parked')).toBe(0);
  });
});
