// An upstream over stdio: real processes that answer well or badly, end, and are started again.
import { describe, expect, test } from 'bun:test';
import {
  codeOf,
  collector,
  nobody,
  type TestHost,
  testHost,
  textOf,
  toolCall,
} from '../../fixtures/exchanges.ts';
import { running } from '../../fixtures/running.ts';
import { childPath, commandSpec, IDLE, serverSpec } from '../../fixtures/specs.ts';

const run = running();

function start(spec: Parameters<typeof run.upstream>[0], host: TestHost = testHost()) {
  const upstream = run.upstream(spec, host);
  const call = (
    name: string,
    args: object = {},
    options: Parameters<typeof toolCall>[2] = {},
    emit = nobody as never,
  ) => upstream.handle(toolCall(name, args, options), emit);
  const pid = async (): Promise<number> => JSON.parse(textOf(await call('pid'))).pid;
  return { upstream, host, call, pid };
}

describe('a server', () => {
  test('gets only the environment of its entry', async () => {
    process.env.SLUICE_TEST_CANARY = 'secret';
    const { call } = start(serverSpec([], { env: { TOKEN: 't' } }));
    expect(JSON.parse(textOf(await call('env')))).toEqual({ TOKEN: 't' });
    delete process.env.SLUICE_TEST_CANARY;
  });

  test('is started once, however many wait for it', async () => {
    const { call, pid, upstream } = start(serverSpec());
    const pids = await Promise.all(Array.from({ length: 20 }, () => pid()));
    expect(new Set(pids).size).toBe(1);
    expect(upstream.state()).toMatchObject({ links: 1, ...IDLE });
    const received: string[] = JSON.parse(textOf(await call('received')));
    expect(received.filter((line) => line.includes('server/discover')).length).toBe(1);
  });

  test('may talk nonsense between its messages: it is skipped, counted and logged', async () => {
    const { call, host } = start(serverSpec());
    const lines = [
      'Listening on port 3000',
      '{"jsonrpc":"2.0","id":$id,"result":{"content":[',
      '{"id":$id,"result":{}}',
      '{"jsonrpc":"2.0","id":$id,"result":{},"error":{"code":1,"message":"both"}}',
      '\ufeff{"jsonrpc":"2.0","id":$id,"result":{}}',
      '[]',
      '{"jsonrpc":"2.0","id":4711,"result":{"content":[{"type":"text","text":"somebody’s"}]}}',
      '{"jsonrpc":"2.0","id":$id,"result":{"content":[{"type":"text","text":"mine"}]}}',
    ];
    expect(textOf(await call('say', { lines }))).toBe('mine');
    expect(await host.dropped('upstream_garbage')).toBe(6);
    expect(await host.dropped('late_result')).toBe(1);
    expect(host.lines.filter(({ message }) => message === 'upstream sent what is not MCP').length).toBe(6);
  });

  test('may answer in batches, of which a bad element spoils no other', async () => {
    const { call, host } = start(serverSpec());
    const { notes, emit } = collector();
    const line =
      '[{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":1}},{},{"jsonrpc":"2.0","id":$id,"result":{"content":[]}}]';
    expect(textOf(await call('say', { lines: [line] }, { token: '"t"' }, emit as never))).toBe('');
    expect(notes.map(({ raw }) => raw?.text)).toEqual(['{"progressToken":"t","progress":1}']);
    expect(await host.dropped('upstream_garbage')).toBe(1);
  });

  test('may end its lines with CRLF', async () => {
    const { call } = start(serverSpec(['--crlf']));
    expect(textOf(await call('echo', { a: 1 }))).toBe('{"a":1}');
  });

  test('may flood stderr', async () => {
    const { call } = start(serverSpec([], { limits: { stderr: 1_000 } }));
    expect(textOf(await call('stderr', { bytes: 10_000_000 }))).toBe('done');
  });

  test('notifications come before the result, all of them, and none after it', async () => {
    const { call, host } = start(serverSpec());
    const { notes, emit } = collector();
    const progress = (n: number) =>
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":${n}}}`;
    const result = '{"jsonrpc":"2.0","id":$id,"result":{"content":[]}}';
    const lines = [...Array.from({ length: 500 }, (_, n) => progress(n)), result, progress(500), result];
    await call('say', { lines }, { token: '0' }, emit as never);
    expect(notes.map(({ params }) => params.progress)).toEqual(Array.from({ length: 500 }, (_, n) => n));
    await call('echo');
    expect(await host.dropped('progress_unknown_token')).toBe(1);
    expect(await host.dropped('late_result')).toBe(1);
  });
});

describe('many at once', () => {
  test('big messages do not mix, whoever writes', async () => {
    const { call } = start(serverSpec());
    const sizes = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? 300_000 + i : i));
    const answers = await Promise.all(sizes.map((size) => call('size', { text: 'x'.repeat(size) })));
    expect(answers.map(textOf)).toEqual(sizes.map((size) => String(size + '{"text":""}'.length)));
  });

  test('a message of 32 MB arrives whole, and small ones behind it', async () => {
    const { call } = start(serverSpec());
    const [big, ...small] = await Promise.all([
      call('size', { text: 'x'.repeat(32_000_000) }),
      ...Array.from({ length: 20 }, (_, n) => call('echo', { n })),
    ]);
    expect(textOf(big)).toBe('32000011');
    expect(small.map(textOf)).toEqual(Array.from({ length: 20 }, (_, n) => `{"n":${n}}`));
  });

  test('one slow client holds nobody up', async () => {
    const { call } = start(serverSpec());
    const stuck = Promise.withResolvers<void>();
    const line =
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":1}}';
    const lines = [line, '{"jsonrpc":"2.0","id":$id,"result":{"content":[]}}'];
    const slow = call('say', { lines }, { token: '1' }, (() => stuck.promise) as never);
    for (let n = 0; n < 50; n++) expect(textOf(await call('echo', { n }))).toBe(`{"n":${n}}`);
    stuck.resolve();
    expect((await slow).kind).toBe('complete');
  });
});

const unavailable = async (promise: Promise<Parameters<typeof codeOf>[0]>, why: string) => {
  const result = await promise;
  expect(codeOf(result)).toBe('UPSTREAM_UNAVAILABLE');
  expect(result.raw.string('message')).toBe(`The upstream "up" is not there: its process ${why}.`);
  expect(result.raw.object('data')?.string('upstream')).toBe('up');
};

describe('a server that ends', () => {
  test.each([
    ['exit', { code: 4 }, 'exited with code 4'],
    ['exit', { code: 0 }, 'exited with code 0'],
    ['die', { signal: 'SIGKILL' }, 'was ended by SIGKILL'],
  ])(
    'in the middle of calls, by %s %o: all fail at once, and the next finds a new one',
    async (tool, args, why) => {
      const { call, pid, upstream, host } = start(serverSpec([], { limits: { line: 4_000 } }));
      const before = await pid();
      const waiting = [call('silent'), call('silent', {}, { token: '1' }), call(tool, args)];
      for (const each of waiting) await unavailable(each, why);
      expect(upstream.state()).toMatchObject(IDLE);
      expect(await host.figure('upstreamUp')).toBe(0);
      expect(await pid()).not.toBe(before);
      expect(await host.figure('upstreamUp')).toBe(1);
      expect(await host.figure('upstreamRestarts')).toBe(1);
    },
  );

  test('by a line that is too long: all its calls fail with that, and the next finds a new one', async () => {
    const { call, pid, upstream } = start(serverSpec([], { limits: { line: 4_000 } }));
    const before = await pid();
    for (const each of [call('silent'), call('long', { bytes: 5_000 })])
      expect(codeOf(await each)).toBe('UPSTREAM_INVALID');
    expect(upstream.state()).toMatchObject(IDLE);
    expect(await pid()).not.toBe(before);
  });

  test('after its answer: the answer counts', async () => {
    const { call, host } = start(serverSpec());
    for (let times = 1; times <= 3; times++) {
      expect(textOf(await call('last', { bytes: 100_000 })).length).toBe(100_000);
      await host.logged('link ended', times);
    }
  });

  test('too often is left alone for a while', async () => {
    const host = testHost();
    const { call, pid } = start(serverSpec([], { restart: { max: 1, within: 60_000 } }), host);
    for (let i = 0; i < 2; i++) await unavailable(call('exit', { code: 1 }), 'exited with code 1');
    const refused = await call('echo');
    expect(codeOf(refused)).toBe('UPSTREAM_UNAVAILABLE');
    expect(refused.raw.string('message')).toContain(
      'ended 2 times within 60000 ms and is not started again for now',
    );
    host.turn(60_000);
    expect(await pid()).toBeGreaterThan(0);
  });
});

describe('a server that cannot be had', () => {
  test.each([
    [commandSpec('/no/such/program', []), 'no such file'],
    [commandSpec(childPath('server.ts'), []), 'may not be executed'],
    [commandSpec('/bin/sh', [], { cwd: '/no/such/dir' }), 'no directory /no/such/dir'],
    [commandSpec('/bin/sh', ['-c', 'exit 9']), 'its process exited with code 9'],
    [
      commandSpec('/bin/sh', ['-c', 'cat >/dev/null'], { timeouts: { start: 30 } }),
      'did not answer within timeouts.start (30 ms)',
    ],
  ])('%#: says why', async (spec, why) => {
    const result = await start(spec).call('echo');
    expect(result.raw.string('message')).toStartWith('The upstream "up"');
    expect(result.raw.string('message')).toContain(why);
  });

  test('by one that ends whatever it is greeted with: a call is one death, though it takes two processes', async () => {
    const host = testHost();
    const { call } = start(
      commandSpec('/bin/sh', ['-c', 'exit 9'], { restart: { max: 1, within: 60_000 } }),
      host,
    );
    for (let n = 1; n <= 2; n++) {
      await unavailable(call('echo'), 'exited with code 9');
      expect(host.lines.filter(({ message }) => message === 'process ended').length).toBe(2 * n);
    }
    expect((await call('echo')).raw.string('message')).toBe(
      'The upstream "up" ended 2 times within 60000 ms and is not started again for now; the last one exited with code 9.',
    );
  });

  test('at first, by one that ends at a request before initialize: the first call works and costs no restart', async () => {
    const { call, host } = start(serverSpec(['--fragile'], { restart: { max: 0, within: 60_000 } }));
    expect(textOf(await call('echo', { a: 1 }))).toBe('{"a":1}');
    expect(await host.figure('upstreamRestarts')).toBe(0);
  });
});

describe('cancelling', () => {
  test('is said by our id, once; a late answer is nobody’s', async () => {
    const { call, host } = start(serverSpec());
    const abort = new AbortController();
    const waiting = call('silent', {}, { signal: abort.signal, token: '5' });
    await call('echo');
    abort.abort(new Error('changed my mind'));
    expect(codeOf(await waiting)).toBe('CANCELLED');
    const received: string[] = JSON.parse(textOf(await call('received')));
    const [cancelled, ...more] = received
      .filter((line) => line.includes('notifications/cancelled'))
      .map((line) => JSON.parse(line));
    expect(more).toEqual([]);
    const silent = received.map((line) => JSON.parse(line)).find(({ params }) => params?.name === 'silent');
    expect(cancelled.params).toEqual({ requestId: silent.id, reason: 'changed my mind' });
    await call('say', {
      lines: [
        `{"jsonrpc":"2.0","id":${silent.id},"result":{}}`,
        '{"jsonrpc":"2.0","id":$id,"result":{"content":[]}}',
      ],
    });
    expect(await host.dropped('late_result')).toBe(1);
  });

  test('before the message has left keeps it from leaving', async () => {
    const { call } = start(serverSpec());
    const abort = new AbortController();
    const signing = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<void>();
    const sender = () => {
      begun.resolve();
      return signing.promise;
    };
    const waiting = call('echo', { unsent: true }, { signal: abort.signal, senders: [sender] });
    await begun.promise;
    abort.abort();
    expect(codeOf(await waiting)).toBe('CANCELLED');
    signing.resolve(undefined);
    expect(textOf(await call('received'))).not.toMatch(/unsent|cancelled/);
  });

  test('while the process starts is at once, and nothing is sent', async () => {
    const { call } = start(serverSpec(['--silent', 'server/discover']));
    const abort = new AbortController();
    const waiting = call('echo', {}, { signal: abort.signal });
    abort.abort();
    expect(codeOf(await waiting)).toBe('CANCELLED');
  });

  test('at a deadline is told to the server, and the client gets a timeout', async () => {
    const { call, host } = start(serverSpec([], { timeouts: { firstByte: 30 } }));
    const result = await call('silent');
    expect(codeOf(result)).toBe('UPSTREAM_TIMEOUT');
    expect(result.raw.object('data')?.value).toMatchObject({ upstream: 'up', timeout: 'first_byte' });
    expect(textOf(await call('received'))).toContain('timeout: first_byte');
    expect(await host.figure('timeouts', { kind: 'first_byte' })).toBe(1);
  });
});
