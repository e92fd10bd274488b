// Connections to an upstream: kept, lost while idle, never made, and the last bytes of what is sent.
import { describe, expect, test } from 'bun:test';
import { lookup } from 'node:dns';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { Unanswered } from '../../../src/upstreams/http-faults.ts';
import { createHttpClient } from '../../../src/upstreams/http1-client.ts';
import { codeOf, exchange, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import {
  answer,
  type Behaviour,
  event,
  json,
  type RogueOptions,
  stream,
  streamed,
} from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { type Changes, httpSpec, IDLE } from '../../fixtures/specs.ts';

const run = running();

const fine: Behaviour = (hit, res) => json(res, answer(hit));

async function start(behave: Behaviour, options: RogueOptions = {}, changes: Changes = {}) {
  const rogue = await run.rogue(behave, options);
  const host = testHost();
  const upstream = run.upstream(httpSpec(rogue.url, changes), host);
  const call = (args = {}, options: Parameters<typeof toolCall>[2] = {}) =>
    upstream.handle(toolCall('tool', args, options), nobody);
  return { rogue, upstream, host, call };
}

describe('a connection', () => {
  test.each([
    ['JSON', fine],
    [
      'events',
      ((hit, res) =>
        streamed(
          res,
          event({ jsonrpc: '2.0', method: 'notifications/x' }) + event(answer(hit)),
        )) as Behaviour,
    ],
  ])('is used again after an answer of %s', async (_, behave) => {
    const { rogue, call } = await start(behave);
    for (let i = 0; i < 10; i++) expect(textOf(await call())).toBe('ok');
    expect(rogue.connections).toBeLessThan(4);
  });

  test('is used again after an answer of which nothing is wanted, unless there is no end of it', async () => {
    const { rogue } = await start((hit, res) => {
      if (hit.path === '/mcp') return res.writeHead(202).end('Accepted');
      stream(res);
      return res.write(event({}));
    });
    const client = createHttpClient({ upstream: 'u', lookup, timeouts: { connect: 1_000, tls: 1_000 } });
    const signal = new AbortController().signal;
    const send = async (path: string): Promise<void> => {
      const url = new URL(path, rogue.url).href;
      const answer = await client.send(
        { transport: 'http', method: 'POST', url, headers: {}, body: '{"method":"x","id":1}' },
        signal,
      );
      answer.discard();
    };
    for (let i = 0; i < 10; i++) await send('/mcp');
    expect(rogue.connections).toBeLessThan(4);
    await send('/endless');
    await rogue.hits.at(-1)?.gone;
    client.close();
  });

  test('that the upstream closed while it was idle is not used again', async () => {
    const closed = Promise.withResolvers<void>();
    const { rogue, call } = await start((hit, res) => {
      const { socket } = res;
      socket?.once('close', closed.resolve);
      res.once('finish', () => socket?.end());
      json(res, answer(hit));
    });
    expect(textOf(await call())).toBe('ok');
    await closed.promise;
    expect(textOf(await call())).toBe('ok');
    expect(rogue.of('tools/call').length).toBe(2);
  });

  /** Every connection serves one request and is cut at the second, as if it had been closed at that moment. */
  function once(): { before: Behaviour; cut: string[] } {
    const used = new WeakSet<object>();
    const cut: string[] = [];
    return {
      cut,
      before(hit, res) {
        const { socket } = res;
        if (socket === null || !used.has(socket)) return socket && used.add(socket) && false;
        cut.push(String(hit.message.method));
        return socket.destroy();
      },
    };
  }

  test('that is closed as it is used again: what only reads is sent once more', async () => {
    const { before, cut } = once();
    const { upstream } = await start(
      (hit, res) =>
        json(res, { jsonrpc: '2.0', id: hit.message.id, result: { resultType: 'complete', prompts: [] } }),
      { before },
    );
    const result = await upstream.handle(exchange('prompts/list', {}), nobody);
    expect([result.kind, cut]).toEqual(['complete', ['prompts/list']]);
  });

  test('that is closed as it is used again: a call is not, it may have been seen', async () => {
    const { before, cut } = once();
    const { rogue, call } = await start(fine, { before });
    const result = await call();
    expect(codeOf(result)).toBe('UPSTREAM_UNAVAILABLE');
    expect(cut).toEqual(['tools/list', 'tools/call']);
    expect(rogue.of('tools/call').length).toBe(1);
    expect(textOf(await call())).toBe('ok');
  });

  test('that is closed on first use is no reason to send anything again', async () => {
    const { rogue, upstream } = await start((_, res) => res.socket?.destroy(), { keepAliveTimeout: 1 });
    const client = createHttpClient({ upstream: 'up', lookup, timeouts: { connect: 1_000, tls: 1_000 } });
    const outbound = {
      transport: 'http',
      method: 'POST',
      url: rogue.url,
      headers: {},
      body: '{"id":1,"method":"x"}',
    } as const;
    const failed = await client.send(outbound, new AbortController().signal).catch((error: unknown) => error);
    expect(failed).not.toBeInstanceOf(Unanswered);
    expect(rogue.of('x').length).toBe(1);
    client.close();
    expect(upstream.state()).toMatchObject(IDLE);
  });

  test('whose call was cancelled serves no other, and the others are not touched', async () => {
    const { call, rogue } = await start((hit, res) => {
      if (hit.text.includes('"wait"')) return stream(res, ': waiting\n\n');
      return json(res, answer(hit));
    });
    for (let i = 0; i < 30; i++) {
      const abort = new AbortController();
      const waiting = call({ wait: i }, { signal: abort.signal });
      const others = [call(), call()];
      await rogue.nth('tools/call', rogue.of('tools/call').length + 1);
      abort.abort();
      expect(codeOf(await waiting)).toBe('CANCELLED');
      expect((await Promise.all([...others, call()])).map(textOf)).toEqual(['ok', 'ok', 'ok']);
    }
  });

  test('whose call is cancelled when its answer is complete is left alone', async () => {
    const { call } = await start(fine);
    for (let i = 0; i < 50; i++) {
      const abort = new AbortController();
      const done = call({}, { signal: abort.signal });
      void done.then(() => abort.abort());
      expect(textOf(await done)).toBe('ok');
      expect(textOf(await call())).toBe('ok');
    }
  });
});

describe('a connection that never stands', () => {
  test('ends with the timeout of TLS when it is TLS that does not come about', async () => {
    const sockets: Socket[] = [];
    // Accepts and says nothing: TLS never comes about.
    const silent = createServer((socket) => void sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/mcp`;
    const upstream = run.upstream(httpSpec(url, { timeouts: { tls: 30 } }));
    const result = await upstream.handle(toolCall('tool'), nobody);
    expect(codeOf(result)).toBe('UPSTREAM_TIMEOUT');
    expect(result.raw.string('message')).toContain('within timeouts.tls (30 ms)');
    expect(await upstream.host.figure('timeouts', { kind: 'tls', upstream: 'up' })).toBeGreaterThan(0);
    await upstream.close();
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  test('a plain answer to TLS, or another protocol altogether, is an upstream that cannot be reached', async () => {
    for (const [scheme, greeting] of [
      ['https', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
      ['http', 'SSH-2.0-OpenSSH_9.9\r\n'],
      ['http', '\x15\x03\x01\x00\x02\x02\x28'],
    ] as const) {
      const other = createServer((socket) => {
        socket.on('error', () => {});
        socket.end(greeting);
      });
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const url = `${scheme}://127.0.0.1:${(other.address() as AddressInfo).port}/mcp`;
      const upstream = run.upstream(httpSpec(url));
      expect(codeOf(await upstream.handle(toolCall('tool'), nobody))).toBe('UPSTREAM_UNAVAILABLE');
      await upstream.close();
      other.close();
    }
  });

  test('an aborted signal keeps the request from leaving', async () => {
    const rogue = await run.rogue(fine);
    const client = createHttpClient({ upstream: 'up', lookup, timeouts: { connect: 1_000, tls: 1_000 } });
    const outbound = { transport: 'http', method: 'POST', url: rogue.url, headers: {}, body: '{}' } as const;
    await expect(client.send(outbound, AbortSignal.abort('why'))).rejects.toBe('why');
    expect(rogue.connections).toBe(0);
    client.close();
  });
});
