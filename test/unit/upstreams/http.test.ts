// An upstream over HTTP whose answers are wrong: what the client is told, and that nothing stays behind.
import { describe, expect, test } from 'bun:test';
import { codeOf, nobody, type TestHost, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import {
  answer,
  type Behaviour,
  broken,
  event,
  json,
  type RogueOptions,
  status,
  streamed,
} from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { type Changes, httpSpec } from '../../fixtures/specs.ts';

const run = running();

async function start(
  behave: Behaviour,
  options: RogueOptions = {},
  changes: Changes = {},
  host: TestHost = testHost(),
) {
  const rogue = await run.rogue(behave, options);
  const upstream = run.upstream(httpSpec(rogue.url, changes), host);
  const call = (name = 'tool', args = {}) => upstream.handle(toolCall(name, args), nobody);
  return { rogue, upstream, host, call };
}

const rpcError = (code: number, id: unknown = null) => ({
  jsonrpc: '2.0',
  id,
  error: { code, message: 'theirs' },
});
const eras = ['2025', '2026'] as const;

for (const era of eras) {
  describe(`a ${era} answer`, () => {
    const cases: [string, Behaviour, string, string][] = [
      [
        '401',
        (_, res) => status(res, 401, { 'www-authenticate': 'Bearer resource_metadata="https://evil"' }),
        'UPSTREAM_REFUSED',
        "refused the gateway's credential (401)",
      ],
      [
        '403 with a JSON-RPC error',
        (hit, res) => json(res, rpcError(-32000, hit.message.id), 403),
        'UPSTREAM_REFUSED',
        '(403)',
      ],
      [
        '429',
        (_, res) => status(res, 429, { 'retry-after': '7' }),
        'UPSTREAM_UNAVAILABLE',
        'answered 429 (retry after 7)',
      ],
      ['500', (_, res) => status(res, 500), 'UPSTREAM_UNAVAILABLE', 'answered 500'],
      [
        '502 in HTML',
        (_, res) => res.writeHead(502, { 'content-type': 'text/html' }).end('<h1>no</h1>'),
        'UPSTREAM_UNAVAILABLE',
        'answered 502',
      ],
      [
        '503 in JSON that is no JSON-RPC',
        (_, res) => json(res, { error: 'busy' }, 503),
        'UPSTREAM_UNAVAILABLE',
        'answered 503',
      ],
      ['204', (_, res) => status(res, 204), 'UPSTREAM_INVALID', 'answered 204 with no content'],
      ['202', (_, res) => status(res, 202), 'UPSTREAM_INVALID', 'answered 202 with no content'],
      [
        'HTML',
        (_, res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<h1>login</h1>'),
        'UPSTREAM_INVALID',
        'answered 200 with text/html',
      ],
      [
        'no media type',
        (hit, res) => res.writeHead(200).end(JSON.stringify(answer(hit))),
        'UPSTREAM_INVALID',
        'with no content',
      ],
      [
        'no JSON',
        (_, res) => json(res, '{"jsonrpc":"2.0","id":'),
        'UPSTREAM_INVALID',
        'ended its answer without a result',
      ],
      ['an empty body', (_, res) => json(res, ''), 'UPSTREAM_INVALID', 'without a result'],
      [
        'the id of another',
        (hit, res) => json(res, answer(hit, 'x', 4711)),
        'UPSTREAM_INVALID',
        'without a result',
      ],
      [
        'the id as a string',
        (hit, res) => json(res, answer(hit, 'x', String(hit.message.id))),
        'UPSTREAM_INVALID',
        'without a result',
      ],
      [
        'no id',
        (hit, res) => json(res, { ...answer(hit), id: undefined }),
        'UPSTREAM_INVALID',
        'without a result',
      ],
      [
        'result and error',
        (hit, res) => json(res, { ...answer(hit), error: { code: 1, message: '' } }),
        'UPSTREAM_INVALID',
        'without a result',
      ],
      [
        'a request instead',
        (_, res) => json(res, { jsonrpc: '2.0', id: 1, method: 'ping' }),
        'UPSTREAM_INVALID',
        'without a result',
      ],
      ['invalid UTF-8', (_, res) => json(res, Buffer.from([0x7b, 0xff])), 'UPSTREAM_INVALID', 'UTF-8'],
      [
        'in gzip, unasked',
        (hit, res) =>
          json(res, Bun.gzipSync(JSON.stringify(answer(hit))), 200, { 'content-encoding': 'gzip' }),
        'UPSTREAM_INVALID',
        'UTF-8',
      ],
      [
        'more than the limit',
        (hit, res) => json(res, answer(hit, 'x'.repeat(3_000))),
        'UPSTREAM_INVALID',
        'more than limits.response allows (2000 bytes)',
      ],
      [
        'an event over the limit',
        (hit, res) => streamed(res, event(answer(hit, 'x'.repeat(3_000)))),
        'UPSTREAM_INVALID',
        'more than limits.event allows (1000 bytes)',
      ],
      [
        'events in invalid UTF-8',
        (_, res) => streamed(res, Buffer.from('data: \xff\n\n', 'latin1')),
        'UPSTREAM_INVALID',
        'UTF-8',
      ],
      [
        'events of another name',
        (hit, res) => streamed(res, `event: other\n${event(answer(hit))}`),
        'UPSTREAM_UNAVAILABLE',
        'closed the stream before the result',
      ],
      [
        'an event without its end',
        (hit, res) => streamed(res, event(answer(hit)).trimEnd()),
        'UPSTREAM_UNAVAILABLE',
        'closed the stream before the result',
      ],
      [
        'nothing: the connection closes',
        (_, res) => res.destroy(),
        'UPSTREAM_UNAVAILABLE',
        'did not answer at http://127.0.0.1',
      ],
      [
        'a part of what was announced',
        (_, res) =>
          broken(res, '{"jsonrpc":', { 'content-type': 'application/json', 'content-length': '999' }),
        'UPSTREAM_UNAVAILABLE',
        'broke off',
      ],
      [
        'a part of its chunks',
        (_, res) => broken(res, '{"jsonrpc":', { 'content-type': 'application/json' }),
        'UPSTREAM_UNAVAILABLE',
        'broke off',
      ],
      [
        'a part of its events',
        (hit, res) => broken(res, event(answer(hit)).slice(0, 20), { 'content-type': 'text/event-stream' }),
        'UPSTREAM_UNAVAILABLE',
        'broke off',
      ],
    ];

    test.each(cases)('of %s', async (_what, behave, code, detail) => {
      const limits = { response: 2_000, event: 1_000 };
      const { rogue, call, host } = await start(behave, { era }, { limits });
      const result = await call();
      expect(codeOf(result)).toBe(code);
      expect(result.raw.string('message')).toContain('The upstream "up" ');
      expect(result.raw.string('message')).toContain(detail);
      expect(result.headers).toBeUndefined();
      expect(rogue.of('tools/call').length).toBe(1);
      expect(await host.figure('upstreamUp')).toBe(0);
      expect(await host.figure('upstreamErrors', { code })).toBe(1);
      expect(await host.figure('upstreamPending')).toBe(0);
    });

    test('of an error of its own passes verbatim, whatever the status', async () => {
      for (const code of [200, 400, 404, 500]) {
        const error = '{ "code":-32602, "message":"no such tool", "data":{"n":1.0} }';
        const { call, host } = await start(
          (hit, res) => json(res, `{"jsonrpc":"2.0","id":${hit.message.id},"error":${error}}`, code),
          { era, session: false },
        );
        const result = await call();
        expect([result.kind, result.raw.text, result.http]).toEqual(['error', error, undefined]);
        expect(await host.figure('upstreamUp')).toBe(1);
      }
    });

    test('of two results: the first counts, the second is dropped', async () => {
      const { call, host } = await start(
        (hit, res) => streamed(res, event(answer(hit, 'one')) + event(answer(hit, 'two'))),
        { era },
      );
      expect(textOf(await call())).toBe('one');
      expect(await host.dropped('late_result')).toBe(1);
    });

    test('of a batch: elements count one by one', async () => {
      const { call, host } = await start(
        (hit, res) => json(res, [{}, answer(hit, 'x', 99), answer(hit, 'mine')]),
        { era },
      );
      expect(textOf(await call())).toBe('mine');
      expect(await host.dropped('upstream_garbage')).toBe(1);
      expect(await host.dropped('late_result')).toBe(1);
    });

    test.each([301, 302, 303, 307, 308])('%d is not followed', async (code) => {
      const sink = await run.rogue((hit, res) => json(res, answer(hit)));
      const { call } = await start((_, res) => status(res, code, { location: `${sink.url}?token=theirs` }), {
        era,
      });
      const result = await call();
      expect(codeOf(result)).toBe('UPSTREAM_REFUSED');
      expect(result.raw.string('message')).toBe(
        `The upstream "up" redirects (${code} to ${new URL(sink.url).origin}); redirects are not followed.`,
      );
      expect(result.raw.text).not.toContain('token=');
      expect(sink.hits).toEqual([]);
    });
  });
}

test('a greeting that is redirected, too, is not followed', async () => {
  const sink = await run.rogue((hit, res) => json(res, answer(hit)), { era: 'both' });
  const { call } = await start(() => {}, { before: (_, res) => status(res, 307, { location: sink.url }) });
  expect(codeOf(await call())).toBe('UPSTREAM_REFUSED');
  expect(sink.hits).toEqual([]);
});

test('nobody there: the error says where', async () => {
  const rogue = await run.rogue(() => {});
  await rogue.stop();
  const upstream = run.upstream(httpSpec(rogue.url));
  const result = await upstream.handle(toolCall('tool'), nobody);
  expect(codeOf(result)).toBe('UPSTREAM_UNAVAILABLE');
  expect(result.raw.string('message')).toContain(`cannot be reached at ${new URL(rogue.url).origin}`);
});
