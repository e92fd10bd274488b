// Results that are too long to be held are passed on unchanged, between all eras and transports.
import { describe, expect, test } from 'bun:test';
import { modern } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { digestOf, digestOfResult } from '../fixtures/large.ts';
import { connectPeer, textOf } from '../fixtures/peers.ts';
import { openPipes } from '../fixtures/pipes.ts';
import { startSseServer } from '../fixtures/sse-server.ts';
import {
  AS,
  before,
  called,
  ERAS,
  ended,
  FORMS,
  gatewayAt,
  gatewayTo,
  lastOf,
  running,
  upstreamOf,
} from './large.ts';

/** 40 MB and more: several times what may be held. */
const LARGE = 600;

describe('a result of 40 MB', () => {
  for (const client of ERAS)
    for (const server of ERAS)
      for (const form of FORMS)
        test(`from a ${server} upstream (${form}) reaches a ${client} client unchanged, as JSON and as an event`, async () => {
          const gateway = await gatewayTo(server, form);
          for (const headers of [AS.json, AS.events]) {
            const large = { blocks: LARGE, before: before(server), behind: ',"isError":false' };
            const answer = await called(client, gateway.url, large, headers);
            const text = await answer.text();
            expect(text.startsWith('{')).toBe(headers === AS.json);
            const message = lastOf(text);
            expect(digestOfResult(message)).toBe(digestOf(LARGE));
            expect({ ...message, result: { ...message.result, content: 0 } }).toEqual({
              jsonrpc: '2.0',
              id: 7,
              result: { content: 0, isError: false, ...(client === '2026' && { resultType: 'complete' }) },
            });
          }
          await ended(gateway);
          expect(await gateway.figure('streamedBytes')).toBeGreaterThan(2 * 40_000_000);
        });

  for (const server of ERAS)
    test(`from a ${server} upstream reaches a client on a pipe, in both eras`, async () => {
      const gateway = await startInProcess(configOf({ up: { url: upstreamOf(server, 'json').url } }), {
        listen: false,
      });
      running.push(gateway);
      for (const client of ERAS) {
        const pipes = openPipes(gateway.gateway);
        const large = { blocks: LARGE, before: before(server) };
        const params = { name: 'large', arguments: large };
        if (client === '2025') {
          const said = {
            protocolVersion: '2025-11-25',
            capabilities: {},
            clientInfo: { name: 'a', version: '1' },
          };
          pipes.write({ jsonrpc: '2.0', id: 1, method: 'initialize', params: said });
          await pipes.next(({ id }) => id === 1);
          pipes.write({ jsonrpc: '2.0', method: 'notifications/initialized' });
          pipes.write({ jsonrpc: '2.0', id: 2, method: 'tools/call', params });
        } else pipes.write(modern('tools/call', params, 2));
        const message = await pipes.next(({ id }) => id === 2);
        expect(digestOfResult(message)).toBe(digestOf(LARGE));
        await pipes.end();
      }
    });
});

describe('a result that is passed on', () => {
  for (const form of FORMS)
    test(`may come before its id (${form})`, async () => {
      const gateway = await gatewayTo('2025', form);
      const answer = await called('2026', gateway.url, { blocks: 40, idLast: true });
      const message = await answer.json();
      expect([message.id, digestOfResult(message)]).toEqual([7, digestOf(40)]);
      await ended(gateway);
    });

  for (const kind of ['modern', 'legacy', 'v1', 'sse'] as const)
    test(`is one for the official client (${kind})`, async () => {
      const gateway = await gatewayTo('2026', 'json');
      const peer = await connectPeer(kind, { url: gateway.url });
      const result = await peer.call('large', { blocks: 40 });
      expect(digestOfResult({ result: { content: [{ text: textOf(result) }] } })).toBe(digestOf(40));
      await ended(gateway);
      await peer.close();
    });

  for (const kind of ['modern', 'v1'] as const)
    test(`may come over HTTP+SSE (${kind})`, async () => {
      const server = await startSseServer();
      running.push(server);
      const gateway = await gatewayAt({ url: server.url, type: 'sse' }, { limits: { stream_from: '64KiB' } });
      const peer = await connectPeer(kind, { url: gateway.url });
      const said = 'é"\\\n'.repeat(100_000);
      expect(textOf(await peer.call('echo', { said }))).toBe(said);
      await ended(gateway);
      expect(textOf(await peer.call('echo', { said: 'small' }))).toBe('small');
      await peer.close();
    });
});
