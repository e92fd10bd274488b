// The embedded demo seen by real clients: SDK v2 in both eras and SDK v1, each straight through its `fetch`.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createDemo, type Demo } from '../../../src/demo/demo.ts';
import {
  connectPeer,
  type Peer,
  type PeerOptions,
  peerKinds,
  type Report,
  textOf,
} from '../../fixtures/peers.ts';

const url = 'http://demo.invalid/mcp';

for (const kind of peerKinds) {
  describe(`the demo and a ${kind} client`, () => {
    let demo: Demo;
    let peer: Peer;
    const asked: string[] = [];
    const logged: unknown[] = [];
    const options: PeerOptions = {
      elicit: (message) => {
        asked.push(message);
        return message.startsWith('Really')
          ? { action: 'decline' }
          : { action: 'accept', content: { answer: 'teal' } };
      },
      sample: (prompt) => `You said ${prompt}`,
      onLog: (level, data) => logged.push({ level, data }),
    };
    const connect = (more: PeerOptions = options) =>
      connectPeer(kind, { url, fetch: (r) => demo.fetch(r) }, more);

    beforeAll(async () => {
      demo = createDemo();
      peer = await connect();
    });
    afterAll(async () => {
      await peer.close();
      await demo.close();
    });

    test('lists its tools', async () => {
      expect((await peer.tools()).sort()).toEqual([
        'ask',
        'big',
        'echo',
        'fail',
        'leak_email',
        'log',
        'sample',
        'slow_count',
        'touch',
      ]);
    });

    test('says back what it is told, to the byte', async () => {
      const text = 'naïve 🐙 "quoted"\n\u2028 end';
      expect(textOf(await peer.call('echo', { text }))).toBe(text);
      expect(textOf(await peer.call('big', { bytes: 3_000_001 }))).toHaveLength(3_000_001);
      expect(textOf(await peer.call('leak_email', {}))).toContain('ada.lovelace@example.com');
    });

    test('fails as a tool fails', async () => {
      const result = await peer.call('fail', { message: 'no luck' });
      expect({ isError: result.isError, text: textOf(result) }).toEqual({ isError: true, text: 'no luck' });
    });

    test('reports all progress, in order, before the result', async () => {
      const reports: Report[] = [];
      const result = await peer.call(
        'slow_count',
        { to: 20, every_ms: 1 },
        { onProgress: (r) => reports.push(r) },
      );
      expect(reports.map((report) => report.progress)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      expect(reports[4]).toMatchObject({ progress: 5, total: 20, message: '5 of 20' });
      expect(result.structuredContent).toEqual({ counted: 20 });
    });

    test('flushes progress while the call is still running, and stops when cancelled', async () => {
      const cancel = new AbortController();
      const first = Promise.withResolvers<Report>();
      // At a minute a step only a report that was flushed at once can end this.
      const call = peer.call('slow_count', { to: 100, every_ms: 60_000 }, { signal: cancel.signal });
      const failed = call.then(
        () => 'answered',
        () => 'cancelled',
      );
      const other = peer.call(
        'slow_count',
        { to: 100, every_ms: 10 },
        { signal: cancel.signal, onProgress: first.resolve },
      );
      const otherFailed = other.then(
        () => 'answered',
        () => 'cancelled',
      );
      expect((await first.promise).progress).toBe(1);
      cancel.abort();
      expect(await Promise.all([failed, otherFailed])).toEqual(['cancelled', 'cancelled']);
      expect(textOf(await peer.call('echo', { text: 'still there' }))).toBe('still there');
    });

    test('asks the user', async () => {
      expect(textOf(await peer.call('ask', { question: 'Which colour?' }))).toBe('The user answered: teal');
      expect(textOf(await peer.call('ask', { question: 'Really?' }))).toBe('The user declined to answer.');
      expect(asked).toEqual(['Which colour?', 'Really?']);
    });

    test('asks the model', async () => {
      expect(textOf(await peer.call('sample', { prompt: 'hello' }))).toBe('test-model wrote: You said hello');
    });

    test('does not ask a client that cannot answer', async () => {
      const mute = await connect({});
      const outcome = await mute.call('ask', {}).then(
        (result) => (result.isError ? 'refused' : 'answered'),
        () => 'refused',
      );
      expect(outcome).toBe('refused');
      await mute.close();
    });

    test('logs to a client that asked for it', async () => {
      await peer.call('log', { level: 'warning', text: 'water is high' }, { logLevel: 'info' });
      await peer.call('log', { level: 'debug', text: 'too detailed' }, { logLevel: 'info' });
      expect(logged).toEqual([{ level: 'warning', data: 'water is high' }]);
    });

    test('reads, completes and prompts', async () => {
      expect(await peer.read('demo://readme')).toContain('# Sluice demo');
      expect(JSON.parse(await peer.read('demo://item/weir'))).toMatchObject({ id: 'weir' });
      const template = { type: 'ref/resource', uri: 'demo://item/{id}' } as const;
      expect(await peer.complete(template, { name: 'id', value: 'p' })).toEqual(['penstock']);
      const greet = { type: 'ref/prompt', name: 'greet' } as const;
      expect(await peer.complete(greet, { name: 'name', value: 'gr' })).toEqual(['Grace']);
      expect(await peer.prompt('greet', { name: 'Grace' })).toContain('greets Grace');
      await expect(peer.read('demo://item/none')).rejects.toThrow('There is no item');
    });

    test('tells who subscribed that the clock was touched', async () => {
      const seen = Promise.withResolvers<string>();
      const stop = await peer.watch('demo://clock', seen.resolve);
      const other = await connect();
      await other.call('touch', {});
      expect(await seen.promise).toBe('demo://clock');
      expect(JSON.parse(await peer.read('demo://clock'))).toMatchObject({ touched: 1 });
      await stop();
      await other.close();
    });
  });
}
